import { access, chmod, constants, open, stat } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { RequestError } from '../domain/errors.ts';
import type { Computation } from './computation.ts';
import type { DatabaseReply, DatabaseRequest, DatabaseThreadOptions, WireOperation } from './database-protocol.ts';
import { Columns } from './statement.ts';
import type { SqlValue, Statement } from './statement.ts';
import { createThreadPool, DatabaseThread } from './thread-pool.ts';
import { makeFolder } from '../make-folder.ts';

export interface DatabaseOptions {
  /** Path of the file; its folder is made when it is missing. */
  file: string;
  /** Threads that answer reads. Default 2. */
  readers?: number;
  /** Requests that may wait for the writer, and for the readers, before HOST_BUSY. Default 1,000 each. */
  maxQueued?: number;
  /** How long a statement waits for another process's lock. Default 15,000. */
  busyTimeoutMs?: number;
}

/** One statement of a transaction. Made by `operation`. */
export interface Operation {
  readonly name: string;
  readonly sql: string;
  readonly values: SqlValue[];
  readonly expectChanges: number | undefined;
  readonly statement: object;
  /** Of an operation that follows an entry of a chain: the SQL that finds the last one. */
  readonly head?: string;
}

/** What a transaction did. */
interface WriteResult {
  /** Rows that the operation of this index inserted, updated or deleted. */
  changes(index: number): number;
  /** What the operation of this index returned; `statement` is the one that it was made of. */
  rows<Params, Row>(index: number, statement: Statement<Params, Row>): Row[];
}

/**
 * One libSQL file. Every method throws `RequestError`: HOST_BUSY when too much is waiting,
 * SHUTTING_DOWN after `close`, and `DatabaseError` for what libSQL itself refuses.
 */
export interface Database {
  readonly file: string;
  /** All rows. Reads see every transaction whose `write` has resolved. */
  read<Params, Row>(statement: Statement<Params, Row>, params: Params): Promise<Row[]>;
  /** The first row, if there is one. */
  readOne<Params, Row>(statement: Statement<Params, Row>, params: Params): Promise<Row | undefined>;
  /** Rows that a reading thread works out. Undefined when there is no answer. */
  compute<Input>(computation: Computation<Input>, input: Input): Promise<unknown[] | undefined>;
  /**
   * Performs the operations in order in one transaction: all of them or, when one fails, none.
   * `ExpectationError` when one changed another number of rows than it had to.
   */
  write(operations: readonly Operation[]): Promise<WriteResult>;
  /** Waits for what has been asked, then closes the file. May be called twice. */
  close(): Promise<void>;
}

/** libSQL refused a statement. */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';
  /** As SQLite names it: `SQLITE_CONSTRAINT_UNIQUE`, `SQLITE_FULL`. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Whether a transaction failed because something of the same key exists. */
export function isUniqueViolation(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && /^SQLITE_CONSTRAINT_(UNIQUE|PRIMARYKEY)$/.test(error.code);
}

/** A transaction was rolled back because a guard did not hold. */
export class ExpectationError extends Error {
  override readonly name = 'ExpectationError';
  /** Of the statement whose expectation failed. */
  readonly statement: string;

  constructor(statement: string, expected: number, changes: number) {
    super(`${statement} changed ${changes} rows instead of ${expected}`);
    this.statement = statement;
  }
}

/** Binds a statement for `Database.write`. `expectChanges` makes it a guard of the whole transaction. */
export function operation<Params, Row>(
  statement: Statement<Params, Row>,
  params: Params,
  options: { expectChanges?: number } = {},
): Operation {
  return {
    name: statement.name,
    sql: statement.sql,
    values: statement.bind(params),
    expectChanges: options.expectChanges,
    statement,
  };
}

/**
 * Opens a file, creates it when it is missing, and brings its schema up to date. Throws
 * `RequestError` DATA_DIR_NOT_WRITABLE, DATABASE_NEWER or FILE_NOT_READABLE.
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { file, readers = 2, maxQueued = 1_000, busyTimeoutMs = 15_000 } = options;
  await ensureWritable(file);
  const writer = startThread({ file, role: 'writer', busyTimeoutMs });
  const others = Array.from({ length: readers }, () => startThread({ file, role: 'reader', busyTimeoutMs }));
  try {
    // The writer first: it makes the file and its tables.
    await openThread(file, writer);
    await Promise.all(others.map((thread) => openThread(file, thread)));
  } catch (error) {
    await Promise.all([writer, ...others].map((thread) => thread.close()));
    throw error;
  }
  const writes = createThreadPool([writer], { maxQueued });
  const reads = createThreadPool(others, { maxQueued });

  async function read<Params, Row>(statement: Statement<Params, Row>, params: Params): Promise<Row[]> {
    const reply = await reads.ask({ kind: 'read', sql: statement.sql, values: statement.bind(params) });
    if (reply.kind !== 'rows') throw unexpected(reply, () => statement.name);
    return reply.rows.map((row) => statement.toRow(new Columns(statement.name, row)));
  }

  return {
    file,
    read,
    readOne: async (statement, params) => (await read(statement, params))[0],
    compute: async ({ name }, input) => {
      const reply = await reads.ask({ kind: 'compute', name, input });
      if (reply.kind !== 'computed') throw unexpected(reply, () => name);
      return reply.rows;
    },
    write: async (operations) => writeResult(operations, await writes.ask(toRequest(operations))),
    close: async () => {
      await reads.close();
      // Last, so that closing it folds the write-ahead log into the file.
      await writes.close();
    },
  };
}

/** Texts are sent once a message however many operations share them. */
function toRequest(operations: readonly Operation[]): DatabaseRequest {
  const texts = new Map<string, number>();
  const textOf = (sql: string): number => {
    const text = texts.get(sql) ?? texts.size;
    texts.set(sql, text);
    return text;
  };
  const wire = operations.map(({ sql, values, expectChanges, head }): WireOperation => {
    return { text: textOf(sql), values, expectChanges, head: head === undefined ? undefined : textOf(head) };
  });
  return { kind: 'write', texts: [...texts.keys()], operations: wire };
}

