import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { readConfig } from '../../host/config.ts';
import { COMMAND_LINE } from '../../host/domain/caller.ts';
import { createLog } from '../../host/log.ts';
import { openServices, type OpenServices } from '../../host/services/open.ts';
import type { Run } from '../../host/services/runs/run-view.ts';
import type { RunInput } from '../../host/services/runs/run-service.ts';
import type { Services } from '../../host/services/services.ts';
import { componentFile } from '../helpers/components.ts';
import { startMirrorSource, type MirrorSource } from '../helpers/mirror.ts';

// Runs of every kind, with a datasource that mirrors a source which the test holds in its hand.

let dataDir: string;
let opened: OpenServices;
let services: Services;
let source: MirrorSource;
let logged = '';
const others: MirrorSource[] = [];

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'run-engine-'));
  const log = createLog({ level: 'debug', pretty: false, write: (line) => (logged += line) });
  opened = await openServices(readConfig({ DATA_DIR: dataDir }), log);
  ({ services } = opened);
  await services.organisations.create({ id: 'acme' }, COMMAND_LINE);
  source = await startMirrorSource();
  await install();
});

afterEach(() => {
  for (const each of [source, ...others]) each.interfere(undefined);
});

afterAll(async () => {
  await opened.close();
  await Promise.all([source, ...others].map((each) => each.close()));
  await rm(dataDir, { recursive: true });
});

async function install(): Promise<void> {
  const origins = [source, ...others].map(({ origin }) => origin);
  const component = new Uint8Array(await readFile(componentFile('mirror')));
  await services.registry.install(
    component,
    { http: { origins, privateNetworks: ['127.0.0.0/8'] }, storage: false, limits: {} },
    COMMAND_LINE,
  );
}

/** A source of its own with `count` items `item-00`, `item-01`, …, connected and read. */
async function mirrored(count: number, config: object = {}): Promise<{ own: MirrorSource; connection: string }> {
  const own = await startMirrorSource();
  others.push(own);
  await install();
  for (let number = 0; number < count; number += 1) own.put({ id: `item-${String(number).padStart(2, '0')}` });
  const { id } = await services.connections.create(
    'acme',
    { datasource: 'mirror', config: { base_url: own.origin, ...config }, credential: `token of ${own.origin}` },
    COMMAND_LINE,
  );
  await run(id);
  return { own, connection: id };
}

/** Runs a connection to where the run ends, is held or is parked. */
async function run(connection: string, input: RunInput = {}): Promise<Run> {
  const { id } = await services.runs.start('acme', connection, input, COMMAND_LINE);
  return follow(id);
}

async function follow(id: string): Promise<Run> {
  await services.runs.work({ signal: new AbortController().signal, untilIdle: true });
  return services.runs.get('acme', id);
}

async function documents(connection: string): Promise<number> {
  return (await services.connections.get('acme', connection)).documents;
}

