import type { Actor } from './caller.ts';
import type { JsonObject } from './json.ts';

/** One thing that somebody changed or was not allowed to, as the log of changes is told it. */
export interface Change {
  actor: Actor;
  /** Whose log it goes to; undefined for what concerns the whole host. */
  organisation: string | undefined;
  /** What was done: the thing and a verb, as in `connection.create`. */
  action: `${string}.${string}`;
  /** What it was done to: the kind of thing and its id, as in `connection/01KATM…`. */
  target: string;
  /** The thing as the API shows it: never a secret. */
  before?: object;
  after?: object;
}

/** An entry of the log. */
export interface RecordedChange {
  /** Undefined for the log of the host. */
  organisation: string | undefined;
  /** 1 for the first of its chain, then one more each. */
  sequence: number;
  atMs: number;
  actor: Actor;
  action: string;
  target: string;
  before: JsonObject | undefined;
  after: JsonObject | undefined;
  /** Of the entry before, and its own: 64 hexadecimal digits. */
  previous: string;
  hash: string;
  /** The very text that was hashed. */
  entry: string;
}

/** What a look through a whole chain found. */
export interface ChainVerdict {
  /** Undefined for the log of the host. */
  organisation: string | undefined;
  entries: number;
  /** The hash of the last entry: kept elsewhere, it shows when the end was cut off. */
  head: string;
  /** The first entry that does not follow from those before it; undefined when all do. */
  brokenAt: number | undefined;
}
