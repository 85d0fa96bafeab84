import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Egress } from '../../host/capabilities/egress.ts';
import { RequestRate } from '../../host/capabilities/request-rate.ts';
import type { GuestValue } from '../../host/capabilities/capability.ts';
import type { Grant } from '../../host/domain/grant.ts';
import { LIMIT_NAMES, type LimitName, type Limits } from '../../host/domain/limits.ts';
import { createLog } from '../../host/log.ts';
import { PROCESS_ISOLATION } from '../../host/sandbox/isolation.ts';
import { DEFAULT_POOL, SandboxPool } from '../../host/sandbox/pool.ts';
import { callInSandbox, type CallResult } from '../../host/services/connections/sandboxed-call.ts';
import type { Step } from '../fixtures/probe/steps.ts';
import { type CompiledComponent, compiled, compiledComponent } from '../helpers/compiled.ts';
import { farSide, limitsWith } from '../helpers/far-side.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';
import { watDatasource } from '../helpers/wat-component.ts';

const MiB = 1024 * 1024;
const REQUESTS = { connectionId: 'c' };

let probe: CompiledComponent;
let upstream: Upstream;
let pool: SandboxPool;
let rate: RequestRate;
let lines: string[];
let logged: string[];
/** Requests under way at the upstream, now and at most. */
let underWay: { now: number; most: number };

beforeAll(async () => {
  probe = await compiledComponent('probe');
  upstream = await startUpstream(answer);
});
afterAll(() => upstream.close());
beforeEach(() => {
  pool = new SandboxPool({ ...DEFAULT_POOL, isolation: PROCESS_ISOLATION, onStderr: () => undefined });
  rate = new RequestRate();
  lines = [];
  logged = [];
  underWay = { now: 0, most: 0 };
});
afterEach(() => pool.close());

/** `/1000` is a body of 1,000 bytes, `/never` no answer, `/late` one for which others have time to come. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  underWay.now += 1;
  underWay.most = Math.max(underWay.most, underWay.now);
  const end = (): void => {
    underWay.now -= 1;
    response.end(Buffer.alloc(Number(request.url?.slice(1)) || 0, 'x'));
  };
  if (request.url === '/late') setTimeout(end, 50);
  else if (request.url !== '/never') request.on('end', end);
}

interface Attempt {
  limits: Partial<Limits>;
  component?: CompiledComponent;
}

/** Calls `read` of `probe`, or of another component, with all powers and these limits. */
async function read(steps: readonly Step[], { limits: some, component = probe }: Attempt): Promise<CallResult> {
  const limits = limitsWith(some);
  const grant: Grant = { http: { origins: [upstream.origin], privateNetworks: ['127.0.0.0/8'] }, storage: true, limits: some };
  const config = { steps: JSON.parse(JSON.stringify(steps)), base_url: upstream.origin };
  const datasource = { name: 'probe', ...component, grant, limits, flags: [] };
  const connection = { id: REQUESTS.connectionId, organisation: 'acme', datasource: 'probe', name: 'probe', config, features: {} };
  const egress = new Egress({ manifest: component.manifest, grant, limits, config, secret: undefined, onRecord: () => undefined });
  const powers = {
    egress,
    rate,
    stored: { get: () => Promise.resolve(undefined), scan: () => Promise.resolve([]), size: () => Promise.resolve({ keys: 0, bytes: 0 }) },
    writeLine: (_: string, message: string) => void lines.push(message),
  };
  const log = createLog({ level: 'debug', pretty: false, write: (line) => void logged.push(line) });
  try {
    const call = { function: 'read' as const, args: ['items', undefined], signal: new AbortController().signal };
    return await callInSandbox({ connection, datasource, secret: undefined }, call, { pool, powers, log });
  } finally {
    await egress.close();
  }
}

/** What step `index` was told. */
function told(result: CallResult, index: number): GuestValue {
  if (!result.ok) throw new Error(JSON.stringify(result));
  const { changes } = result.value as { changes: { val: { id: string; content: Uint8Array } }[] };
  const found = changes.find(({ val }) => val.id === `step-${index}`);
  return JSON.parse(Buffer.from(found?.val.content ?? '{}').toString());
}

/** The call met this limit and no other, and it is said by how much, in the spend and in the log. */
function expectBreach({ spend }: CallResult, limit: LimitName, allowed: number): void {
  expect(spend.breaches).toEqual([{ limit, allowed, used: expect.any(Number) }]);
  // A deadline may be met to the millisecond.
  expect(spend.breaches[0]?.used).toBeGreaterThanOrEqual(allowed);
  expect(logged.join('')).toContain(`over the limit ${limit} of ${allowed}`);
}

