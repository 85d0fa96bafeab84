import { beforeEach, expect, test } from 'vitest';
import { commitBatch } from '../../../host/store/batch.ts';
import type { Database } from '../../../host/store/database.ts';
import type { Lease } from '../../../host/store/leases.ts';
import { setRunFeature } from '../../../host/store/run-progress.ts';
import {
  claimNextRun,
  createRun,
  finishRun,
  getRun,
  isCancelRequested,
  listRuns,
  parkRun,
  renewLease,
  requestCancel,
} from '../../../host/store/runs.ts';
import { addConnection, batchOf, temporaryDatabase, type Home } from './fixture.ts';

let database: Database;
let home: Home;

beforeEach(async () => {
  database = await temporaryDatabase();
  home = await addConnection(database);
});

async function create(id: string, more: { connection?: string; nowMs?: number; features?: string[] } = {}): Promise<void> {
  const { connection = home.connection, nowMs = 1, features = ['b', 'a'] } = more;
  await createRun(database, { id, organisation: 'acme', connection, features, nowMs });
}

async function claim(nowMs: number, owner = 'worker'): Promise<Lease | undefined> {
  return (await claimNextRun(database, { owner, nowMs, leaseMs: 100 }))?.lease;
}

async function mustClaim(nowMs: number): Promise<Lease> {
  const lease = await claim(nowMs);
  if (lease === undefined) throw new Error('nothing was due');
  return lease;
}

test('a new run is queued with its features pending, in their order', async () => {
  await create('r1');
  expect(await getRun(database, 'acme', 'r1')).toMatchObject({
    state: 'queued',
    connection: home.connection,
    features: [
      { feature: 'b', state: 'pending' },
      { feature: 'a', state: 'pending' },
    ],
    problems: [],
    startedAtMs: undefined,
  });
  expect(await getRun(database, 'rival', 'r1')).toBeUndefined();
});

test('a connection has one active run: RUN_IN_PROGRESS while it is queued, running or parked', async () => {
  await create('r1');
  await expect(create('r2')).rejects.toMatchObject({ code: 'RUN_IN_PROGRESS' });
  const lease = await mustClaim(1);
  await expect(create('r2')).rejects.toMatchObject({ code: 'RUN_IN_PROGRESS' });
  await parkRun(database, lease, { reason: 'throttled', wakeAtMs: 50 });
  await expect(create('r2')).rejects.toMatchObject({ code: 'RUN_IN_PROGRESS' });
  expect(await getRun(database, 'acme', 'r2')).toBeUndefined();
  await finishRun(database, await mustClaim(60), { state: 'failed', reason: 'gave up', nowMs: 61 });
  await create('r2');
});

test('a run needs a connection of the organisation: UNKNOWN_CONNECTION', async () => {
  await addConnection(database, { organisation: 'rival' });
  await expect(create('r1', { connection: 'rival-c1' })).rejects.toMatchObject({ code: 'UNKNOWN_CONNECTION' });
  await expect(create('r1', { connection: 'nowhere' })).rejects.toMatchObject({ code: 'UNKNOWN_CONNECTION' });
});

test('of many workers that ask at once, each run goes to one', async () => {
  for (let number = 0; number < 5; number += 1) {
    await addConnection(database, { connection: `x${number}` });
    await create(`r${number}`, { connection: `x${number}` });
  }
  const leases = await Promise.all(Array.from({ length: 12 }, (_, worker) => claim(10, `worker-${worker}`)));
  const runs = leases.flatMap((lease) => (lease === undefined ? [] : [lease.run]));
  expect(runs.sort()).toEqual(['r0', 'r1', 'r2', 'r3', 'r4']);
});

test('the run that has waited longest is claimed first', async () => {
  await addConnection(database, { connection: 'late' });
  await create('r1', { connection: 'late', nowMs: 20 });
  await create('r2', { nowMs: 10 });
  expect((await claim(30))?.run).toBe('r2');
  expect((await claim(30))?.run).toBe('r1');
  expect(await claim(30)).toBeUndefined();
});

test('a lease that ran out is taken over, even by the same worker, and the old holder is told', async () => {
  await create('r1');
  const old = await mustClaim(0 + 1);
  expect(await claim(50)).toBeUndefined();
  const taken = await mustClaim(101);
  expect(taken.run).toBe('r1');
  for (const work of [
    () => renewLease(database, old, 500),
    () => parkRun(database, old, { reason: 'x', wakeAtMs: 1 }),
    () => finishRun(database, old, { state: 'succeeded', reason: undefined, nowMs: 1 }),
    () => setRunFeature(database, old, { feature: 'a', state: 'failed', reason: 'x' }),
  ]) {
    await expect(work()).rejects.toMatchObject({ code: 'LEASE_LOST' });
  }
  expect(await getRun(database, 'acme', 'r1')).toMatchObject({ state: 'running', attempts: 2, leaseUntilMs: 201 });
  await renewLease(database, taken, 500);
  expect(await claim(300)).toBeUndefined();
});

test('a batch extends the lease and sets the attempts back', async () => {
  await create('r1', { features: ['issues'] });
  await mustClaim(1);
  const lease = await mustClaim(200);
  expect((await getRun(database, 'acme', 'r1'))?.attempts).toBe(2);
  await commitBatch(database, batchOf(home, lease, { leaseUntilMs: 900 }));
  expect(await getRun(database, 'acme', 'r1')).toMatchObject({ attempts: 0, leaseUntilMs: 900 });
});