describe('a prune', () => {
  it('removes what the source no longer lists, and nothing else', async () => {
    const { own, connection } = await mirrored(12);
    own.vanish('item-03');
    own.vanish('item-11');
    const ended = await run(connection, { kind: 'prune' });
    expect(ended).toMatchObject({ kind: 'prune', state: 'succeeded', features: [{ state: 'done', seen: 10, deleted: 2, batches: 2 }] });
    expect(await documents(connection)).toBe(10);
  });

  it('judges nothing before it has seen the last page', async () => {
    const { own, connection } = await mirrored(12);
    own.vanish('item-11');
    own.interfere((request, response, path) => {
      if (path !== '/ids' || !request.url?.includes('after=item')) return false;
      response.writeHead(429, { 'retry-after': '60' }).end();
      return true;
    });
    const parked = await run(connection, { kind: 'prune' });
    expect(parked).toMatchObject({ state: 'parked', features: [{ seen: 5, deleted: 0 }] });
    expect(await documents(connection)).toBe(12);
    await services.runs.cancel('acme', parked.id, COMMAND_LINE);
    expect(await services.runs.get('acme', parked.id)).toMatchObject({ state: 'cancelled', reason: 'cancelled on request' });
  });

  it('that would remove more than the bound is held, shown, and removes exactly that once it is approved', async () => {
    const { own, connection } = await mirrored(30);
    for (let number = 0; number < 15; number += 1) own.vanish(`item-${String(number).padStart(2, '0')}`);
    const held = await run(connection, { kind: 'prune' });
    expect(held).toMatchObject({
      state: 'held',
      reason: 'pages: 15 of 30 documents are no longer listed, more than the bound maxPrunedShare of 0.2 allows',
      finishedAtMs: undefined,
    });
    expect(await documents(connection)).toBe(30);
    const listed = await services.runs.list('acme', { state: 'held' }, { limit: 10 });
    expect(listed.items.map(({ id }) => id)).toContain(held.id);
    const first = await services.runs.held('acme', held.id, { limit: 10 });
    expect(first.items).toHaveLength(10);
    expect(first.items[0]).toEqual({ feature: 'pages', id: 'item-00', title: 'item-00', link: 'https://mirror.example/item-00' });
    // Meanwhile one is back, and another one has gone that nobody has approved.
    own.put({ id: 'item-01' });
    own.vanish('item-29');
    await services.runs.approve('acme', held.id, COMMAND_LINE);
    expect(await follow(held.id)).toMatchObject({ state: 'succeeded', features: [{ state: 'done', deleted: 14 }] });
    expect(await documents(connection)).toBe(16);
    await expect(services.runs.approve('acme', held.id, COMMAND_LINE)).rejects.toMatchObject({ code: 'RUN_NOT_HELD' });
  });

  it('of a source that lists nothing at all is held however few there are; dismissed, it removes nothing', async () => {
    const { own, connection } = await mirrored(3);
    for (const { id } of own.items()) own.vanish(id);
    const held = await run(connection, { kind: 'prune' });
    expect(held).toMatchObject({ state: 'held', reason: 'pages: 3 of 3 documents are no longer listed: the source lists nothing at all' });
    expect(await services.runs.dismiss('acme', held.id, COMMAND_LINE)).toMatchObject({
      state: 'cancelled',
      reason: 'dismissed by an operator',
      features: [{ state: 'skipped' }],
    });
    expect(await documents(connection)).toBe(3);
  });

  it('after a run that the source failed is held, and a later prune that finds all well takes its place', async () => {
    const { own, connection } = await mirrored(30);
    own.vanish('item-00');
    own.interfere((_, response, path) => {
      if (path !== '/mark') return false;
      response.writeHead(403).end();
      return true;
    });
    expect(await run(connection)).toMatchObject({ state: 'failed' });
    own.interfere(undefined);
    const held = await run(connection, { kind: 'prune' });
    expect(held.state).toBe('held');
    expect(held.reason).toContain(
      '1 of 30 documents are no longer listed, and the source was not well: the last run that read it ended with:',
    );
    expect(await run(connection)).toMatchObject({ state: 'succeeded' });
    expect(await run(connection, { kind: 'prune' })).toMatchObject({ state: 'succeeded', features: [{ deleted: 1 }] });
    expect(await services.runs.get('acme', held.id)).toMatchObject({
      state: 'cancelled',
      reason: 'a later prune came to its own findings',
    });
    expect(await documents(connection)).toBe(29);
  });

  it('goes by the bounds of the connection', async () => {
    const { own, connection } = await mirrored(30);
    for (let number = 0; number < 15; number += 1) own.vanish(`item-${String(number).padStart(2, '0')}`);
    await services.schedules.change('acme', connection, { bounds: { maxPrunedShare: 0.5 } }, COMMAND_LINE);
    expect(await run(connection, { kind: 'prune' })).toMatchObject({ state: 'succeeded', features: [{ deleted: 15 }] });
    await expect(services.schedules.change('acme', connection, { bounds: { maxPrunedShare: 2 } }, COMMAND_LINE)).rejects.toMatchObject({
      code: 'INVALID_SCHEDULE',
      problems: [{ path: '/bounds/maxPrunedShare' }],
    });
  });
});

describe('a document', () => {
  it('that moves and is renamed keeps its identity', async () => {
    const { own, connection } = await mirrored(2);
    const question = { organisation: 'acme', question: 'item-00', k: 10 };
    const before = (await services.retrieval.retrieve(question)).hits.find((hit) => hit.connection === connection);
    own.put({ id: 'item-00', title: 'item-00 renamed', path: 'elsewhere/deep/item' });
    expect(await run(connection)).toMatchObject({ features: [{ upserted: 1, deleted: 0 }] });
    const after = (await services.retrieval.retrieve(question)).hits.find((hit) => hit.connection === connection);
    expect(after).toMatchObject({
      title: 'item-00 renamed',
      link: 'https://mirror.example/elsewhere/deep/item',
      documentId: before?.documentId,
    });
    expect(await documents(connection)).toBe(2);
  });

  it('that changes while a long reading goes on is not lost, even when the datasource takes the time at its end', async () => {
    const { own, connection } = await mirrored(3, { way: 'time', page_size: 1 });
    await run(connection, { full: true });
    // The first page has been read when its item changes; the reading ends a good deal later.
    let asked = 0;
    own.interfere(async (_, __, path) => {
      if (path !== '/changed') return false;
      asked += 1;
      if (asked === 2) own.put({ id: 'item-00', text: 'The text that nobody may lose.' });
      await new Promise((resolve) => setTimeout(resolve, 20));
      return false;
    });
    expect(await run(connection, { full: true })).toMatchObject({ features: [{ upserted: 0, unchanged: 3, batches: 3 }] });
    own.interfere(undefined);
    expect(await run(connection)).toMatchObject({ features: [{ upserted: 1 }] });
  });

  it('comes again in a full reading, and costs reading only', async () => {
    const { connection } = await mirrored(4);
    expect(await run(connection)).toMatchObject({ features: [{ seen: 0 }] });
    expect(await run(connection, { full: true })).toMatchObject({ features: [{ seen: 4, unchanged: 4, upserted: 0 }] });
  });
});