function expectEnded(result: CallResult, limit: LimitName, allowed: number): void {
  expect(result).toMatchObject({
    ok: false,
    failure: { kind: 'failed', message: expect.stringContaining(`read went over the limit ${limit} of ${allowed}`) },
  });
  expectBreach(result, limit, allowed);
}

const http = (path: string, parts: { body?: string; timeoutMs?: number } = {}): Step => ({
  do: 'http',
  url: `${upstream.origin}${path}`,
  ...parts,
});

async function farComponent(body: string): Promise<CompiledComponent> {
  return { ...probe, digest: body, folder: await farSide(body) };
}

const EMPTY_BATCH = `{ changes: [], next: new Uint8Array(0), done: true, progress: { seen: 0 }, skipped: [] }`;

/** For each limit, a datasource that goes beyond it, and what comes of that. A limit without one does not compile. */
const BREAKS: Record<LimitName, () => Promise<void>> = {
  async instantiateTimeoutMs() {
    const spinning = await watDatasource((wat) => wat.replace(/\(func \(;25;\) \(type 12\)\)/, '(func (;25;) (type 12) (loop br 0))'));
    expectEnded(
      await read([], { component: await compiled(spinning), limits: { instantiateTimeoutMs: 700 } }),
      'instantiateTimeoutMs',
      700,
    );
  },
  async callTimeoutMs() {
    expectEnded(await read([{ do: 'spin' }], { limits: { callTimeoutMs: 500 } }), 'callTimeoutMs', 500);
  },
  async maxCpuMs() {
    const result = await read([{ do: 'spin' }], { limits: { maxCpuMs: 300 } });
    expectEnded(result, 'maxCpuMs', 300);
    expect(result.spend.cpuMs).toBeGreaterThanOrEqual(300);
  },
  async maxMemoryBytes() {
    const failure = { kind: 'failed', message: expect.stringContaining('out of memory') };
    const result = await read([{ do: 'allocate' }], { limits: { maxMemoryBytes: 32 * MiB } });
    expect(result).toMatchObject({ ok: false, failure });
    expect(result.spend.peakResidentMib).toBeLessThan(32 + 150);
  },
  async maxProcessMemoryBytes() {
    const greedy = await farComponent(
      `const kept = []; for (;;) { kept.push(Buffer.alloc(8 * 1024 * 1024, 1)); await new Promise((resolve) => setTimeout(resolve, 5)); }`,
    );
    expectEnded(await read([], { component: greedy, limits: { maxProcessMemoryBytes: 300 * MiB } }), 'maxProcessMemoryBytes', 300 * MiB);
  },
  async maxResultBytes() {
    expectEnded(await read([{ do: 'bytes', count: 5_000 }], { limits: { maxResultBytes: 4_000 } }), 'maxResultBytes', 4_000);
  },
  async maxChangesPerBatch() {
    // By whoever takes the batch: test/api/limits.test.ts.
    expect((await read([{ do: 'documents', count: 3, text: 'x' }], { limits: { maxChangesPerBatch: 2 } })).ok).toBe(true);
  },
  async maxHostCallsPerCall() {
    expectEnded(await read([{ do: 'log', lines: 21, message: 'x' }], { limits: { maxHostCallsPerCall: 20 } }), 'maxHostCallsPerCall', 20);
  },
  async maxConcurrentRequests() {
    const request = `{ method: 'GET', url: args[0].config.match(/http:[^"]+/)[0] + '/late', headers: [] }`;
    const send = `imports['lorelai:datasource/http-client'].send(${request})`;
    const eager = await farComponent(`await Promise.all([${Array(6).fill(send).join(', ')}]); return ${EMPTY_BATCH};`);
    const result = await read([], { component: eager, limits: { maxConcurrentRequests: 2 } });
    expect(result).toMatchObject({ ok: true, spend: { requests: 6 } });
    expect(underWay.most).toBe(2);
  },
  async maxRequestsPerMinute() {
    const limits = { maxRequestsPerMinute: 3 };
    const result = await read([http('/1'), http('/1'), http('/1'), http('/1')], { limits });
    expect([0, 1, 2].map((step) => told(result, step))).toMatchObject([{ ok: {} }, { ok: {} }, { ok: {} }]);
    expect(told(result, 3)).toEqual({ error: { tag: 'budget-spent', val: expect.any(Number) } });
    expectBreach(result, 'maxRequestsPerMinute', 3);
    // The next call of the connection finds no new minute.
    expect(told(await read([http('/1')], { limits }), 0)).toMatchObject({ error: { tag: 'budget-spent' } });
  },
  async requestTimeoutMs() {
    const result = await read([http('/never', { timeoutMs: 60_000 })], { limits: { requestTimeoutMs: 200 } });
    expect(told(result, 0)).toEqual({ error: { tag: 'timed-out' } });
    expectBreach(result, 'requestTimeoutMs', 200);
  },
  async maxRequestBytes() {
    const result = await read([http('/1', { body: 'x'.repeat(101) })], { limits: { maxRequestBytes: 100 } });
    expect(told(result, 0)).toEqual({ error: { tag: 'invalid-request', val: 'body: longer than the limit maxRequestBytes of 100' } });
    expectBreach(result, 'maxRequestBytes', 100);
  },
  async maxResponseBytes() {
    const result = await read([http('/100'), http('/101')], { limits: { maxResponseBytes: 100 } });
    expect([told(result, 0), told(result, 1)]).toMatchObject([
      { ok: { status: 200 } },
      { error: { tag: 'too-large', val: { maxBytes: 100 } } },
    ]);
    expectBreach(result, 'maxResponseBytes', 100);
  },
  async maxBytesOut() {
    const result = await read([http('/1', { body: 'x'.repeat(500) }), http('/1', { body: 'x'.repeat(500) })], {
      limits: { maxBytesOut: 1_000 },
    });
    expect([told(result, 0), told(result, 1)]).toMatchObject([{ ok: { status: 200 } }, { error: { tag: 'budget-spent' } }]);
    expectBreach(result, 'maxBytesOut', 1_000);
    expect(result.spend.bytesOut).toBe(500 + `${upstream.origin}/1`.length);
  },
  async maxBytesIn() {
    const limits = { maxBytesIn: 100_000 };
    const result = await read([http('/60000'), http('/60000')], { limits });
    expect([told(result, 0), told(result, 1)]).toMatchObject([
      { ok: { status: 200 } },
      { error: { tag: 'too-large', val: { maxBytes: 40_000 } } },
    ]);
    expectBreach(result, 'maxBytesIn', 100_000);
    expect(told(await read([http('/100000'), http('/1')], { limits }), 1)).toMatchObject({ error: { tag: 'budget-spent' } });
  },
  async maxStorageBytes() {
    const puts = ['a', 'b'].map((key): Step => ({ do: 'put', collection: 'notes', key, value: 'x'.repeat(99) }));
    const result = await read(puts, { limits: { maxStorageBytes: 199 } });
    const val = 'more than the limit maxStorageBytes of 199 bytes: it used 200 bytes';
    expect([told(result, 0), told(result, 1)]).toEqual([{ ok: null }, { error: { tag: 'quota-exceeded', val } }]);
    expectBreach(result, 'maxStorageBytes', 199);
  },
  async maxStorageKeys() {
    const puts = ['a', 'b', 'a', 'c'].map((key): Step => ({ do: 'put', collection: 'notes', key, value: '' }));
    const result = await read(puts, { limits: { maxStorageKeys: 2 } });
    const error = { tag: 'quota-exceeded', val: 'more than the limit maxStorageKeys of 2: it used 3' };
    expect([0, 1, 2, 3].map((step) => told(result, step))).toEqual([{ ok: null }, { ok: null }, { ok: null }, { error }]);
    expectBreach(result, 'maxStorageKeys', 2);
  },
  async maxLogLines() {
    const result = await read([{ do: 'log', lines: 20, message: 'line' }], { limits: { maxLogLines: 2 } });
    expect(lines).toEqual(['line 0', 'line 1', "more lines than the limit maxLogLines of 2: the rest of this call's is dropped"]);
    expectBreach(result, 'maxLogLines', 2);
    expect(result.spend).toMatchObject({ logLines: 2, logBytes: 12, breaches: [{ used: 20 }] });
  },
  async maxLogBytes() {
    const result = await read([{ do: 'log', lines: 20, message: 'x'.repeat(50) }], { limits: { maxLogBytes: 110 } });
    expect(lines).toHaveLength(3);
    expect(lines[2]).toBe("more lines than the limit maxLogBytes of 110 bytes: the rest of this call's is dropped");
    expectBreach(result, 'maxLogBytes', 110);
  },
  async maxMetricSeries() {
    const steps: Step[] = [
      { do: 'add', metric: 'steps_done', value: 1, times: 5 },
      { do: 'set', metric: 'level', value: 1 },
    ];
    const result = await read(steps, { limits: { maxMetricSeries: 1 } });
    expect(result).toMatchObject({ ok: true, metrics: [{ name: 'steps_done', value: 5 }] });
    expectBreach(result, 'maxMetricSeries', 1);
  },
  async maxRandomBytes() {
    const take = `imports['wasi:random/random'].getRandomBytes(1000n)`;
    const limits = { maxRandomBytes: 1_500 };
    expect((await read([], { component: await farComponent(`${take}; return ${EMPTY_BATCH};`), limits })).ok).toBe(true);
    const thirsty = await farComponent(`${take}; ${take}; return ${EMPTY_BATCH};`);
    expectEnded(await read([], { component: thirsty, limits }), 'maxRandomBytes', 1_500);
  },
  async maxHandles() {
    const limits = { maxHandles: 1_000 };
    const make = `const { Fields } = imports['wasi:http/types']; const { getStdout } = imports['wasi:cli/stdout'];`;
    const tidy = await farComponent(
      `${make} for (let at = 0; at < 3000; at += 1) { new Fields()[Symbol.dispose](); getStdout()[Symbol.dispose](); } return ${EMPTY_BATCH};`,
    );
    expect((await read([], { component: tidy, limits })).ok).toBe(true);
    const forgetful = await farComponent(`${make} const kept = []; for (;;) kept.push(Fields.fromList([['a', new Uint8Array(1)]]));`);
    expectEnded(await read([], { component: forgetful, limits }), 'maxHandles', 1_000);
    const chatty = await farComponent(`${make} const kept = []; for (;;) kept.push(getStdout());`);
    expectEnded(await read([], { component: chatty, limits }), 'maxHandles', 1_000);
  },
};

