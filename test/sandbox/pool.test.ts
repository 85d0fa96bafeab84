import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { PROCESS_ISOLATION } from '../../host/sandbox/isolation.ts';
import { DEFAULT_POOL, PoolFullError, type PoolKey, type PoolOptions, SandboxPool } from '../../host/sandbox/pool.ts';
import type { CallOutcome, HostAnswer } from '../../host/sandbox/sandbox-call.ts';
import { farSide, limitsWith, powersOf, readCall } from '../helpers/far-side.ts';
import { childrenOf } from '../helpers/processes.ts';

// A call says which process it ran in. With `'wait'` it first waits for the host, with `'die'` it takes its process along.
let folder: string;
let pool: SandboxPool;

beforeAll(async () => {
  folder = await farSide(`
    if (args[0] === 'wait') await imports['lorelai:datasource/http-client'].send({});
    if (args[0] === 'die') process.exit(9);
    return process.pid;`);
});

afterEach(() => pool.close());

function open(options: Partial<PoolOptions> = {}): SandboxPool {
  pool = new SandboxPool({ ...DEFAULT_POOL, isolation: PROCESS_ISOLATION, onStderr: () => undefined, ...options });
  return pool;
}

function keyOf(organisation: string, options: Partial<PoolKey> = {}): PoolKey {
  return { organisation, digest: 'sha256:one', folder, limits: limitsWith(), ...options };
}

function call(key: PoolKey, what?: 'die', signal?: AbortSignal): Promise<CallOutcome> {
  return pool.call(key, readCall({ args: [what], ...(signal === undefined ? {} : { signal }) }));
}

interface HeldCall {
  /** When the call runs in its process. */
  running: Promise<void>;
  release(): void;
  outcome: Promise<CallOutcome>;
}

/** A call that stays in its process until it is released. */
function hold(key: PoolKey): HeldCall {
  const running = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<HostAnswer>();
  const send = (): Promise<HostAnswer> => {
    running.resolve();
    return answer.promise;
  };
  const outcome = pool.call(key, readCall({ args: ['wait'], powers: powersOf({ 'http-client.send': send }) }));
  return { running: running.promise, release: () => answer.resolve({ ok: true, value: null }), outcome };
}

function pidOf(outcome: CallOutcome): number {
  if (outcome.kind !== 'result') throw new Error(JSON.stringify(outcome));
  return Number(outcome.value);
}

describe('a process of the pool', () => {
  it('serves one call after the other of the same datasource and organisation', async () => {
    open();
    const pids = [pidOf(await call(keyOf('acme'))), pidOf(await call(keyOf('acme')))];
    expect(new Set(pids).size).toBe(1);
    expect(pids[0]).not.toBe(process.pid);
  });

  it.each<[string, PoolKey]>([
    ['organisations', keyOf('other')],
    ['datasources', keyOf('acme', { digest: 'sha256:two' })],
    ['sets of limits', keyOf('acme', { limits: limitsWith({ maxResultBytes: 1_000 }) })],
  ])('is never shared by two %s', async (_, second) => {
    const first = keyOf('acme');
    open();
    const pids = [await call({ ...first, folder }), await call({ ...second, folder }), await call({ ...first, folder })].map(pidOf);
    expect(pids[1]).not.toBe(pids[0]);
    expect(pids[2]).toBe(pids[0]);
  });

  it('is discarded after its share of calls, once the last of them has ended, and another takes over', async () => {
    open({ maxCallsOfProcess: 2, maxProcesses: 1 });
    const held = hold(keyOf('acme'));
    await held.running;
    const second = pidOf(await call(keyOf('acme')));
    const third = call(keyOf('acme'));
    expect(await childrenOf(process.pid)).toEqual([second]);
    held.release();
    expect(pidOf(await held.outcome)).toBe(second);
    expect(pidOf(await third)).not.toBe(second);
  });

  it('is never shared by names that only look alike when they are written one after the other', async () => {
    open();
    const pids = [await call(keyOf('a","b', { digest: 'c' })), await call(keyOf('a', { digest: 'b","c' }))].map(pidOf);
    expect(pids[1]).not.toBe(pids[0]);
  });

  it('takes so many calls at a time, and the next one gets a process of its own', async () => {
    open({ maxCallsPerProcess: 2 });
    const held = [hold(keyOf('acme')), hold(keyOf('acme')), hold(keyOf('acme'))];
    await Promise.all(held.map(({ running }) => running));
    for (const { release } of held) release();
    const pids = (await Promise.all(held.map(({ outcome }) => outcome))).map(pidOf);
    expect(pids[0]).toBe(pids[1]);
    expect(pids[2]).not.toBe(pids[0]);
  });

  it('that died is replaced for the next call', async () => {
    open();
    const first = pidOf(await call(keyOf('acme')));
    expect(await call(keyOf('acme'), 'die')).toMatchObject({ kind: 'killed', cause: 'exit' });
    expect(pidOf(await call(keyOf('acme')))).not.toBe(first);
    expect(pool.processes).toBe(1);
  });

  it('without a call ends after a while', async () => {
    open({ idleMs: 20 });
    await call(keyOf('acme'));
    expect(pool.processes).toBe(1);
    await expect.poll(() => pool.processes).toBe(0);
    await expect.poll(() => childrenOf(process.pid)).toEqual([]);
  });

  it('is not idle while a call is in it', async () => {
    open({ idleMs: 1 });
    await call(keyOf('acme'));
    const held = hold(keyOf('acme'));
    await held.running;
    await new Promise((resolve) => setTimeout(resolve, 20));
    held.release();
    expect(await held.outcome).toMatchObject({ kind: 'result' });
  });
});

