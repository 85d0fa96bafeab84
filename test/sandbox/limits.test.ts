import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openLog } from '../../host/capabilities/log.ts';
import type { Limits } from '../../host/domain/limits.ts';
import { Meter } from '../../host/domain/meter.ts';
import { PROCESS_ISOLATION } from '../../host/sandbox/isolation.ts';
import { DEFAULT_POOL, type PoolKey, SandboxPool } from '../../host/sandbox/pool.ts';
import type { CallOutcome, HostAnswer, HostPowers } from '../../host/sandbox/sandbox-call.ts';
import type { Step } from '../fixtures/probe/steps.ts';
import { type CompiledComponent, compiled, compiledComponent } from '../helpers/compiled.ts';
import { farSide, limitsWith, powersOf, readCall } from '../helpers/far-side.ts';
import { readArgs, said } from '../helpers/probe.ts';
import { childrenOf, residentMib } from '../helpers/processes.ts';
import { watDatasource } from '../helpers/wat-component.ts';

let probe: CompiledComponent;
let pool: SandboxPool;

beforeAll(async () => {
  probe = await compiledComponent('probe');
});

function open(): SandboxPool {
  pool = new SandboxPool({ ...DEFAULT_POOL, isolation: PROCESS_ISOLATION, onStderr: () => undefined });
  return pool;
}

afterEach(() => pool.close());

interface ReadOptions {
  limits?: Partial<Limits>;
  /** Of this call alone, in a process with `limits`. */
  callLimits?: Partial<Limits>;
  powers?: HostPowers;
  signal?: AbortSignal;
}

function read(steps: readonly Step[], { limits, callLimits, ...rest }: ReadOptions = {}): Promise<CallOutcome> {
  const key: PoolKey = { organisation: 'acme', digest: probe.digest, folder: probe.folder, limits: limitsWith(limits) };
  return pool.call(key, readCall({ ...rest, args: readArgs(steps), limits: limitsWith(callLimits ?? limits) }));
}

/** Powers whose `http-client.send` answers when so many guests are waiting for it at the same time. */
function barrier(count: number): HostPowers {
  const waiting: ((answer: HostAnswer) => void)[] = [];
  const response = { status: 200, headers: [], body: new Uint8Array(0) };
  return powersOf({
    'http-client.send': () =>
      new Promise((resolve) => {
        waiting.push(resolve);
        if (waiting.length === count) for (const answer of waiting) answer({ ok: true, value: response });
      }),
  });
}

const REQUEST: Step = { do: 'http', url: 'https://example.com' };

describe('calls in one process', () => {
  it('never see what another one left in global variables', async () => {
    open();
    const outcomes = [await read([{ do: 'count' }]), await read([{ do: 'count' }])];
    expect(outcomes.map(said)).toMatchObject([{ 'step-0': { counted: 1 } }, { 'step-0': { counted: 1 } }]);
    expect(pool.processes).toBe(1);
  });

  it('go on at the same time while each waits for the network', async () => {
    open();
    const powers = barrier(6);
    const outcomes = await Promise.all(Array.from({ length: 6 }, () => read([REQUEST, { do: 'count' }], { powers })));
    expect(pool.processes).toBe(1);
    expect(outcomes.map(said)).toEqual(
      Array.from({ length: 6 }, () => ({
        'step-0': { ok: { status: 200, headers: [], body: '' } },
        'step-1': expect.objectContaining({ counted: 1 }),
      })),
    );
  });
});

/** Another call in the same process, which waits for the network until it is told what became of the process. */
async function withNeighbour(
  act: () => Promise<CallOutcome>,
  limits: Partial<Limits>,
): Promise<{ guilty: CallOutcome; neighbour: CallOutcome }> {
  open();
  const waits = Promise.withResolvers<void>();
  const powers = powersOf({
    'http-client.send': () => {
      waits.resolve();
      return new Promise(() => undefined);
    },
  });
  const neighbour = read([REQUEST], { powers, limits, callLimits: {} });
  await waits.promise;
  return { guilty: await act(), neighbour: await neighbour };
}

