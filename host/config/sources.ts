import { resolve } from 'node:path';
import { SettingFault } from './setting-fault.ts';

/** Hosts with or without a port, as a URL spells them, so that they can be compared. */
export function toSourceHosts(text: string): readonly string[] {
  return Object.freeze(
    listOf(text).map((name) => {
      const url = URL.canParse(`https://${name}`) ? new URL(`https://${name}`) : undefined;
      if (url !== undefined && url.host === name.toLowerCase()) return url.host;
      throw new SettingFault(`"${name}" is not a host with or without a port.`, 'Write it as in registry.internal:5000.');
    }),
  );
}

/** Absolute paths. */
export function toFolders(text: string): readonly string[] {
  return Object.freeze(listOf(text).map((folder) => resolve(folder)));
}

function listOf(text: string): string[] {
  return text === '' ? [] : text.split(',').map((entry) => entry.trim());
}
