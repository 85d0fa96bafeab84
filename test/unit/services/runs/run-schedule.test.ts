import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readConfig } from '../../../../host/config.ts';
import { COMMAND_LINE } from '../../../../host/domain/caller.ts';
import { EMPTY_GRANT } from '../../../../host/domain/grant.ts';
import { createLog } from '../../../../host/log.ts';
import { openServices, type OpenServices } from '../../../../host/services/open.ts';
import type { Services } from '../../../../host/services/services.ts';
import { componentFile } from '../../../helpers/components.ts';

const MINUTE_MS = 60_000;
let dataDir: string;
let hosts: OpenServices[];
let services: Services;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'run-schedule-'));
  const log = createLog({ level: 'error', pretty: false, write: () => undefined });
  // Two hosts on one database.
  hosts = [await openServices(readConfig({ DATA_DIR: dataDir }), log), await openServices(readConfig({ DATA_DIR: dataDir }), log)];
  const [first] = hosts;
  if (first === undefined) throw new TypeError('there are two');
  ({ services } = first);
  await services.organisations.create({ id: 'acme' }, COMMAND_LINE);
});

afterEach(async () => {
  await Promise.all(hosts.map((host) => host.close()));
  await rm(dataDir, { recursive: true });
});

async function connect(datasource: 'hello' | 'mirror'): Promise<string> {
  await services.registry.install(
    new Uint8Array(await readFile(componentFile(datasource))),
    { ...EMPTY_GRANT, storage: true },
    COMMAND_LINE,
  );
  const { id } = await services.connections.create('acme', { datasource }, COMMAND_LINE);
  return id;
}

/** Both hosts look at the schedules at the same time. */
async function tick(nowMs: number): Promise<number> {
  const queued = await Promise.all(hosts.map((host) => host.services.runs.queueDue(nowMs)));
  return queued.reduce((sum, number) => sum + number, 0);
}

async function runs(connection: string, kind?: 'content' | 'prune' | 'access') {
  return (await services.runs.list('acme', { connection, ...(kind === undefined ? {} : { kind }) }, { limit: 50 })).items;
}

describe('a schedule', () => {
  it("is the operator's, else the datasource's, else the host's", async () => {
    const connection = await connect('mirror');
    expect(await services.schedules.get('acme', connection)).toMatchObject({
      content: { cron: '*/5 * * * *', from: 'datasource' },
      prune: { cron: 'off', from: 'datasource' },
      access: { cron: '30 * * * *', from: 'host' },
      paused: undefined,
    });
    const changed = await services.schedules.change('acme', connection, { content: '0 4 * * *', access: 'off' }, COMMAND_LINE);
    expect(changed).toMatchObject({ content: { cron: '0 4 * * *', from: 'connection' }, access: { cron: 'off', from: 'connection' } });
    const back = await services.schedules.change('acme', connection, { content: null }, COMMAND_LINE);
    expect(back.content).toMatchObject({ cron: '*/5 * * * *', from: 'datasource' });
    await expect(services.schedules.change('acme', connection, { prune: '61 * * * *' }, COMMAND_LINE)).rejects.toMatchObject({
      code: 'INVALID_SCHEDULE',
      problems: [{ path: '/prune' }],
    });
  });

  it('queues one run when it is due, however many hosts look, and none before', async () => {
    const connection = await connect('hello');
    await services.schedules.change('acme', connection, { access: 'off', prune: 'off' }, COMMAND_LINE);
    const nowMs = Date.now();
    expect(await tick(nowMs)).toBe(0);
    const { dueAtMs = 0 } = (await services.schedules.get('acme', connection)).content;
    expect(dueAtMs).toBeGreaterThan(nowMs);
    expect(dueAtMs).toBeLessThan(nowMs + 66 * MINUTE_MS);
    expect(await tick(dueAtMs - 1)).toBe(0);
    expect(await tick(dueAtMs)).toBe(1);
    expect(await runs(connection)).toMatchObject([{ kind: 'content', startedBy: 'schedule', state: 'queued' }]);
    const next = (await services.schedules.get('acme', connection)).content.dueAtMs;
    expect(next).toBeGreaterThan(dueAtMs);
    // What was missed while no host ran is made up for once.
    await services.runs.cancel('acme', (await runs(connection))[0]?.id ?? '', COMMAND_LINE);
    expect(await tick(dueAtMs + 500 * MINUTE_MS)).toBe(1);
    expect(await tick(dueAtMs + 500 * MINUTE_MS)).toBe(0);
  });

  it('waits for a run of another kind, and not for one of its own', async () => {
    const connection = await connect('hello');
    await services.schedules.change('acme', connection, { access: 'off', content: '0 * * * *', prune: '0 * * * *' }, COMMAND_LINE);
    await tick(Date.now());
    const before = await services.schedules.get('acme', connection);
    await services.runs.start('acme', connection, {}, COMMAND_LINE);
    const dueMs = Math.max(before.content.dueAtMs ?? 0, before.prune.dueAtMs ?? 0);
    expect(await tick(dueMs)).toBe(0);
    const after = await services.schedules.get('acme', connection);
    expect(after.content.dueAtMs).toBeGreaterThan(dueMs + 30 * MINUTE_MS);
    expect(after.prune.dueAtMs).toBe(dueMs + MINUTE_MS);
  });

  it('is not followed while the connection is paused, and made up for once afterwards', async () => {
    const connection = await connect('hello');
    await services.schedules.change('acme', connection, { prune: 'off', access: 'off' }, COMMAND_LINE);
    const nowMs = Date.now();
    await tick(nowMs);
    await services.schedules.pause('acme', connection, undefined, COMMAND_LINE);
    expect(await tick(nowMs + 200 * MINUTE_MS)).toBe(0);
    await services.schedules.resume('acme', connection, COMMAND_LINE);
    expect(await tick(nowMs + 200 * MINUTE_MS)).toBe(1);
  });

  it('is not followed where the datasource has said that it lacks the function', async () => {
    const connection = await connect('hello');
    await services.schedules.change('acme', connection, { prune: 'off', content: 'off' }, COMMAND_LINE);
    const nowMs = Date.now();
    await services.runs.start('acme', connection, { kind: 'access' }, COMMAND_LINE);
    await services.runs.work({ signal: new AbortController().signal, untilIdle: true });
    expect(await runs(connection, 'access')).toMatchObject([{ state: 'succeeded', reason: 'groups: the datasource has no groups' }]);
    expect((await services.schedules.get('acme', connection)).access).toMatchObject({ unsupported: true, dueAtMs: undefined });
    expect(await tick(nowMs + 400 * MINUTE_MS)).toBe(0);
  });

  it('reads who is in which group as soon as a host sees the connection', async () => {
    const connection = await connect('hello');
    const nowMs = Date.now();
    expect(await tick(nowMs)).toBe(0);
    expect(await tick(nowMs)).toBe(1);
    expect(await runs(connection)).toMatchObject([{ kind: 'access', startedBy: 'schedule' }]);
  });
});
