import type { SettingName } from './settings.ts';
import { SettingFault } from './setting-fault.ts';

/** Reads one setting; undefined when it is wrong, which is then among the problems. */
export type Read = <T>(name: SettingName, parse: (text: string) => T) => T | undefined;

/** A whole number from `least` to `most`. */
export function toInteger(text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^\d{1,10}$/.test(text) || value < least || value > most) {
    throw new SettingFault(
      `"${text}" is not a whole number from ${least} to ${most}.`,
      `Set it to a whole number from ${least} to ${most}.`,
    );
  }
  return value;
}