async function endsOf(options: Partial<PoolOptions>, act: () => Promise<unknown>): Promise<unknown[]> {
  const ends: unknown[] = [];
  open({ ...options, onDiscard: (last, cause, reason) => void ends.push([last.organisation, last.whose, cause, reason]) });
  await act();
  await expect.poll(() => ends.length).toBeGreaterThan(0);
  return ends;
}

describe('a process that ends while no call is in it', () => {
  const whose = { datasource: 'one', connection: 'c' };

  it('because it was idle is told of, with whom it served last', async () => {
    const ends = await endsOf({ idleMs: 10 }, () => call(keyOf('acme', { whose })));
    expect(ends).toEqual([['acme', whose, 'cancelled', 'the process was idle']]);
  });

  it('because another one was needed is told of', async () => {
    const ends = await endsOf({ maxProcesses: 1 }, async () => {
      await call(keyOf('acme', { whose }));
      await call(keyOf('other'));
    });
    expect(ends).toEqual([['acme', whose, 'cancelled', 'the process gave way to another one']]);
  });

  it('because it has served its calls is told of', async () => {
    const ends = await endsOf({ maxCallsOfProcess: 1 }, () => call(keyOf('acme', { whose })));
    expect(ends).toEqual([['acme', whose, 'cancelled', 'the process has served its calls']]);
  });

  it('by itself is told of', async () => {
    const ends = await endsOf({}, async () => process.kill(pidOf(await call(keyOf('acme', { whose }))), 'SIGKILL'));
    expect(ends).toEqual([['acme', whose, 'exit', 'the sandbox process ended by itself (SIGKILL)']]);
  });

  it('is not told of when a call was in it, or the pool is closed', async () => {
    const ends: unknown[] = [];
    open({ onDiscard: (...end) => void ends.push(end) });
    await call(keyOf('acme', { whose }), 'die');
    await call(keyOf('acme', { whose }));
    pool.close();
    await expect.poll(() => childrenOf(process.pid)).toEqual([]);
    expect(ends).toEqual([]);
  });
});

