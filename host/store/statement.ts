import { isJsonObject } from '../domain/json.ts';
import type { Json, JsonObject } from '../domain/json.ts';

/** What libSQL can keep. Anything else is refused by `bindValues` before it reaches the library. */
export type SqlValue = string | number | bigint | Uint8Array | null;

/** The parameters of a statement, by the names that its SQL gives them. */
export type SqlParams<P> = { [K in keyof P]: SqlValue };

/** For statements without parameters. */
export type NoParams = Record<never, SqlValue>;

/** A named piece of SQL with the types of what goes in and what comes out. */
export interface Statement<Params, Row> {
  /** `table.action`, for errors and logs. */
  readonly name: string;
  /** With numbered parameters: `?1`. */
  readonly sql: string;
  /** Values in the order of their numbers; throws `TypeError` for one that libSQL cannot keep. */
  readonly bind: (params: Params) => SqlValue[];
  readonly toRow: (columns: Columns) => Row;
}

/**
 * Names and types a statement. Parameters are written `:name`; `toRow` makes a domain value of a row
 * and may be left out for statements that give none.
 */
export function defineStatement<Params extends SqlParams<Params>>(name: string, sql: string): Statement<Params, never>;
export function defineStatement<Params extends SqlParams<Params>, Row>(
  name: string,
  sql: string,
  toRow: (columns: Columns) => Row,
): Statement<Params, Row>;
export function defineStatement<Params extends SqlParams<Params>, Row>(
  name: string,
  sql: string,
  toRow?: (columns: Columns) => Row,
): Statement<Params, Row> {
  const { positional, names } = numberParameters(sql);
  return {
    name,
    sql: positional,
    bind: (params) => bindValues(name, names, params),
    toRow: toRow ?? (() => unexpectedRow(name)),
  };
}

function unexpectedRow(name: string): never {
  throw new TypeError(`${name} gave a row, but says that it gives none`);
}

/** Strings, quoted names and comments are stepped over; `:name` elsewhere is a parameter. */
const SQL_TOKEN = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|:([a-zA-Z][a-zA-Z0-9]*)/g;

function numberParameters(sql: string): { positional: string; names: string[] } {
  const names: string[] = [];
  const positional = sql.replace(SQL_TOKEN, (token: string, name: string | undefined) => {
    if (name === undefined) return token;
    if (!names.includes(name)) names.push(name);
    return `?${names.indexOf(name) + 1}`;
  });
  return { positional, names };
}

/**
 * The one place where values are handed to libSQL. libsql 0.5.29 aborts the whole process on a
 * boolean or an object, takes a missing value for NULL, and reads text back only as far as its first
 * NUL: each of these is refused here. Safe integers go as `bigint` because the library binds every
 * JavaScript number as REAL.
 */
function bindValues<Params extends SqlParams<Params>>(statement: string, names: readonly string[], params: Params): SqlValue[] {
  const given: Record<string, unknown> = params;
  for (const name in given) {
    if (!names.includes(name)) throw new TypeError(`${statement} has no parameter :${name}`);
  }
  return names.map((name) => bindable(given[name], statement, name));
}

function bindable(value: unknown, statement: string, name: string): SqlValue {
  const fault = (what: string): TypeError => new TypeError(`${statement} :${name} ${what}`);
  if (value === null) return null;
  if (typeof value === 'string') {
    if (value.includes('\0')) throw fault('holds a NUL character');
    return value;
  }
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return BigInt(value);
    if (Number.isFinite(value)) return value;
    throw fault('is not a finite number');
  }
  if (typeof value === 'bigint') {
    if (BigInt.asIntN(64, value) === value) return value;
    throw fault('does not fit into 64 bits');
  }
  // A plain copy: a Buffer or a view of shared memory is not what the library expects.
  if (value instanceof Uint8Array) return new Uint8Array(value);
  throw fault(`is ${value === undefined ? 'missing' : `a ${typeof value}`}, which cannot be stored`);
}

/** One row on its way in: each column is asked for by name and type, and a wrong one throws. */
export class Columns {
  readonly #statement: string;
  readonly #values: Map<string, unknown>;

  constructor(statement: string, row: unknown) {
    if (typeof row !== 'object' || row === null) throw new TypeError(`${statement} gave something that is no row`);
    this.#statement = statement;
    this.#values = new Map(Object.entries(row));
  }

  text(column: string): string {
    const value = this.#values.get(column);
    return typeof value === 'string' ? value : this.#wrong(column, 'text');
  }

  optionalText(column: string): string | undefined {
    return this.#values.get(column) === null ? undefined : this.text(column);
  }

  oneOf<T extends string>(column: string, known: readonly T[]): T {
    const value = this.text(column);
    return known.find((candidate) => candidate === value) ?? this.#wrong(column, `one of ${known.join(', ')}`);
  }

  /** Any number; integers beyond 2^53 lose precision, and no table of ours holds one. */
  number(column: string): number {
    const value = this.#values.get(column);
    return typeof value === 'number' ? value : this.#wrong(column, 'a number');
  }

  optionalNumber(column: string): number | undefined {
    return this.#values.get(column) === null ? undefined : this.number(column);
  }

  flag(column: string): boolean {
    return this.number(column) !== 0;
  }

  bytes(column: string): Uint8Array {
    const value = this.#values.get(column);
    if (value instanceof ArrayBuffer) return new Uint8Array(value);
    return value instanceof Uint8Array ? value : this.#wrong(column, 'bytes');
  }

  optionalBytes(column: string): Uint8Array | undefined {
    return this.#values.get(column) === null ? undefined : this.bytes(column);
  }

  json(column: string): Json {
    const parsed: Json = JSON.parse(this.text(column));
    return parsed;
  }

  jsonObject(column: string): JsonObject {
    const value = this.json(column);
    return isJsonObject(value) ? value : this.#wrong(column, 'a JSON object');
  }

  /** A JSON array of strings. */
  texts(column: string): string[] {
    const value = this.json(column);
    if (!Array.isArray(value)) return this.#wrong(column, 'a JSON array');
    return value.map((text) => (typeof text === 'string' ? text : this.#wrong(column, 'a JSON array of text')));
  }

  #wrong(column: string, wanted: string): never {
    throw new TypeError(`${this.#statement} gave a ${column} that is not ${wanted}`);
  }
}
