import type { SqlValue } from './statement.ts';

/** What the threads are started with. */
export interface DatabaseThreadOptions {
  file: string;
  role: 'writer' | 'reader';
  /** How long a statement waits for another process's lock. */
  busyTimeoutMs: number;
}

/** One statement of a transaction: which of the message's texts, its values, and how many rows it must change. */
export interface WireOperation {
  text: number;
  values: SqlValue[];
  expectChanges: number | undefined;
  /** Of an insert into a chain: the text that finds the chain's last entry, which the values are linked to. */
  head: number | undefined;
}

/** To a thread. It answers each but `close` with one reply, in order; the first is `open`. */
export type DatabaseRequest =
  | { kind: 'open' }
  | { kind: 'read'; sql: string; values: SqlValue[] }
  | { kind: 'compute'; name: string; input: unknown }
  | { kind: 'write'; texts: string[]; operations: WireOperation[] }
  | { kind: 'close' };

/** From a thread. */
export type DatabaseReply =
  | { kind: 'opened' }
  | { kind: 'rows'; rows: unknown[] }
  /** Undefined: there is no answer. */
  | { kind: 'computed'; rows: unknown[] | undefined }
  /** `changes` by operation; `rows` only of the operations that gave any. */
  | { kind: 'written'; changes: number[]; rows: [operation: number, rows: unknown[]][] }
  /** An expectation failed and nothing was written. */
  | { kind: 'refused'; operation: number; changes: number }
  /** Opening found a schema that this code does not know. */
  | { kind: 'newer'; found: number; known: number }
  /** `operation` is the one that failed, when it was one. */
  | { kind: 'error'; code: string; message: string; operation: number | undefined };