describe('a pool', () => {
  it('never has more processes than its limit, however many ask', async () => {
    open({ maxProcesses: 2 });
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, pool.processes)), 1);
    const outcomes = await Promise.all(Array.from({ length: 12 }, (_, at) => call(keyOf(`organisation-${at % 6}`))));
    clearInterval(watch);
    expect(outcomes.every(({ kind }) => kind === 'result')).toBe(true);
    expect(most).toBe(2);
    expect((await childrenOf(process.pid)).length).toBeLessThanOrEqual(2);
  });

  it('lets a call wait its turn', async () => {
    open({ maxProcesses: 1, maxCallsPerProcess: 1 });
    const held = hold(keyOf('acme'));
    await held.running;
    const order: string[] = [];
    const waiting = ['first', 'second', 'third'].map((name) => call(keyOf('acme')).then(() => order.push(name)));
    held.release();
    await Promise.all([held.outcome, ...waiting]);
    expect(order).toEqual(['first', 'second', 'third']);
  });

  it('makes room for another organisation by ending an idle process', async () => {
    open({ maxProcesses: 1 });
    const first = pidOf(await call(keyOf('acme')));
    expect(pidOf(await call(keyOf('other')))).not.toBe(first);
    expect(pool.processes).toBe(1);
  });

  it('never ends a process that is at work to make room', async () => {
    open({ maxProcesses: 1 });
    const held = hold(keyOf('acme'));
    await held.running;
    const waiting = call(keyOf('other'));
    held.release();
    expect(await held.outcome).toMatchObject({ kind: 'result' });
    expect(await waiting).toMatchObject({ kind: 'result' });
  });

  it('lets another organisation in, however many calls one keeps under way', async () => {
    open({ maxProcesses: 1, maxCallsPerProcess: 2 });
    const stop = new AbortController();
    let served = 0;
    // Two at a time, so that the process is never without a call.
    const busy = Array.from({ length: 2 }, async () => {
      while (!stop.signal.aborted) if ((await call(keyOf('busy'))).kind === 'result') served += 1;
    });
    await expect.poll(() => served).toBeGreaterThan(10);
    const pids = [pidOf(await call(keyOf('other'))), pidOf(await call(keyOf('third')))];
    const before = served;
    await expect.poll(() => served).toBeGreaterThan(before);
    stop.abort();
    await Promise.all(busy);
    expect(new Set(pids).size).toBe(2);
  });

  it('serves the organisations that wait in turns, however long the queue of one is', async () => {
    open({ maxProcesses: 1, maxCallsPerProcess: 1 });
    const held = hold(keyOf('busy'));
    await held.running;
    const order: string[] = [];
    const queue = ['busy', 'busy', 'busy', 'other', 'other'].map((name) => call(keyOf(name)).then(() => order.push(name)));
    held.release();
    await Promise.all([...queue, held.outcome]);
    expect(order).toEqual(['other', 'busy', 'other', 'busy', 'busy']);
  });

  it('ends the process that was idle longest to make room', async () => {
    open({ maxProcesses: 2 });
    const first = pidOf(await call(keyOf('one')));
    const second = pidOf(await call(keyOf('two')));
    await call(keyOf('one'));
    await call(keyOf('three'));
    expect(pidOf(await call(keyOf('one')))).toBe(first);
    expect(pidOf(await call(keyOf('two')))).not.toBe(second);
  });

  it('goes on using a process that was to give way, once nobody waits for its place', async () => {
    open({ maxProcesses: 1, maxCallsPerProcess: 2 });
    const held = hold(keyOf('acme'));
    await held.running;
    const stop = new AbortController();
    const cancelled = call(keyOf('other'), undefined, stop.signal);
    stop.abort();
    expect(await cancelled).toMatchObject({ kind: 'killed', cause: 'cancelled' });
    const again = pidOf(await call(keyOf('acme')));
    held.release();
    expect(pidOf(await held.outcome)).toBe(again);
  });

  it('lets no organisation fill the queue for the others', async () => {
    open({ maxProcesses: 1, maxCallsPerProcess: 1, maxWaiting: 10, maxWaitingOfOrganisation: 2 });
    const held = hold(keyOf('acme'));
    await held.running;
    const waiting = [call(keyOf('acme')), call(keyOf('acme'))];
    await expect(call(keyOf('acme'))).rejects.toThrow('2 calls of this organisation already wait');
    const other = call(keyOf('other'));
    held.release();
    expect((await Promise.all([held.outcome, ...waiting, other])).map(({ kind }) => kind)).toEqual(
      Array.from({ length: 4 }, () => 'result'),
    );
  });

  it('rejects with PoolFullError when as many wait as may', async () => {
    open({ maxProcesses: 1, maxCallsPerProcess: 1, maxWaiting: 2 });
    const held = hold(keyOf('acme'));
    await held.running;
    const waiting = [call(keyOf('acme')), call(keyOf('other'))];
    await expect(call(keyOf('acme'))).rejects.toThrow(PoolFullError);
    held.release();
    expect((await Promise.all([held.outcome, ...waiting])).map(({ kind }) => kind)).toEqual(['result', 'result', 'result']);
  });

  it('never turns away a call that has waited already', async () => {
    open({ maxProcesses: 1, maxCallsPerProcess: 1, maxWaiting: 2 });
    const held = hold(keyOf('acme'));
    await held.running;
    const waiting = [call(keyOf('acme')), call(keyOf('acme'))];
    held.release();
    await held.outcome;
    // The two have been woken; whoever comes now must not take their places in the queue.
    const late = await Promise.allSettled([call(keyOf('acme')), call(keyOf('acme')), call(keyOf('acme'))]);
    expect((await Promise.all(waiting)).map(({ kind }) => kind)).toEqual(['result', 'result']);
    expect(late.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0);
  });

  it('lets a call that waits be cancelled', async () => {
    open({ maxProcesses: 1, maxCallsPerProcess: 1, maxWaiting: 1 });
    const held = hold(keyOf('acme'));
    await held.running;
    const stop = new AbortController();
    const waiting = call(keyOf('acme'), undefined, stop.signal);
    stop.abort();
    expect(await waiting).toMatchObject({ kind: 'killed', cause: 'cancelled' });
    // Its place in the queue is free again.
    const next = call(keyOf('acme'));
    held.release();
    expect(await next).toMatchObject({ kind: 'result' });
  });

  it('that is closed ends what is at work and turns away what waits and what comes', async () => {
    open({ maxProcesses: 1, maxCallsPerProcess: 1 });
    const held = hold(keyOf('acme'));
    await held.running;
    const waiting = call(keyOf('acme'));
    pool.close();
    expect(await held.outcome).toEqual({ kind: 'killed', cause: 'cancelled', reason: 'the host is shutting down' });
    await expect(waiting).rejects.toThrow(PoolFullError);
    await expect(call(keyOf('acme'))).rejects.toThrow('the host is shutting down');
    await expect.poll(() => childrenOf(process.pid)).toEqual([]);
  });
});