describe('a datasource that goes beyond', () => {
  it.each(LIMIT_NAMES)('%s', async (name) => BREAKS[name]());
});

describe('several calls that need too much memory together', () => {
  it('are all tried again: which of them it was cannot be known', async () => {
    const kept = `const kept = []; for (;;) { kept.push(Buffer.alloc(8 * 1024 * 1024, 1)); await new Promise((resolve) => setTimeout(resolve, 5)); }`;
    const component = await farComponent(kept);
    const limits = { maxProcessMemoryBytes: 400 * MiB };
    const results = await Promise.all([read([], { component, limits }), read([], { component, limits })]);
    const message = expect.stringContaining('2 calls in one process went over the limit maxProcessMemoryBytes of 419430400 bytes');
    for (const result of results) expect(result).toMatchObject({ ok: false, failure: { kind: 'unavailable', message } });
  });
});

describe('handles that nobody dropped', () => {
  it('are counted no more once the call that made them is over', async () => {
    const make = `const { Fields } = imports['wasi:http/types']; const kept = []; for (let at = 0; at < 600; at += 1) kept.push(new Fields());`;
    // Nobody can make an engine collect: calls that allocate a lot make it likely.
    const rubbish = `for (let at = 0; at < 200; at += 1) new Uint8Array(65536);`;
    const component = await farComponent(
      `${rubbish} await new Promise((resolve) => setTimeout(resolve, 5)); ${make} return ${EMPTY_BATCH};`,
    );
    const results: boolean[] = [];
    for (let at = 0; at < 20; at += 1) results.push((await read([], { component, limits: { maxHandles: 6_000 } })).ok);
    expect(results).not.toContain(false);
    expect(pool.processes).toBe(1);
  });
});

