import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createPlugin } from '@extism/extism';
import { buildDatasource } from '../../host/authoring/build.ts';
import { PROCESS_ISOLATION } from '../../host/sandbox/isolation.ts';
import { farSide, powersOf } from '../helpers/far-side.ts';
import { privateMib } from '../helpers/processes.ts';
import { readArgs } from '../helpers/probe.ts';
import { compared, type Figure, median, timings } from './figure.ts';
import { floorMs } from './floor.ts';
import { describingComponent, describingPlugin } from './hand-written.ts';
import { callMs } from './isolation.ts';
import { type WarmSandbox, warmSandbox } from './warm-sandbox.ts';

const ROOT = join(import.meta.dirname, '../..');
const CALLS = 2_000;
const WARM_UP_CALLS = 300;
const CALLS_AT_A_TIME = 8;
const HOST_CALLS = 5_000;
const PLUGINS = 30;
const ROUNDS = 5;
const FLOOR = 'two bare processes';
/** Longer than a process waits before it collects its garbage. */
const REST_MS = 2_000;

/** How many calls a warm process serves, what it holds, what a host call costs, and the same work in Extism's workers. */
export async function benchThroughput(scratch: string): Promise<Figure[]> {
  const hello = await buildDatasource(join(ROOT, 'datasources/hello'), { outFile: join(scratch, 'hello.wasm') });
  const probe = await buildDatasource(join(ROOT, 'test/fixtures/probe'), { outFile: join(scratch, 'probe.wasm') });
  const roundTripMs = await callMs(await farSide('return 0;'), PROCESS_ISOLATION);
  return [
    compared('one round trip over the protocol, no guest', 'ms', roundTripMs, { name: FLOOR, value: await floorMs() }),
    ...(await inSandbox(await readFile(hello.file), scratch, quickJsFigures)),
    ...(await inSandbox(await describingComponent(), scratch, handWrittenFigures)),
    ...(await inSandbox(await readFile(probe.file), scratch, hostCallFigures)),
  ];
}

async function inSandbox(component: Uint8Array, scratch: string, measure: (sandbox: WarmSandbox) => Promise<Figure[]>): Promise<Figure[]> {
  const sandbox = await warmSandbox(component, scratch);
  try {
    return await measure(sandbox);
  } finally {
    sandbox.close();
  }
}

async function quickJsFigures(sandbox: WarmSandbox): Promise<Figure[]> {
  const first = await sandbox.residentMib();
  const rates = await callRates('QuickJS', sandbox);
  const busy = await sandbox.residentMib();
  await new Promise((resolve) => setTimeout(resolve, REST_MS));
  return [
    ...rates,
    { name: 'sandbox process after its first call, resident', value: first, unit: 'MiB' },
    compared(`at rest after ${WARM_UP_CALLS + CALLS} calls, resident`, 'MiB', await sandbox.residentMib(), {
      name: 'just before',
      value: busy,
    }),
    { name: 'of that its own, shared with no other process', value: await privateMib(sandbox.pid), unit: 'MiB' },
  ];
}

async function handWrittenFigures(sandbox: WarmSandbox): Promise<Figure[]> {
  const rates = await callRates('WAT', sandbox);
  const ours = await timings(PLUGINS, () => sandbox.call());
  const plugin = await WebAssembly.compile(new Uint8Array(await describingPlugin()));
  const theirs = await timings(PLUGINS, () => callExtism(plugin));
  return [...rates, compared('describe by hand, fresh instance', 'ms', median(ours), { name: 'Extism, worker', value: median(theirs) })];
}

/** A fresh plug-in in a worker of its own, one call, and its end. */
async function callExtism(module: WebAssembly.Module): Promise<void> {
  const plugin = await createPlugin(module, { useWasi: false, runInWorker: true });
  try {
    if ((await plugin.call('describe', '')) === null) throw new Error('no answer');
  } finally {
    await plugin.close();
  }
}

/** What one `storage.get` costs a guest in QuickJS, with a host that answers at once. */
async function hostCallFigures(sandbox: WarmSandbox): Promise<Figure[]> {
  const powers = powersOf({ 'storage.get': () => Promise.resolve({ ok: true, value: null }) });
  const read = (times: number) => (): Promise<unknown> =>
    sandbox.call({ function: 'read', args: readArgs([{ do: 'get', collection: 'notes', key: 'a', times }]), powers });
  await read(HOST_CALLS)();
  const [many, floor]: [number[], number[]] = [[], []];
  // In turns, so that a busy moment of the machine falls on both.
  for (let round = 0; round < ROUNDS; round += 1) {
    many.push(median(await timings(1, read(HOST_CALLS))));
    floor.push(await floorMs());
  }
  const one = median(await timings(20, read(1)));
  const each = ((median(many) - one) / (HOST_CALLS - 1)) * 1_000;
  return [compared('guest → host call and its answer', 'µs', each, { name: FLOOR, value: median(floor) * 1_000 })];
}

/** Calls by the clock, and by the processor time of the sandbox process: the latter does not depend on who else is at work. */
async function callRates(kind: string, sandbox: WarmSandbox): Promise<Figure[]> {
  await callMany(sandbox, WARM_UP_CALLS);
  const before = await sandbox.processorMs();
  const startedMs = performance.now();
  await callMany(sandbox, CALLS);
  const elapsedMs = performance.now() - startedMs;
  const usedMs = (await sandbox.processorMs()) - before;
  return [
    { name: `${kind} component, calls of a warm process`, value: (CALLS / elapsedMs) * 1_000, unit: 'calls/s' },
    { name: `${kind} component, calls per core`, value: (CALLS / usedMs) * 1_000, unit: 'calls/s' },
  ];
}

async function callMany(sandbox: WarmSandbox, calls: number): Promise<void> {
  let left = calls;
  const worker = async (): Promise<void> => {
    for (; left > 0; left -= 1) await sandbox.call();
  };
  await Promise.all(Array.from({ length: CALLS_AT_A_TIME }, worker));
}