describe('a limit that is overrun ends the process, names itself and tells the neighbours', () => {
  it.each<[string, Step[], Partial<Limits>, object]>([
    [
      'callTimeoutMs',
      [{ do: 'spin' }],
      { callTimeoutMs: 2_000 },
      { cause: 'timeout', reason: expect.stringMatching(/^read went over the limit callTimeoutMs of 2000 ms: it used \d+ ms$/) },
    ],
    [
      'maxCpuMs',
      [{ do: 'spin' }],
      { maxCpuMs: 500 },
      { cause: 'limit', reason: expect.stringMatching(/^read went over the limit maxCpuMs of 500 ms: it used \d+ ms$/) },
    ],
    [
      'maxHostCallsPerCall',
      [{ do: 'get', collection: 'notes', key: 'a', times: 21 }],
      { maxHostCallsPerCall: 20 },
      { cause: 'limit', reason: 'read went over the limit maxHostCallsPerCall of 20: it used 21' },
    ],
    [
      'maxHostCallsPerCall, where nothing is answered',
      [{ do: 'log', lines: 21, message: 'again' }],
      { maxHostCallsPerCall: 20 },
      { cause: 'limit', reason: 'read went over the limit maxHostCallsPerCall of 20: it used 21' },
    ],
    [
      'maxResultBytes',
      [{ do: 'bytes', count: 1_100_000 }],
      { maxResultBytes: 1_000_000 },
      {
        cause: 'limit',
        reason: expect.stringMatching(/^read went over the limit maxResultBytes of 1000000 bytes: it used 1100\d\d\d bytes$/),
      },
    ],
  ])('%s', async (_, steps, limits, expected) => {
    const { guilty, neighbour } = await withNeighbour(
      () =>
        read(steps, {
          limits,
          powers: powersOf({ 'storage.get': () => Promise.resolve({ ok: true, value: null }), 'log.write': () => undefined }),
        }),
      limits,
    );
    expect(guilty).toEqual({ kind: 'killed', ...expected });
    expect(neighbour).toMatchObject({ kind: 'killed', cause: 'neighbour' });
    expect(pool.processes).toBe(0);
    await expect.poll(() => childrenOf(process.pid)).toEqual([]);
    expect(said(await read([{ do: 'count' }], { limits }))).toMatchObject({ 'step-0': { counted: 1 } });
  });

  it('is not met by a call that stays just below', async () => {
    open();
    const powers = powersOf({ 'storage.get': () => Promise.resolve({ ok: true, value: null }) });
    expect(
      await read([{ do: 'get', collection: 'notes', key: 'a', times: 20 }], { powers, limits: { maxHostCallsPerCall: 20 } }),
    ).toMatchObject({ kind: 'result' });
    expect(await read([{ do: 'bytes', count: 900_000 }], { limits: { maxResultBytes: 1_000_000 } })).toMatchObject({ kind: 'result' });
  });
});

