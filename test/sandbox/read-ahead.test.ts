import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { readConfig } from '../../host/config.ts';
import { COMMAND_LINE } from '../../host/domain/caller.ts';
import { createLog } from '../../host/log.ts';
import { openServices, type OpenServices } from '../../host/services/open.ts';
import type { Run } from '../../host/services/runs/run-view.ts';
import { componentFile } from '../helpers/components.ts';
import { startMirrorSource, type MirrorSource } from '../helpers/mirror.ts';

// The next batch is read while the one before is written: here it cannot be written before the next one was asked for, since
// another writer holds the database from the first request on.

let dataDir: string;
let opened: OpenServices;
let source: MirrorSource;
let other: Libsql.Database;
let connection: string;
let callEnded: (() => void) | undefined;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'read-ahead-'));
  opened = await openServices(readConfig({ DATA_DIR: dataDir }), createLog({ level: 'debug', pretty: false, write: hear }));
  source = await startMirrorSource();
  await opened.services.organisations.create({ id: 'acme' }, COMMAND_LINE);
  const grant = { http: { origins: [source.origin], privateNetworks: ['127.0.0.0/8'] }, storage: false, limits: {} };
  await opened.services.registry.install(new Uint8Array(await readFile(componentFile('mirror'))), grant, COMMAND_LINE);
  other = new Libsql(join(dataDir, 'lorelai.db'));
  other.pragma('busy_timeout = 10000');
});

beforeEach(async () => {
  const config = { base_url: source.origin, way: 'time', page_size: 1 };
  ({ id: connection } = await opened.services.connections.create('acme', { datasource: 'mirror', config }, COMMAND_LINE));
});

afterEach(() => {
  source.interfere(undefined);
  callEnded = undefined;
  if (other.inTransaction) other.exec('ROLLBACK');
});

afterAll(async () => {
  other.close();
  await opened.close();
  await source.close();
  await rm(dataDir, { recursive: true });
});

function hear(line: string): void {
  if (line.includes('call used') && line.includes('"function":"read"')) callEnded?.();
}

async function run(): Promise<Run> {
  const { id } = await opened.services.runs.start('acme', connection, {}, COMMAND_LINE);
  await opened.services.runs.work({ signal: new AbortController().signal, untilIdle: true });
  return opened.services.runs.get('acme', id);
}

/** The source gives these pages, one item each, in the order of the requests, and does what belongs to them before. */
function give(pages: readonly { id: string; left: number; before: () => unknown }[]): string[] {
  const asked: string[] = [];
  source.interfere((request, response) => {
    const page = pages[asked.length];
    asked.push(request.url ?? '');
    page?.before();
    const items = page === undefined ? [] : [{ id: page.id, changedAtMs: 1, text: `The text of ${page.id}.` }];
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ items, next: 1, left: page?.left ?? 0 }));
    return true;
  });
  return asked;
}

function stored(): unknown[] {
  return other.prepare('SELECT source_id FROM documents WHERE connection_id = ? ORDER BY source_id').pluck().all([connection]);
}

/** As another host would. */
function changeConnection(): void {
  other.prepare(`UPDATE connections SET config = json_set(config, '$.page_size', 7) WHERE id = ?`).run([connection]);
  other.exec('COMMIT');
}

it('a batch is read while the one before is written, and knows what that one has', async () => {
  let before: unknown[] | undefined;
  give([
    { id: 'twice', left: 1, before: () => other.exec('BEGIN IMMEDIATE') },
    { id: 'twice', left: 0, before: () => (before = stored()) },
  ]);
  let calls = 0;
  callEnded = () => {
    calls += 1;
    // What it is compared with is read in between.
    if (calls === 2) setTimeout(() => other.exec('ROLLBACK'), 300);
  };
  expect(await run()).toMatchObject({ state: 'succeeded', features: [{ batches: 2, upserted: 1, unchanged: 1 }] });
  expect(before).toEqual([]);
  expect(stored()).toEqual(['twice']);
});

it('a batch that was read ahead is dropped when its connection has changed by then, and asked for again', async () => {
  const asked = give([
    { id: 'first', left: 2, before: () => other.exec('BEGIN IMMEDIATE') },
    { id: 'of-the-old-config', left: 0, before: changeConnection },
    { id: 'of-the-new-config', left: 0, before: () => undefined },
  ]);
  expect(await run()).toMatchObject({ state: 'succeeded', features: [{ batches: 2, upserted: 2 }] });
  expect(asked.map((path) => path.replace(/.*&after=/, 'after='))).toEqual(['after=0&limit=1', 'after=1&limit=1', 'after=1&limit=7']);
  expect(stored()).toEqual(['first', 'of-the-new-config']);
});

it('the guest works on the batch after that meanwhile', async () => {
  let before: unknown[] | undefined;
  give([
    { id: 'first', left: 2, before: () => other.exec('BEGIN IMMEDIATE') },
    { id: 'second', left: 1, before: () => undefined },
    {
      id: 'third',
      left: 0,
      before: () => {
        before = stored();
        other.exec('ROLLBACK');
      },
    },
  ]);
  expect(await run()).toMatchObject({ state: 'succeeded', features: [{ batches: 3, upserted: 3 }] });
  expect(before).toEqual([]);
  expect(stored()).toEqual(['first', 'second', 'third']);
});

it('both batches ahead are dropped when their connection has changed by then', async () => {
  const asked = give([
    { id: 'first', left: 2, before: () => other.exec('BEGIN IMMEDIATE') },
    { id: 'of-the-old-config', left: 1, before: () => undefined },
    { id: 'behind-the-old-config', left: 0, before: changeConnection },
    { id: 'of-the-new-config', left: 0, before: () => undefined },
  ]);
  expect(await run()).toMatchObject({ state: 'succeeded', features: [{ batches: 2, upserted: 2 }] });
  expect(asked.map((path) => path.replace(/.*&limit=/, 'limit='))).toEqual(['limit=1', 'limit=1', 'limit=1', 'limit=7']);
  expect(stored()).toEqual(['first', 'of-the-new-config']);
});