function writeResult(operations: readonly Operation[], reply: DatabaseReply): WriteResult {
  const nameOf = (index: number | undefined): string => (index === undefined ? undefined : operations[index]?.name) ?? 'transaction';
  if (reply.kind === 'refused') {
    throw new ExpectationError(nameOf(reply.operation), operations[reply.operation]?.expectChanges ?? 0, reply.changes);
  }
  if (reply.kind !== 'written') throw unexpected(reply, nameOf);
  const returned = new Map(reply.rows);
  return {
    changes: (index) => reply.changes[index] ?? 0,
    rows: (index, statement) => {
      if (operations[index]?.statement !== statement) throw new TypeError(`operation ${index} is not ${statement.name}`);
      return (returned.get(index) ?? []).map((row) => statement.toRow(new Columns(statement.name, row)));
    },
  };
}

function unexpected(reply: DatabaseReply, nameOf: (index: number | undefined) => string): Error {
  if (reply.kind !== 'error') return new TypeError(`the database thread answered ${reply.kind}`);
  return new DatabaseError(reply.code, `${nameOf(reply.operation)}: ${reply.message}`);
}

async function ensureWritable(file: string): Promise<void> {
  const folder = dirname(file);
  try {
    await makeFolder(folder);
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    await makeOwnFile(file);
    for (const one of [file, `${file}-wal`, `${file}-shm`]) await keepFromOthers(one);
  } catch (cause) {
    const full = cause instanceof Error && 'code' in cause && (cause.code === 'ENOSPC' || cause.code === 'EDQUOT');
    throw full ? cause : notWritable(folder, cause);
  }
}

/**
 * Made here and not by libSQL, which asks the mask of the process: the file holds what only some people may see. What libSQL puts beside
 * it gets the rights of the file itself. One that is there is not opened: closing it again would take libSQL's locks from it.
 */
async function makeOwnFile(file: string): Promise<void> {
  try {
    await (await open(file, 'wx', 0o600)).close();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

/** A file that was made before files were made so: by its path, for the same reason. One of somebody else is theirs to see to. */
async function keepFromOthers(file: string): Promise<void> {
  try {
    const { uid, mode } = await stat(file);
    if (uid === process.getuid?.() && (mode & 0o077) !== 0) await chmod(file, mode & 0o700);
  } catch (error) {
    // Not there, or no more: what libSQL puts beside the file comes and goes.
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
}

function notWritable(folder: string, cause: unknown): RequestError {
  return new RequestError('DATA_DIR_NOT_WRITABLE', `The data folder ${folder} cannot be written to.`, {
    remedy: 'Give this user the right to write there, or set DATA_DIR to another folder.',
    cause,
  });
}

function startThread(workerData: DatabaseThreadOptions): DatabaseThread {
  // The extension differs between the sources and the build.
  const entry = new URL(`./database.worker${extname(import.meta.url)}`, import.meta.url);
  return new DatabaseThread(new Worker(entry, { workerData, env: {}, name: `database-${workerData.role}` }));
}

async function openThread(file: string, thread: DatabaseThread): Promise<void> {
  const reply = await thread.ask({ kind: 'open' });
  if (reply.kind !== 'opened') throw openingError(file, reply);
}

function openingError(file: string, reply: DatabaseReply): Error {
  if (reply.kind === 'newer') {
    return new RequestError(
      'DATABASE_NEWER',
      `The database ${file} has schema version ${reply.found}, and this host knows versions up to ${reply.known}.`,
      { remedy: 'Start the newer version of the host that wrote it, or choose another DATA_DIR.' },
    );
  }
  const cause = unexpected(reply, () => 'open');
  if (reply.kind !== 'error') return cause;
  if (reply.code === 'SQLITE_NOTADB' || reply.code === 'SQLITE_CORRUPT') {
    return new RequestError('FILE_NOT_READABLE', `The file ${file} is not a readable libSQL database.`, {
      remedy: 'Restore it from a backup, or choose another DATA_DIR.',
      cause,
    });
  }
  if (/^SQLITE_(READONLY|CANTOPEN|PERM)/.test(reply.code)) return notWritable(dirname(file), cause);
  return cause;
}
