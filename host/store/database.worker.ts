import Libsql from 'libsql';
import { parentPort, workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import type { DatabaseReply, DatabaseRequest, DatabaseThreadOptions, WireOperation } from './database-protocol.ts';
import { DatabaseNewerError, migrate } from './migrate.ts';

// This file runs in a thread of its own: libsql blocks the thread that calls it.

/** Statements are few and fixed, so each is prepared once and kept for the life of the thread. */
type Prepared = Map<string, Libsql.Statement>;

/** A failure inside a transaction, with the place of the statement that failed. */
class OperationError extends Error {
  readonly operation: number;

  constructor(operation: number, cause: unknown) {
    super('operation failed', { cause });
    this.operation = operation;
  }
}

function main(port: MessagePort, options: DatabaseThreadOptions): void {
  const reply = (message: DatabaseReply): void => port.postMessage(message);
  let database: Libsql.Database;
  try {
    database = open(options);
  } catch (error) {
    reply(error instanceof DatabaseNewerError ? { kind: 'newer', found: error.found, known: error.known } : toError(error));
    port.close();
    return;
  }
  const prepared: Prepared = new Map();
  port.on('message', (request: DatabaseRequest) => {
    if (request.kind === 'close') {
      prepared.clear();
      database.close();
      port.close();
      return;
    }
    try {
      reply(request.kind === 'read' ? read(database, prepared, request) : write(database, prepared, request));
    } catch (error) {
      reply(toError(error));
    }
  });
  reply({ kind: 'opened' });
}

function open(options: DatabaseThreadOptions): Libsql.Database {
  const database = new Libsql(options.file);
  database.pragma(`busy_timeout = ${options.busyTimeoutMs}`);
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

function prepare(database: Libsql.Database, prepared: Prepared, sql: string): Libsql.Statement {
  const known = prepared.get(sql);
  if (known !== undefined) return known;
  const statement = database.prepare(sql);
  prepared.set(sql, statement);
  return statement;
}

function read(database: Libsql.Database, prepared: Prepared, request: DatabaseRequest & { kind: 'read' }): DatabaseReply {
  // Always one array: any other form of argument can abort the process (see `bindValues`).
  return { kind: 'rows', rows: prepare(database, prepared, request.sql).all(request.values) };
}

function write(database: Libsql.Database, prepared: Prepared, request: DatabaseRequest & { kind: 'write' }): DatabaseReply {
  // Immediate: the write lock is taken, and waited for, before anything is read.
  database.exec('BEGIN IMMEDIATE');
  let reply: DatabaseReply;
  try {
    reply = perform(request.operations, (text) => prepare(database, prepared, request.texts[text] ?? ''));
    database.exec(reply.kind === 'written' ? 'COMMIT' : 'ROLLBACK');
  } catch (error) {
    // Some errors (a full disk) have ended the transaction already.
    if (database.inTransaction) database.exec('ROLLBACK');
    throw error;
  }
  return reply;
}

function perform(operations: readonly WireOperation[], statementOf: (text: number) => Libsql.Statement): DatabaseReply {
  const changes: number[] = [];
  const rows: [number, unknown[]][] = [];
  for (const [index, operation] of operations.entries()) {
    let changed: number;
    try {
      const statement = statementOf(operation.text);
      if (statement.reader) {
        const returned = statement.all(operation.values);
        rows.push([index, returned]);
        changed = returned.length;
      } else {
        changed = statement.run(operation.values).changes;
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

function toError(error: unknown): DatabaseReply {
  if (error instanceof OperationError) return { ...describe(error.cause), operation: error.operation };
  return { ...describe(error), operation: undefined };
}

function describe(error: unknown): { kind: 'error'; code: string; message: string } {
  const code = error instanceof Libsql.SqliteError ? error.code : 'UNKNOWN';
  return { kind: 'error', code, message: error instanceof Error ? error.message : String(error) };
}

// A thread has no caller but the one that started it.
if (parentPort !== null) main(parentPort, workerData);
