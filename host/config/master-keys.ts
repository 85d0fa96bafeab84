import type { Problem } from '../domain/errors.ts';
import { SettingFault } from './setting-fault.ts';

/** The value itself is never repeated: it is a secret. */
export function toMasterKeys(text: string): readonly Uint8Array[] {
  const words = text.split(',').flatMap((word) => word.trim() || []);
  const keys = words.map((word) => new Uint8Array(Buffer.from(word, 'base64')));
  if (keys.some((key, at) => key.length !== 32 || Buffer.from(key).toString('base64') !== words[at])) {
    throw new SettingFault('It is not the base64 of exactly 32 bytes.', 'Make one with: openssl rand -base64 32');
  }
  return Object.freeze(keys);
}

export const SEVERAL_MASTER_KEYS: Problem = {
  path: 'LORELAI_MASTER_KEY',
  reason: 'Master keys are given in more than one way.',
  remedy: 'Set one of LORELAI_MASTER_KEY, LORELAI_MASTER_KEY_FILE and LORELAI_MASTER_KEY_COMMAND.',
};

interface MasterKeySettings {
  masterKeys: readonly Uint8Array[] | undefined;
  masterKeyFile: string | undefined;
  masterKeyCommand: readonly string[] | undefined;
}

/** Whether more than one of the three ways is used. */
export function severalMasterKeys({ masterKeys = [], masterKeyFile, masterKeyCommand }: MasterKeySettings): boolean {
  return [masterKeys.length > 0, masterKeyFile !== undefined, masterKeyCommand !== undefined].filter(Boolean).length > 1;
}

/** A program and its arguments: words, or a JSON array; undefined when empty. */
export function toCommand(text: string): readonly string[] | undefined {
  if (text === '') return undefined;
  const words: unknown = text.startsWith('[') ? parseArray(text) : text.split(/\s+/);
  if (Array.isArray(words) && words.length > 0 && words.every((word) => typeof word === 'string' && word !== ''))
    return Object.freeze(words);
  throw new SettingFault('It names no program.', 'Write it as in: ["/usr/bin/print-key", "--name", "lorelai"]');
}

function parseArray(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