test('a parked run is claimed when its time has come', async () => {
  await create('r1');
  await parkRun(database, await mustClaim(1), { reason: 'throttled: 60 s', wakeAtMs: 70 });
  expect(await getRun(database, 'acme', 'r1')).toMatchObject({ state: 'parked', reason: 'throttled: 60 s', wakeAtMs: 70 });
  expect(await claim(69)).toBeUndefined();
  expect((await claim(70))?.run).toBe('r1');
  expect(await getRun(database, 'acme', 'r1')).toMatchObject({ state: 'running', reason: undefined, wakeAtMs: undefined, startedAtMs: 1 });
});

test('cancelling ends a run that waits and tells the worker of one that runs', async () => {
  await create('r1');
  expect(await requestCancel(database, 'rival', 'r1', 5)).toBe(false);
  expect(await requestCancel(database, 'acme', 'r1', 5)).toBe(true);
  expect(await getRun(database, 'acme', 'r1')).toMatchObject({ state: 'cancelled', finishedAtMs: 5 });
  expect(await requestCancel(database, 'acme', 'r1', 6)).toBe(false);

  await create('r2', { features: ['issues'] });
  const lease = await mustClaim(1);
  expect(await isCancelRequested(database, 'r2')).toBe(false);
  expect(await requestCancel(database, 'acme', 'r2', 7)).toBe(true);
  expect(await isCancelRequested(database, 'r2')).toBe(true);
  expect(await getRun(database, 'acme', 'r2')).toMatchObject({ state: 'running', cancelRequested: true, finishedAtMs: undefined });
  expect(await renewLease(database, lease, 500)).toEqual({ cancelRequested: true });
  expect(await commitBatch(database, batchOf(home, lease))).toMatchObject({ cancelRequested: true });
  await finishRun(database, lease, { state: 'cancelled', reason: 'asked for', nowMs: 9 });
  expect(await getRun(database, 'acme', 'r2')).toMatchObject({ state: 'cancelled', reason: 'asked for', finishedAtMs: 9 });
});

test('a run that is parked after somebody asked to cancel it has ended', async () => {
  await create('r1');
  const lease = await mustClaim(1);
  await requestCancel(database, 'acme', 'r1', 5);
  await parkRun(database, lease, { reason: 'throttled', wakeAtMs: 50 });
  expect(await getRun(database, 'acme', 'r1')).toMatchObject({ state: 'cancelled', wakeAtMs: undefined, finishedAtMs: expect.any(Number) });
  expect(await claim(60)).toBeUndefined();
});

test('a run keeps its first 100 problems and counts them all', async () => {
  await create('r1', { features: ['issues', 'a'] });
  const lease = await mustClaim(1);
  const problems = Array.from({ length: 70 }, (_, number) => ({ path: `/${number}`, reason: 'r', remedy: 'm' }));
  await commitBatch(database, batchOf(home, lease, { problems }));
  await setRunFeature(database, lease, { feature: 'a', state: 'failed', reason: 'forbidden', problems });
  const run = await getRun(database, 'acme', 'r1');
  expect(run?.problems).toHaveLength(100);
  expect(run?.problems.at(0)).toEqual({ feature: 'issues', path: '/0', reason: 'r', remedy: 'm' });
  expect(run?.problems.at(99)).toMatchObject({ feature: 'a', path: '/29' });
  expect(run?.problemCount).toBe(140);
  expect(run?.features).toMatchObject([
    { feature: 'issues', skipped: 70, state: 'running' },
    { feature: 'a', state: 'failed', reason: 'forbidden' },
  ]);
});

test('runs are listed in pages, newest first, by organisation and by connection', async () => {
  for (const number of [1, 2, 3, 4, 5]) {
    await create(`r${number}`);
    await requestCancel(database, 'acme', `r${number}`, 1);
  }
  await addConnection(database, { connection: 'other' });
  await create('r6', { connection: 'other' });
  const ids: string[][] = [];
  let after: string | undefined;
  do {
    const page = await listRuns(database, 'acme', {}, { limit: 2, ...(after !== undefined && { after }) });
    ids.push(page.items.map((run) => run.id));
    after = page.next;
  } while (after !== undefined);
  expect(ids).toEqual([
    ['r6', 'r5'],
    ['r4', 'r3'],
    ['r2', 'r1'],
  ]);
  const mine = await listRuns(database, 'acme', { connection: home.connection }, { limit: 200 });
  expect(mine.items.map((run) => run.id)).toEqual(['r5', 'r4', 'r3', 'r2', 'r1']);
  expect(mine.items[0]?.features).toHaveLength(2);
  expect((await listRuns(database, 'rival', { connection: home.connection }, { limit: 5 })).items).toEqual([]);
});

test.each([0, 201, 1.5, Number.NaN])('a page of %d is INVALID_REQUEST', async (limit) => {
  await expect(listRuns(database, 'acme', {}, { limit })).rejects.toMatchObject({
    code: 'INVALID_REQUEST',
    problems: [{ path: '/limit' }],
  });
});

test.each(['', 'x', 'djE6cg', "djE6cjE='", Buffer.from('v1:\0').toString('base64url'), '💥'])(
  'the cursor %j is INVALID_REQUEST or one of ours',
  async (after) => {
    const listed = listRuns(database, 'acme', {}, { limit: 5, after });
    if (after === 'djE6cg') await expect(listed).resolves.toEqual({ items: [], next: undefined });
    else await expect(listed).rejects.toMatchObject({ code: 'INVALID_REQUEST', problems: [{ path: '/after' }] });
  },
);
