import Libsql from 'libsql';
import { parentPort, workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { CHAIN_START, chainHash } from './chain.ts';
import type { RowReader } from './computation.ts';
import { computationOf } from './computations.ts';
import type { DatabaseReply, DatabaseRequest, DatabaseThreadOptions, WireOperation } from './database-protocol.ts';
import { DatabaseNewerError, migrate } from './migrate.ts';
import { Columns, type SqlValue } from './statement.ts';

// This file runs in a thread of its own: libsql blocks the thread that calls it.

/** A connection with the statements that were prepared on it, least recently used first. */
interface Connection {
  database: Libsql.Database;
  prepared: Map<string, Libsql.Statement>;
}

/** All fixed statements, and those of the search indexes of a hundred organisations. */
const MAX_PREPARED = 500;

/** Pages that each thread keeps in memory: with SQLite's own 2 MiB a search of a large index fetches most of them again. */
const CACHE_KIB = 32 * 1024;

/** A failure inside a transaction, with the place of the statement that failed. */
class OperationError extends Error {
  readonly operation: number;

  constructor(operation: number, cause: unknown) {
    super('operation failed', { cause });
    this.operation = operation;
  }
}

function main(port: MessagePort, options: DatabaseThreadOptions): void {
  let connection: Connection | undefined;
  const reply = (message: DatabaseReply): void => port.postMessage(message);
  const serve = (request: Exclude<DatabaseRequest, { kind: 'close' }>): DatabaseReply => {
    if (request.kind === 'open') {
      connection = { database: open(options), prepared: new Map() };
      return { kind: 'opened' };
    }
    if (connection === undefined) throw new Error(`${request.kind} came before open`);
    switch (request.kind) {
      case 'read':
        return { kind: 'rows', rows: read(connection, request.sql, request.values) };
      case 'compute':
        return { kind: 'computed', rows: compute(connection, request.name, request.input) };
      case 'write':
        return write(connection, request);
    }
  };
  port.on('message', (request: DatabaseRequest) => {
    if (request.kind === 'close') {
      connection?.prepared.clear();
      connection?.database.close();
      port.close();
      return;
    }
    try {
      reply(serve(request));
    } catch (error) {
      reply(toError(error));
    }
  });
}

function open(options: DatabaseThreadOptions): Libsql.Database {
  const database = new Libsql(options.file);
  // First: what follows may have to wait for another process that makes the file.
  database.pragma(`busy_timeout = ${options.busyTimeoutMs}`);
  database.pragma(`cache_size = -${CACHE_KIB}`);
  if (options.role === 'writer') {
    // WAL lets the readers go on while a batch is written.
    database.pragma('journal_mode = WAL');
    migrate(database);
  }
  database.pragma('foreign_keys = ON');
  // A committed batch survives a kill of this process at any moment: it is in the write-ahead log,
  // which the kernel keeps. Only a loss of power can take back the last ones, never tear the file,
  // and the next run reads them again from the checkpoint that was lost with them.
  database.pragma('synchronous = NORMAL');
  if (options.role === 'reader') database.pragma('query_only = ON');
  return database;
}

function prepare({ database, prepared }: Connection, sql: string): Libsql.Statement {
  const statement = prepared.get(sql) ?? database.prepare(sql);
  prepared.delete(sql);
  prepared.set(sql, statement);
  const [oldest] = prepared.keys();
  if (prepared.size > MAX_PREPARED && oldest !== undefined) prepared.delete(oldest);
  return statement;
}

function read(connection: Connection, sql: string, values: SqlValue[]): unknown[] {
  // Always one array: any other form of argument can abort the process (see `bindValues`).
  return prepare(connection, sql).all(values);
}

/** All that a computation reads is of one moment. */
function compute(connection: Connection, name: string, input: unknown): unknown[] | undefined {
  const rows: RowReader['rows'] = ({ sql, bind }, params) => read(connection, sql, bind(params));
  const readRows: RowReader['read'] = (statement, params) =>
    rows(statement, params).map((row) => statement.toRow(new Columns(statement.name, row)));
  connection.database.exec('BEGIN');
  try {
    return computationOf(name).run({ rows, read: readRows }, input);
  } finally {
    if (connection.database.inTransaction) connection.database.exec('COMMIT');
  }
}

function write(connection: Connection, request: DatabaseRequest & { kind: 'write' }): DatabaseReply {
  const { database } = connection;
  // Immediate: the write lock is taken, and waited for, before anything is read.
  database.exec('BEGIN IMMEDIATE');
  try {
    const reply = perform(request.operations, (text) => prepare(connection, request.texts[text] ?? ''));
    database.exec(reply.kind === 'written' ? 'COMMIT' : 'ROLLBACK');
    return reply;
  } catch (error) {
    // Some errors (a full disk) have ended the transaction already.
    if (database.inTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function perform(operations: readonly WireOperation[], statementOf: (text: number) => Libsql.Statement): DatabaseReply {
  const changes: number[] = [];
  const rows: [number, unknown[]][] = [];
  for (const [index, operation] of operations.entries()) {
    let changed: number;
    try {
      const statement = statementOf(operation.text);
      const values = operation.head === undefined ? operation.values : linked(statementOf(operation.head), operation.values);
      if (statement.reader) {
        const returned = statement.all(values);
        rows.push([index, returned]);
        changed = returned.length;
      } else {
        changed = statement.run(values).changes;
      }
    } catch (error) {
      throw new OperationError(index, error);
    }
    if (operation.expectChanges !== undefined && operation.expectChanges !== changed) {
      return { kind: 'refused', operation: index, changes: changed };
    }
    changes.push(changed);
  }
  return { kind: 'written', changes, rows };
}

/**
 * The values of an entry, in the order chain, number, text, hash before, hash: the last entry is looked up under the write
 * lock, so that no other host can come between.
 */
function linked(head: Libsql.Statement, [chain = null, , entry = null]: readonly SqlValue[]): SqlValue[] {
  const [row] = head.all([chain]);
  const last = row === undefined ? undefined : new Columns('chain.head', row);
  const sequence = (last?.number('sequence') ?? 0) + 1;
  const previous = last?.bytes('hash') ?? new Uint8Array(CHAIN_START);
  return [chain, BigInt(sequence), entry, previous, chainHash(previous, sequence, String(entry))];
}

function toError(error: unknown): DatabaseReply {
  if (error instanceof DatabaseNewerError) return { kind: 'newer', found: error.found, known: error.known };
  if (error instanceof OperationError) return { ...describe(error.cause), operation: error.operation };
  return { ...describe(error), operation: undefined };
}

function describe(error: unknown): { kind: 'error'; code: string; message: string } {
  const message = error instanceof Error ? error.message : String(error);
  // A file that cannot be opened comes without a code (libsql 0.5.29).
  const code = message.startsWith('ConnectionFailed') ? 'SQLITE_CANTOPEN' : 'UNKNOWN';
  return { kind: 'error', code: error instanceof Libsql.SqliteError ? error.code : code, message };
}

// A thread has no caller but the one that started it.
if (parentPort !== null) main(parentPort, workerData);
