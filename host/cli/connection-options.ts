import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import { UsageError } from './exit.ts';
import { readNamedFile } from './files.ts';

const MAX_CONFIG_BYTES = 1024 * 1024;

/** What `--config` gives: a JSON object, or `@file` with one. */
export async function parseConfigOption(option: string | undefined): Promise<JsonObject> {
  if (option === undefined) return {};
  const text = option.startsWith('@')
    ? new TextDecoder().decode(await readNamedFile(option.slice(1), { maxBytes: MAX_CONFIG_BYTES }))
    : option;
  const value = parseJson(text);
  if (isJsonObject(value)) return value;
  throw new UsageError('--config is not a JSON object.', `Write --config '{"key": "value"}', or --config @file.json.`);
}

/**
 * What `--set key=value` gives, as the schema of the settings wants it: text stays text where the
 * schema says string, a list may be written with commas, all else is JSON.
 */
export function parseSetOptions(options: readonly string[], schema: JsonObject): JsonObject {
  const properties = isJsonObject(schema.properties) ? schema.properties : {};
  return Object.fromEntries(
    options.map((option) => {
      const [key, text] = splitPair(option, '--set', 'key=value');
      return [key, toSetting(text, properties[key])];
    }),
  );
}

function toSetting(text: string, schema: Json | undefined): Json {
  const type = isJsonObject(schema) ? schema.type : undefined;
  if (type === 'string') return text;
  const value = parseJson(text);
  if (type === 'array' && !Array.isArray(value)) return text === '' ? [] : text.split(',').map((item) => item.trim());
  return value ?? text;
}

/** What `--feature name=on` and `--feature name=off` give. */
export function parseFeatureOptions(options: readonly string[]): Record<string, { enabled: boolean }> {
  return Object.fromEntries(
    options.map((option) => {
      const [name, state] = splitPair(option, '--feature', 'name=on');
      if (state !== 'on' && state !== 'off')
        throw new UsageError(`--feature ${option} says neither on nor off.`, `Write --feature ${name}=on or --feature ${name}=off.`);
      return [name, { enabled: state === 'on' }];
    }),
  );
}

/** The two sides of `key=value`; `name` is the option and `form` what it should look like. */
export function splitPair(option: string, name: string, form: string): [string, string] {
  const at = option.indexOf('=');
  if (at < 1) throw new UsageError(`${name} ${option} has no "=".`, `Write ${name} ${form}.`);
  return [option.slice(0, at), option.slice(at + 1)];
}

/** Undefined when the text is not JSON. */
function parseJson(text: string): Json | undefined {
  try {
    const value: Json = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}
