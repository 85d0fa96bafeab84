import { failed, timeMs } from '@lorelai/datasource-sdk';

/** Reads the fields of one JSON object of GitHub's. What is missing or of another type reads as undefined. */
export interface Fields {
  text(name: string): string | undefined;
  number(name: string): number | undefined;
  flag(name: string): boolean;
  /** Milliseconds since 1970 of an ISO 8601 time. */
  timeMs(name: string): number | undefined;
  object(name: string): Fields | undefined;
  list(name: string): Fields[];
  has(name: string): boolean;
}

/** The fields of a value; undefined when it is no object. */
export function fieldsOf(value: unknown): Fields | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const entries = new Map<string, unknown>(Object.entries(value));
  const text = (name: string): string | undefined => {
    const found = entries.get(name);
    return typeof found === 'string' ? found : undefined;
  };
  return {
    text,
    number: (name) => {
      const found = entries.get(name);
      return typeof found === 'number' && Number.isFinite(found) ? found : undefined;
    },
    flag: (name) => entries.get(name) === true,
    timeMs: (name) => timeMs(text(name)),
    object: (name) => fieldsOf(entries.get(name)),
    list: (name) => listOf(entries.get(name)),
    has: (name) => entries.get(name) !== undefined && entries.get(name) !== null,
  };
}

/** The objects of a list; empty when it is no list. */
export function listOf(value: unknown): Fields[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((item: unknown) => {
    const fields = fieldsOf(item);
    return fields === undefined ? [] : [fields];
  });
}

/** The value, or the failure `failed` that names what GitHub's answer lacks. */
export function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw failed(`GitHub's answer lacks ${what}.`);
  return value;
}
