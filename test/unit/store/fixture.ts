import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { ulid } from 'ulid';
import { onTestFinished } from 'vitest';
import type { Passage } from '../../../host/domain/document.ts';
import { commitBatch, type BatchCommit } from '../../../host/store/batch.ts';
import type { DocumentChange } from '../../../host/store/written-changes.ts';
import { insertConnection } from '../../../host/store/connections.ts';
import { openDatabase, type Database, type DatabaseOptions } from '../../../host/store/database.ts';
import type { DocumentFacts } from '../../../host/store/documents.ts';
import type { Lease } from '../../../host/store/leases.ts';
import { insertOrganisation } from '../../../host/store/organisations.ts';
import { putDatasource } from '../../../host/store/registry.ts';
import { claimNextRun, createRun, finishRun } from '../../../host/store/runs.ts';

/** A folder that is gone after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'store-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A fresh database that is closed after the test. */
export async function temporaryDatabase(options: Partial<DatabaseOptions> = {}): Promise<Database> {
  const database = await openDatabase({ file: join(await temporaryFolder(), 'test.db'), ...options });
  onTestFinished(() => database.close());
  return database;
}

/** Looks into a file as the SQLite shell would, beside whoever else has it open. */
export function inspectFile<T>(file: string, look: (database: Libsql.Database) => T): T {
  const database = new Libsql(file);
  try {
    return look(database);
  } finally {
    database.close();
  }
}

export interface Home {
  organisation: string;
  connection: string;
  datasource: string;
}

/** An organisation with one connection to one datasource; what exists already stays. */
export async function addConnection(database: Database, home: Partial<Home> = {}): Promise<Home> {
  const { organisation = 'acme', connection = `${organisation}-c1`, datasource = 'github' } = home;
  await insertOrganisation(database, { id: organisation, name: organisation, createdAtMs: 1 }).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'CONFLICT')) throw error;
  });
  await putDatasource(database, {
    name: datasource,
    version: '1.0.0',
    digest: 'sha256:0',
    manifest: {},
    grant: {},
    inspection: {},
    nowMs: 1,
  });
  await insertConnection(database, {
    id: connection,
    organisation,
    datasource,
    name: connection,
    config: {},
    features: {},
    sealedCredential: undefined,
    nowMs: 1,
  });
  return { organisation, connection, datasource };
}

/** A run of that connection that the caller holds the lease of. */
export async function claimRun(database: Database, home: Home, features: string[] = ['issues']): Promise<Lease> {
  const { organisation, connection } = home;
  await createRun(database, { id: `run-of-${connection}`, organisation, connection, features, nowMs: 1 });
  return claimDue(database, 2);
}

/** The lease, of a second, of the run that is due. */
export async function claimDue(database: Database, nowMs: number): Promise<Lease> {
  const claimed = await claimNextRun(database, { owner: 'test', nowMs, leaseMs: 1_000 });
  if (claimed === undefined) throw new Error('no run was due');
  return claimed.lease;
}

export function facts(id: string, more: Partial<DocumentFacts> = {}): DocumentFacts {
  return {
    id,
    version: undefined,
    title: `Title of ${id}`,
    link: `https://example.com/${id}`,
    mediaType: 'text/plain',
    location: [],
    author: undefined,
    createdAtMs: undefined,
    updatedAtMs: undefined,
    access: { kind: 'everyone' },
    attributes: {},
    ...more,
  };
}

/** A document with one passage a text. */
export function upsert(id: string, texts: string[], more: Partial<DocumentFacts> = {}): DocumentChange {
  const passages = texts.map((text, position): Passage => ({ position, headings: [], text }));
  const contentHash = new Uint8Array(createHash('sha256').update(JSON.stringify(texts)).digest());
  return { kind: 'upsert', document: facts(id, more), contentHash, passages };
}

/** A batch of nothing, to be filled. */
export function batchOf(home: Home, lease: Lease, more: Partial<BatchCommit> = {}): BatchCommit {
  return {
    ...home,
    lease,
    leaseUntilMs: 10_000,
    feature: 'issues',
    changes: [],
    checkpoint: new Uint8Array([1]),
    done: false,
    progress: { seen: 0, expected: undefined },
    problems: [],
    storage: [],
    metrics: [],
    // Access that was read long ago is not believed.
    nowMs: Date.now(),
    ...more,
  };
}

/** Indexes documents through a run of their own. */
export async function index(database: Database, home: Home, changes: DocumentChange[], feature = 'issues'): Promise<void> {
  const lease = await claimRun(database, home, [feature]);
  await commitBatch(database, batchOf(home, lease, { changes, feature }));
}

/** What a search index says of itself: every word with the passages and places that hold it, and what bm25 counts by. */
export function dumpSearchIndex(database: Libsql.Database, table: string): unknown {
  database.exec(`CREATE VIRTUAL TABLE temp.instances USING fts5vocab(main, "${table}", instance)`);
  const words = database.prepare('SELECT * FROM temp.instances ORDER BY doc, col, offset, term').all([]);
  database.exec('DROP TABLE temp.instances');
  const [totals] = database.prepare(`SELECT hex(block) AS totals FROM "${table}_data" WHERE id = 1`).all([]);
  return { words, totals };
}

/** The same, of an index that is made anew from the passages of the organisation. */
export function dumpRebuiltIndex(database: Libsql.Database, organisation: string): unknown {
  const columns = 'title, headings, text, identifiers, scope';
  database.exec(`CREATE VIRTUAL TABLE rebuilt USING fts5 (${columns}, content = '', tokenize = 'porter unicode61 remove_diacritics 2');
    INSERT INTO rebuilt (rowid, ${columns}) SELECT passages.id, passages.title, headings, text, identifiers, scope
    FROM passages JOIN documents ON documents.id = document_id WHERE organisation_id = '${organisation}' ORDER BY passages.id`);
  const dump = dumpSearchIndex(database, 'rebuilt');
  database.exec('DROP TABLE rebuilt');
  return dump;
}

/** The same as often as wanted, each time through a run that has ended afterwards. Gives the run's id. */
export async function indexMore(database: Database, home: Home, changes: DocumentChange[], feature = 'issues'): Promise<string> {
  const run = `run-${ulid()}`;
  await createRun(database, { id: run, organisation: home.organisation, connection: home.connection, features: [feature], nowMs: 1 });
  const lease = await claimDue(database, 2);
  await commitBatch(database, batchOf(home, lease, { changes, feature }));
  await finishRun(database, lease, { state: 'succeeded', reason: undefined, nowMs: 3 });
  return run;
}

/** A folder that the caller removes, for what several tests share. */
export async function keptFolder(): Promise<{ folder: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'store-test-'));
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}