describe('a connection', () => {
  it('whose credential is refused is paused with the reason, and goes on with a new one', async () => {
    const { own, connection } = await mirrored(1);
    own.interfere((_, response) => {
      response.writeHead(401).end();
      return true;
    });
    expect(await run(connection)).toMatchObject({ state: 'failed' });
    expect(await services.schedules.get('acme', connection)).toMatchObject({ paused: { by: 'host', cause: 'unauthorized' } });
    await expect(run(connection)).rejects.toMatchObject({ code: 'CONNECTION_PAUSED' });
    own.interfere(undefined);
    await services.connections.change('acme', connection, { credential: 'another one' }, COMMAND_LINE);
    expect(await run(connection)).toMatchObject({ state: 'succeeded' });
  });

  it('is paused after so many failed runs in a row, and counts from 0 again when it is resumed', async () => {
    const { own, connection } = await mirrored(1);
    await services.schedules.change('acme', connection, { bounds: { maxFailedRuns: 2 } }, COMMAND_LINE);
    own.interfere((_, response) => {
      response.writeHead(400).end('no');
      return true;
    });
    await run(connection);
    expect(await services.schedules.get('acme', connection)).toMatchObject({ paused: undefined, failedRuns: 1 });
    await run(connection);
    const { paused } = await services.schedules.get('acme', connection);
    expect(paused).toMatchObject({ by: 'host', cause: 'failed-runs' });
    expect(paused?.reason).toMatch(/^2 runs in a row failed, the last one: /);
    expect(await services.schedules.resume('acme', connection, COMMAND_LINE)).toMatchObject({ paused: undefined, failedRuns: 0 });
  });

  it('that is paused while a run goes on parks it within its call, and resumes it where it was', async () => {
    const { own, connection } = await mirrored(12, { page_size: 4 });
    const { id } = await services.runs.start('acme', connection, { full: true }, COMMAND_LINE);
    let asked = 0;
    own.interfere(async (_, __, path) => {
      if (path !== '/changes') return false;
      asked += 1;
      if (asked !== 2) return false;
      // The second page is asked for ahead: the pause must find the first one written.
      const written = async () => (await services.runs.get('acme', id)).features[0]?.batches;
      await vi.waitFor(async () => expect(await written()).toBe(1), { timeout: 30_000, interval: 5 });
      await services.schedules.pause('acme', connection, 'it is being moved', COMMAND_LINE);
      return false;
    });
    expect(await follow(id)).toMatchObject({
      state: 'parked',
      reason: 'the connection is paused: it is being moved',
      features: [{ batches: 1 }],
    });
    await services.schedules.resume('acme', connection, COMMAND_LINE);
    expect(await follow(id)).toMatchObject({ state: 'succeeded', features: [{ seen: 12, batches: 3 }] });
  });
});

describe('the limits of a source', () => {
  it('hold for every run of the credential: what one run was told the next one honours without asking', async () => {
    const { own, connection } = await mirrored(3);
    own.interfere((_, response) => {
      response
        .writeHead(200, { 'content-type': 'application/json', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '120' })
        .end('{"mark":3,"items":[],"next":3,"left":0}');
      return true;
    });
    const startedMs = Date.now();
    expect(await run(connection)).toMatchObject({ state: 'parked' });
    const asked = own.requests.length;
    const access = await run(connection, { kind: 'access' });
    expect(access).toMatchObject({ state: 'parked' });
    expect(access.wakeAtMs).toBeGreaterThanOrEqual(startedMs + 120_000);
    expect(access.wakeAtMs).toBeLessThan(startedMs + 180_000);
    expect(own.requests.length).toBe(asked);
  });
});

describe('access', () => {
  it('is read beside a content run that is parked', async () => {
    const { own, connection } = await mirrored(2);
    for (const number of [1, 2, 3]) own.setGroup(`group-${number}`, ['ada', 'bob']);
    own.interfere((_, response, path) => {
      if (path !== '/mark') return false;
      response.writeHead(503).end();
      return true;
    });
    const parked = await run(connection);
    expect(parked).toMatchObject({ state: 'parked' });
    expect(await run(connection, { kind: 'access' })).toMatchObject({
      state: 'succeeded',
      features: [{ feature: 'groups', seen: 3, batches: 2 }],
    });
    await services.runs.cancel('acme', parked.id, COMMAND_LINE);
  });
});