describe('what a call used', () => {
  it('is counted, whether it came to a result or not', async () => {
    const steps: Step[] = [
      http('/1000', { body: 'hello' }),
      { do: 'log', lines: 3, message: 'x' },
      { do: 'put', collection: 'notes', key: 'a', value: 'b' },
    ];
    const { spend } = await read(steps, { limits: {} });
    const bytesOut = 'hello'.length + `${upstream.origin}/1000`.length;
    expect(spend).toMatchObject({ hostCalls: 5, requests: 1, bytesOut, bytesIn: 1_000, logLines: 3, logBytes: 9, breaches: [] });
    expect(spend.resultBytes).toBeGreaterThan(1_000);
    expect(spend.peakResidentMib).toBeGreaterThan(20);
    const failed = await read([http('/10'), { do: 'throw', message: 'no' }], { limits: {} });
    expect(failed).toMatchObject({ ok: false, spend: { requests: 1, bytesIn: 10 } });
    expect(failed.spend.resultBytes).toBeGreaterThan(10);
  });

  it('is billed to the call that works and not to its neighbour that waits', async () => {
    const limits = { maxCpuMs: 600 };
    const waits = read([http('/never')], { limits });
    await expect.poll(() => underWay.now).toBe(1);
    const works = await read([{ do: 'spin' }], { limits });
    expectEnded(works, 'maxCpuMs', 600);
    // The one that waited is told that it was a neighbour, and is tried again.
    expect(await waits).toMatchObject({ ok: false, failure: { kind: 'unavailable' }, spend: { breaches: [] } });
    expect((await waits).spend.cpuMs).toBeLessThan(300);
  });
});
