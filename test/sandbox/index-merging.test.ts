import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { readConfig } from '../../host/config.ts';
import { COMMAND_LINE } from '../../host/domain/caller.ts';
import { createLog } from '../../host/log.ts';
import { openServices, type OpenServices } from '../../host/services/open.ts';
import { componentFile } from '../helpers/components.ts';
import { startMirrorSource, type MirrorSource } from '../helpers/mirror.ts';

// Each item is a batch, and each batch a part of the index.

const ITEMS = 12;
const MERGED = 4;

let dataDir: string;
let opened: OpenServices;
let source: MirrorSource;
let file: Libsql.Database;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'index-merging-'));
  opened = await openServices(readConfig({ DATA_DIR: dataDir }), createLog({ level: 'error', pretty: false, write: () => undefined }));
  source = await startMirrorSource();
  const grant = { http: { origins: [source.origin], privateNetworks: ['127.0.0.0/8'] }, storage: false, limits: {} };
  await opened.services.registry.install(new Uint8Array(await readFile(componentFile('mirror'))), grant, COMMAND_LINE);
  file = new Libsql(join(dataDir, 'lorelai.db'));
  for (let index = 0; index < ITEMS; index += 1) source.put({ id: `item-${index}`, text: `The words of ${index}.` });
});

afterAll(async () => {
  file.close();
  await opened.close();
  await source.close();
  await rm(dataDir, { recursive: true });
});

function partsOf(organisation: string): number {
  return file.prepare(`SELECT DISTINCT segid FROM "passages_fts_${organisation}_idx"`).all([]).length;
}

async function index(organisation: string): Promise<void> {
  const { services } = opened;
  await services.organisations.create({ id: organisation }, COMMAND_LINE);
  const config = { base_url: source.origin, way: 'time', page_size: 1 };
  const { id } = await services.connections.create(organisation, { datasource: 'mirror', config }, COMMAND_LINE);
  const run = await services.runs.start(organisation, id, {}, COMMAND_LINE);
  await services.runs.work({ signal: new AbortController().signal, untilIdle: true });
  expect(await services.runs.get(organisation, run.id)).toMatchObject({ state: 'succeeded', features: [{ batches: ITEMS }] });
}

it('whoever works on runs until nothing is left merges what they wrote', async () => {
  await index('acme');
  expect(partsOf('acme')).toBeLessThan(MERGED);
});

it('a host that begins merges what was left', async () => {
  await opened.services.organisations.create({ id: 'left' }, COMMAND_LINE);
  const insert = file.prepare(
    `INSERT INTO "passages_fts_left" (rowid, title, headings, text, identifiers, scope) VALUES (?, 'a', '', 'b', '', '')`,
  );
  for (let id = 1; id <= ITEMS; id += 1) insert.run([BigInt(id)]);
  expect(partsOf('left')).toBe(ITEMS);
  const stop = new AbortController();
  const work = opened.services.runs.work({ signal: stop.signal });
  await vi.waitFor(() => expect(partsOf('left')).toBeLessThan(MERGED), 10_000);
  stop.abort();
  await work;
});
