import { isJsonObject } from '../domain/json.ts';
import { isStorableText, toStorableText } from '../domain/text.ts';

/** A result that breaks the contract of wit/. `message` names the field and the rule. */
export class ContractError extends Error {
  override readonly name = 'ContractError';
}

// Readers of one field each. `path` names it; all throw `ContractError`.

export function toRecord(value: unknown, path: string): Record<string, unknown> {
  if (!isJsonObject(value)) throw new ContractError(`${path}: not a record`);
  return value;
}

export function toList(value: unknown, path: string, max: number): unknown[] {
  if (!Array.isArray(value)) throw new ContractError(`${path}: not a list`);
  if (value.length > max) throw new ContractError(`${path}: ${value.length} entries; at most ${max} are allowed`);
  return value;
}

export function toText(value: unknown, path: string, minBytes: number, maxBytes: number): string {
  return toStorableText(toRawText(value, path, minBytes, maxBytes));
}

/** An id comes back to the datasource, and two must never become one: it is kept as it is or refused. */
export function toId(value: unknown, path: string): string {
  const id = toRawText(value, path, 1, 512);
  if (!isStorableText(id)) throw new ContractError(`${path}: it holds a NUL or half of a surrogate pair`);
  return id;
}

export function toRawText(value: unknown, path: string, minBytes: number, maxBytes: number): string {
  if (typeof value !== 'string') throw new ContractError(`${path}: not a string`);
  const bytes = Buffer.byteLength(value);
  if (bytes < minBytes || bytes > maxBytes) throw new ContractError(`${path}: ${bytes} bytes; ${minBytes} to ${maxBytes} are allowed`);
  return value;
}

export function toBytes(value: unknown, path: string, maxBytes: number): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new ContractError(`${path}: not bytes`);
  if (value.byteLength > maxBytes) throw new ContractError(`${path}: ${value.byteLength} bytes; at most ${maxBytes} are allowed`);
  return value;
}

export function toBoolean(value: unknown, path: string): boolean {
  if (typeof value !== 'boolean') throw new ContractError(`${path}: neither true nor false`);
  return value;
}

export function toCount(value: unknown, path: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new ContractError(`${path}: not a count`);
  return value;
}

/** The range of ECMAScript dates, so that every stored time can be written as RFC 3339. */
export function toTime(value: unknown, path: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || Math.abs(value) > 8.64e15)
    throw new ContractError(`${path}: not a time`);
  return value;
}

/** A WIT option: absent, undefined or null is none. */
export function optional<T>(value: unknown, parse: (value: unknown) => T): T | undefined {
  return value === undefined || value === null ? undefined : parse(value);
}
