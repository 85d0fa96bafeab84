import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Attempt, Attempted, Question } from './attempt.ts';
import { descendantsOf } from './processes.ts';

/** One thing that a stranger does, and what must come of it. */
export interface Hostile {
  /** What it does: `spins in its start function`. */
  name: string;
  attempt: () => Attempt | Promise<Attempt>;
  /** At least this; matchers are welcome. */
  expected: object;
}

/** Strangers' attempts by the promise that they try to break. */
export type HostileTable = Readonly<Record<string, readonly Hostile[]>>;

const HOST = join(import.meta.dirname, '../fixtures/hostile-host.ts');
const PING_EVERY_MS = 20;
/** Of one answer of `/healthz`, on a machine that others keep busy. */
const MAX_PING_MS = 5_000;
const MAX_P99_MS = 1_000;
/** What the host may hold more after an attempt than before all of them: an engine gives memory back when it likes. */
const MAX_GROWTH_BYTES = 160 * 1024 * 1024;
const SETTLE_TIMEOUT_MS = 15_000;

/**
 * Lets every stranger of the table at a host that serves. For each: what came of it is as expected, the host answered
 * `/healthz` all the while, the run of another organisation's other datasource ended well, and afterwards its processes
 * are gone and its memory is back.
 */
export function describeHostile(title: string, table: HostileTable): void {
  describe(title, () => {
    let host: HostUnderAttack | undefined;
    beforeAll(async () => {
      host = await startHostUnderAttack();
    });
    afterAll(async () => {
      if (host === undefined) return;
      await host.close();
      const p99 = percentile(host.pingsMs, 0.99);
      process.stdout.write(`/healthz under attack (${title}): p99 ${p99.toFixed(1)} ms of ${host.pingsMs.length}\n`);
      expect(p99).toBeLessThan(MAX_P99_MS);
    });
    describe.each(Object.entries(table))('%s', (_, entries) => {
      it.each(entries)('$name', async ({ attempt, expected }) => {
        await host?.withstand(await attempt(), expected);
      });
    });
  });
}

interface HostUnderAttack {
  /** How long each answer of `/healthz` took. */
  pingsMs: number[];
  withstand(attempt: Attempt, expected: object): Promise<void>;
  close(): Promise<void>;
}

async function startHostUnderAttack(): Promise<HostUnderAttack> {
  const dataDir = await mkdtemp(join(tmpdir(), 'hostile-'));
  const child = fork(HOST, [dataDir], { execArgv: ['--expose-gc', '--no-warnings'], serialization: 'advanced' });
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('the host ended before it served')));
  ended.catch(() => undefined);
  const [{ url }] = (await Promise.race([once(child, 'message'), ended])) as [{ url: string }];
  const ask = asking(child);
  expect(await ask({ neighbour: true })).toMatchObject({ state: 'succeeded' });
  const pingsMs: number[] = [];
  const residentBytes = async (): Promise<number> => (await ask({})).residentBytes ?? 0;
  const pid = child.pid ?? 0;
  const before = { processes: (await descendantsOf(pid)).length, residentBytes: await residentBytes() };
  return {
    pingsMs,
    async withstand(attempt, expected) {
      const done = new AbortController();
      const pings = pingUntil(done.signal, url, pingsMs);
      const [{ came, fault }, run] = await Promise.all([ask({ attempt }), ask({ neighbour: true })]).finally(() => done.abort());
      const answered = await pings;
      expect(fault).toBeUndefined();
      expect(came).toMatchObject(expected);
      expect(answered).toBeGreaterThan(0);
      expect(run).toMatchObject({ state: 'succeeded' });
      await expect
        .poll(async () => (await descendantsOf(pid)).length, { timeout: SETTLE_TIMEOUT_MS })
        .toBeLessThanOrEqual(before.processes);
      await expect.poll(residentBytes, { timeout: SETTLE_TIMEOUT_MS, interval: 250 }).toBeLessThan(before.residentBytes + MAX_GROWTH_BYTES);
    },
    async close() {
      child.kill('SIGKILL');
      await once(child, 'exit');
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

interface Said {
  id: number;
  came?: Attempted;
  fault?: string;
  state?: string;
  residentBytes?: number;
}

function asking(child: ChildProcess): (question: Question) => Promise<Said> {
  const waiting = new Map<number, { resolve: (said: Said) => void; reject: (error: Error) => void }>();
  let last = 0;
  child.on('message', (said: Said) => waiting.get(said.id)?.resolve(said));
  child.on('exit', (code, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`the host ended (${signal ?? code})`));
  });
  return (question) => {
    last += 1;
    const id = last;
    return new Promise<Said>((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      child.send({ id, ...question });
    }).finally(() => waiting.delete(id));
  };
}

/** Asks for `/healthz` again and again; every answer must be good and in time. Gives how many there were. */
async function pingUntil(signal: AbortSignal, url: string, pingsMs: number[]): Promise<number> {
  let answered = 0;
  while (!signal.aborted) {
    const beganMs = performance.now();
    const response = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(MAX_PING_MS) });
    await response.arrayBuffer();
    pingsMs.push(performance.now() - beganMs);
    expect(response.status).toBe(200);
    answered += 1;
    await sleep(PING_EVERY_MS);
  }
  return answered;
}

/** The value that so large a share of all is not above. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
