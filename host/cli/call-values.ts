import { isJsonObject, type Json } from '../domain/json.ts';
import type { Wire } from '../sandbox/frame.ts';
import { SOURCE_FUNCTIONS, type SourceFunction } from '../sandbox/protocol.ts';
import { nearest } from '../domain/nearest.ts';
import { toPrintableJson } from '../domain/text.ts';
import { UsageError } from './exit.ts';

/** What the argument of a function is, for people who write one; none for a function without. */
const ARGUMENTS: Partial<Record<SourceFunction, string>> = {
  read: 'a checkpoint, as text or as {"base64": "…"}',
  'list-ids': 'a checkpoint, as text or as {"base64": "…"}',
  'list-groups': 'a checkpoint, as text or as {"base64": "…"}',
  search: 'a query: {"text": "…", "limit": 10}',
  receive: 'a delivery: {"id": "…", "headers": [{"name": "…", "value": "…"}], "body": "…"}',
};

/** The function that the command line names. */
export function parseFunction(name: string): SourceFunction {
  const found = SOURCE_FUNCTIONS.find((candidate) => candidate === name);
  if (found !== undefined) return found;
  const similar = nearest(name, SOURCE_FUNCTIONS);
  const remedy = `${similar === undefined ? '' : `Did you mean ${similar}? `}Name one of: ${SOURCE_FUNCTIONS.join(', ')}.`;
  throw new UsageError(`A datasource has no function "${name.slice(0, 80)}".`, remedy);
}

/** The argument behind the context and the feature, from its JSON. */
export function parseArgument(func: SourceFunction, text: string | undefined): Wire {
  const form = ARGUMENTS[func];
  if (text === undefined) {
    if (func === 'search' || func === 'receive') throw new UsageError(`${func} needs an argument.`, `Give ${form}.`);
    return undefined;
  }
  if (form === undefined) throw new UsageError(`${func} takes no argument.`, 'Leave the JSON out.');
  const value = parseJson(text);
  switch (func) {
    case 'search':
      if (isJsonObject(value) && typeof value.text === 'string' && Number.isInteger(value.limit))
        return { text: value.text, limit: value.limit };
      break;
    case 'receive': {
      const body = isJsonObject(value) ? toBytes(value.body) : undefined;
      if (isJsonObject(value) && typeof value.id === 'string' && isHeaders(value.headers) && body !== undefined)
        return { id: value.id, headers: value.headers, body };
      break;
    }
    default: {
      const checkpoint = toBytes(value);
      if (checkpoint !== undefined) return checkpoint;
    }
  }
  throw new UsageError(`The argument of ${func} cannot be used: ${text.slice(0, 80)}`, `Give ${form}.`);
}

function isHeaders(value: Json | undefined): value is { name: string; value: string }[] {
  return (
    Array.isArray(value) && value.every((field) => isJsonObject(field) && typeof field.name === 'string' && typeof field.value === 'string')
  );
}

function toBytes(value: Json | undefined): Uint8Array | undefined {
  if (typeof value === 'string') return new TextEncoder().encode(value);
  if (isJsonObject(value) && typeof value.base64 === 'string') return new Uint8Array(Buffer.from(value.base64, 'base64'));
  return undefined;
}

/** A value of a guest as JSON: bytes that are UTF-8 as text, others as `{"base64": "…"}`, so that they can be given back. */
export function toPrintable(value: unknown): Json {
  if (value === undefined || value === null) return null;
  if (value instanceof Uint8Array) return bytesToJson(value);
  if (Array.isArray(value)) return value.map(toPrintable);
  if (typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, toPrintable(inner)]));
  return typeof value === 'number' || typeof value === 'boolean' ? value : String(value);
}

function bytesToJson(bytes: Uint8Array): Json {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return { base64: Buffer.from(bytes).toString('base64') };
  }
}

/** JSON on several lines that cannot write to the terminal. */
export function prettyJson(value: Json): string {
  return toPrintableJson(JSON.stringify(value, undefined, 2));
}

function parseJson(text: string): Json {
  try {
    const value: Json = JSON.parse(text);
    return value;
  } catch {
    throw new UsageError(`The argument is not JSON: ${text.slice(0, 80)}`, `Write it in quotes: '{"text": "how?", "limit": 3}'.`);
  }
}