describe('a guest that wants memory', () => {
  it('gets what the limit maxMemoryBytes allows and no more', async () => {
    open();
    const limits = { maxMemoryBytes: 64 * 1024 * 1024 };
    expect(await read([{ do: 'allocate' }], { limits })).toMatchObject({
      kind: 'error',
      error: { tag: 'failed', val: expect.stringContaining('InternalError: out of memory') },
    });
    const [pid = 0] = await childrenOf(process.pid);
    expect(await residentMib(pid)).toBeLessThan(64 + 150);
    expect(said(await read([{ do: 'count' }], { limits }))).toMatchObject({ 'step-0': { counted: 1 } });
  });

  it('by recursion breaks, and its process is not used again', async () => {
    open();
    expect(await read([{ do: 'recurse' }])).toEqual({
      kind: 'killed',
      cause: 'trap',
      reason: 'the datasource broke: RangeError: Maximum call stack size exceeded',
    });
    expect(pool.processes).toBe(0);
    expect(said(await read([{ do: 'count' }]))).toMatchObject({ 'step-0': { counted: 1 } });
  });

  it('outside of its own memory is ended with its process', async () => {
    open();
    const greedy = await farSide(
      `const kept = []; for (;;) { kept.push(Buffer.alloc(16 * 1024 * 1024, 1)); await new Promise((resolve) => setTimeout(resolve)); }`,
    );
    const limits = limitsWith({ maxProcessMemoryBytes: 300 * 1024 * 1024 });
    expect(await pool.call({ organisation: 'acme', digest: 'greedy', folder: greedy, limits }, readCall({ limits }))).toEqual({
      kind: 'killed',
      cause: 'memory',
      reason: expect.stringMatching(/^read went over the limit maxProcessMemoryBytes of 314572800 bytes: it used \d+ bytes$/),
    });
  });
});

describe('a component that spins before its first call', () => {
  it('is ended by the limit instantiateTimeoutMs', async () => {
    open();
    const spinning = await compiled(
      await watDatasource((wat) => wat.replace(/\(func \(;25;\) \(type 12\)\)/, '(func (;25;) (type 12) (loop br 0))')),
    );
    const limits = limitsWith({ instantiateTimeoutMs: 700 });
    const outcome = await pool.call({ organisation: 'acme', ...spinning, limits }, readCall({ args: readArgs([]), limits }));
    expect(outcome).toEqual({
      kind: 'killed',
      cause: 'timeout',
      reason: expect.stringMatching(/^read went over the limit instantiateTimeoutMs of 700 ms: it used 7\d\d ms$/),
    });
  });
});

describe('a trap', () => {
  it('ends the process with its message', async () => {
    open();
    const trapping = await compiled(await watDatasource());
    const limits = limitsWith();
    const outcome = await pool.call({ organisation: 'acme', ...trapping, limits }, readCall({ args: readArgs([]), limits }));
    expect(outcome).toEqual({
      kind: 'killed',
      cause: 'trap',
      reason: expect.stringMatching(/^the datasource broke: RuntimeError: unreachable/),
    });
    expect(pool.processes).toBe(0);
  });
});

describe('a datasource that logs without end', () => {
  it('is cut at the limit maxLogLines, with one line that says so', async () => {
    open();
    const lines: string[] = [];
    const limits = limitsWith({ maxLogLines: 100 });
    const log = openLog({ meter: new Meter(limits) }, (_, message) => lines.push(message));
    const powers: HostPowers = { handle: (_, func, args) => log[func]?.(args) };
    expect(await read([{ do: 'log', lines: 5_000, message: 'again' }], { limits, powers })).toMatchObject({ kind: 'result' });
    expect(lines).toHaveLength(101);
    expect(lines.slice(-2)).toEqual(['again 99', "more lines than the limit maxLogLines of 100: the rest of this call's is dropped"]);
  });
});

describe('a call that is cancelled', () => {
  it('ends at once, also in the middle of a loop, and takes its process with it', async () => {
    open();
    const stop = new AbortController();
    const outcome = read([REQUEST, { do: 'spin' }], {
      signal: stop.signal,
      powers: powersOf({
        'http-client.send': () => {
          setImmediate(() => stop.abort());
          return Promise.resolve({ ok: false, error: { tag: 'timed-out' } });
        },
      }),
    });
    expect(await outcome).toEqual({ kind: 'killed', cause: 'cancelled', reason: 'the call was cancelled' });
    expect(pool.processes).toBe(0);
  });

  it('before it began costs no process', async () => {
    open();
    expect(await read([], { signal: AbortSignal.abort() })).toMatchObject({ kind: 'killed', cause: 'cancelled' });
    expect(pool.processes).toBe(0);
  });
});
