import { toUtf8 } from './bytes.ts';
import { failed, type Failure } from './failure.ts';

// What an author returns is checked here, field by field: a value of the wrong type would end the
// instance inside the engine, without a word about which one it was. `at` is the place that the message names.

/** The failure for a value that cannot be sent: `read returned upserts[3].link: it must be …, not undefined.` */
export function wrongValue(at: string, expected: string, value: unknown): Failure {
  return failed(`${at}: it must be ${expected}, not ${show(value)}.`);
}

function show(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'bigint') return `the BigInt ${value}`;
  if (typeof value === 'string') return value === '' ? 'empty text' : JSON.stringify(value.slice(0, 60));
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** Fields of an object whose values are still to be checked. */
export type Fields = Readonly<Record<string, unknown>>;

export function toFields(value: unknown, at: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongValue(at, 'an object', value);
  if ('then' in value) throw failed(`${at}: it is a promise; there is nothing to wait for in a component. Return the value itself.`);
  return { ...value };
}

export function toList(value: unknown, at: string, maxItems: number): readonly unknown[] {
  if (!Array.isArray(value)) throw wrongValue(at, 'a list', value);
  if (value.length > maxItems) throw failed(`${at}: it has ${value.length} items; at most ${maxItems} are allowed.`);
  return value;
}

/** Text of `minBytes` to `maxBytes` of UTF-8. */
export function toText(value: unknown, at: string, { minBytes = 0, maxBytes }: { minBytes?: number; maxBytes: number }): string {
  if (typeof value !== 'string') throw wrongValue(at, 'text', value);
  const wellFormed = value.toWellFormed();
  if (wellFormed.length < minBytes) throw wrongValue(at, 'text', value);
  // A code unit is at most 3 bytes of UTF-8: most texts need no counting.
  if (wellFormed.length * 3 > maxBytes && toUtf8(wellFormed).length > maxBytes) {
    throw failed(`${at}: it is longer than ${maxBytes} bytes: ${JSON.stringify(wellFormed.slice(0, 60))}…`);
  }
  return wellFormed;
}

/** Text, cut to `maxBytes` of UTF-8 between two characters. */
export function toCutText(value: unknown, at: string, maxBytes: number): string {
  if (typeof value !== 'string') throw wrongValue(at, 'text', value);
  const wellFormed = value.toWellFormed();
  if (wellFormed.length * 3 <= maxBytes) return wellFormed;
  let bytes = 0;
  let end = 0;
  for (const character of wellFormed) {
    bytes += toUtf8(character).length;
    if (bytes > maxBytes) break;
    end += character.length;
  }
  return wellFormed.slice(0, end);
}

/** A whole number from `min` to `max`. */
export function toInteger(value: unknown, at: string, { min, max = Number.MAX_SAFE_INTEGER }: { min: number; max?: number }): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw wrongValue(at, 'a number', value);
  const whole = Math.trunc(value);
  if (whole < min || whole > max) throw wrongValue(at, `a number from ${min} to ${max}`, value);
  return whole;
}

export function toBoolean(value: unknown, at: string): boolean {
  if (typeof value !== 'boolean') throw wrongValue(at, 'true or false', value);
  return value;
}

/** The checked value, or null where the author gave none: the contract's option. */
export function optional<T>(value: unknown, check: (value: unknown) => T): T | null {
  return value === undefined || value === null ? null : check(value);
}
