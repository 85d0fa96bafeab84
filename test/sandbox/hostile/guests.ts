import { expect } from 'vitest';
import type { Limits } from '../../../host/domain/limits.ts';
import type { SourceFunction } from '../../../host/sandbox/protocol.ts';
import type { Step } from '../../fixtures/probe/steps.ts';
import type { Hostile, HostileTable } from '../../helpers/hostile.ts';
import { type CoreEdit, hostileCore } from '../../helpers/hostile-wat.ts';

const MiB = 1024 * 1024;
/** Enough for an honest `describe`, on a machine that others keep busy too. */
const QUICK: Partial<Limits> = { callTimeoutMs: 1_500, instantiateTimeoutMs: 1_500, maxMemoryBytes: 64 * MiB };
const SPIN = '(loop br 0)';

/** A component written by hand, one of whose functions misbehaves: `describe` unless `edit` says otherwise. */
function wat(name: string, edit: CoreEdit, expected: object, limits: Partial<Limits> = QUICK): Hostile {
  const func: SourceFunction = edit.function ?? 'describe';
  return { name, attempt: async () => ({ kind: 'component', component: await hostileCore(edit), function: func, limits }), expected };
}

function traps(name: string, edit: CoreEdit, reason: RegExp = /^the datasource broke: /): Hostile {
  return wat(name, edit, { ended: 'killed', cause: 'trap', reason: expect.stringMatching(reason) });
}

/** `describe` gives a record of four texts and lists at address 16; this is what lies there. */
function record(...words: number[]): string {
  return words.map((word, at) => `(i32.store (i32.const ${16 + 4 * at}) (i32.const ${word}))`).join(' ') + ' (i32.const 16)';
}

/** A JavaScript datasource that does these things in `read`. */
function script(name: string, steps: Step[], expected: object, limits: Partial<Limits> = {}): Hostile {
  return { name, attempt: () => ({ kind: 'probe', steps, limits }), expected };
}

const killed = (cause: string, ...breaches: string[]): object => ({ ended: 'killed', cause, breaches });
const failedAs = (reason: RegExp): object => ({ failure: expect.stringMatching(reason) });

export const HOSTILE_GUESTS: HostileTable = {
  'code that never ends is ended, wherever it runs': [
    wat('spins in its start function', { start: SPIN }, killed('timeout', 'instantiateTimeoutMs')),
    wat('spins in its initialiser', { initialise: SPIN }, killed('timeout', 'instantiateTimeoutMs')),
    wat('spins in a call', { body: `${SPIN} unreachable` }, killed('timeout', 'callTimeoutMs')),
    wat('spins in realloc', { function: 'check', realloc: `${SPIN} unreachable`, body: 'unreachable' }, killed('timeout', 'callTimeoutMs')),
    wat(
      'spins when its result has been taken',
      { body: record(0, 0, 0, 0, 0, 0, 0, 0), afterwards: SPIN },
      killed('timeout', 'callTimeoutMs'),
    ),
    wat('burns its processor time', { body: `${SPIN} unreachable` }, killed('limit', 'maxCpuMs'), {
      ...QUICK,
      maxCpuMs: 300,
      callTimeoutMs: 30_000,
    }),
    script('spins in JavaScript', [{ do: 'spin' }], killed('timeout', 'callTimeoutMs'), { callTimeoutMs: 700 }),
  ],
  'memory of a guest has an end': [
    wat(
      'grows its memory until it may not, and touches all of it',
      {
        body: `(loop (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (memory.fill (i32.const 1024) (i32.const 7) (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 1024))) unreachable`,
      },
      { ended: 'killed', cause: 'trap', reason: expect.stringContaining('unreachable') },
    ),
    wat('begins with more memory than it may have', { memory: '2048' }, { ended: 'killed', cause: 'trap' }),
    wat(
      'grows a table without end',
      {
        items: '(table $t 0 funcref)',
        body: '(loop (br_if 0 (i32.ne (table.grow $t (ref.null func) (i32.const 100000)) (i32.const -1)))) unreachable',
      },
      { ended: 'killed', cause: expect.stringMatching(/trap|memory|exit|timeout/) },
      { ...QUICK, maxProcessMemoryBytes: 300 * MiB },
    ),
    wat(
      'begins with a table of ten million',
      { items: '(table 10000000 funcref)', body: 'unreachable' },
      { ended: 'killed', cause: expect.stringMatching(/trap|memory|exit/) },
      { ...QUICK, maxProcessMemoryBytes: 256 * MiB },
    ),
    script('allocates in JavaScript', [{ do: 'allocate' }], failedAs(/out of memory/), { maxMemoryBytes: 48 * MiB }),
    script('recurses in JavaScript', [{ do: 'recurse' }], {
      ended: 'killed',
      cause: 'trap',
      reason: expect.stringContaining('call stack'),
    }),
    traps(
      'recurses in WebAssembly',
      {
        items: '(func $deep (param i64 i64 i64 i64) (call $deep (local.get 0) (local.get 1) (local.get 2) (local.get 3)))',
        body: '(call $deep (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0)) unreachable',
      },
      /call stack/,
    ),
  ],
  'what a guest points to is checked before it is believed': [
    traps('does nothing but trap', { body: 'unreachable' }, /unreachable/),
    traps('gives a result that lies outside of its memory', { body: '(i32.const -16)' }),
    wat('gives a result that is not aligned', { body: '(i32.const 17)' }, failedAs(/^contract: /)),
    traps('gives a text that lies outside of its memory', { body: record(0x7fff_0000, 100, 0, 0, 0, 0, 0, 0) }),
    traps('gives a text of four gigabytes', { body: record(0, -1, 0, 0, 0, 0, 0, 0) }),
    wat(
      'gives a text that is no UTF-8',
      { body: `(i32.store (i32.const 512) (i32.const 0xfffefffe)) ${record(512, 4, 0, 0, 0, 0, 0, 0)}` },
      failedAs(/^contract: /),
    ),
    wat(
      'gives half of a character',
      { body: `(i32.store (i32.const 512) (i32.const 0x000000e2)) ${record(512, 1, 0, 0, 0, 0, 0, 0)}` },
      failedAs(/^contract: /),
    ),
    wat(
      'gives a list of a quarter of a billion records',
      { body: record(0, 0, 0, 0, 0, 0x0fff_ffff, 0, 0) },
      { ended: 'killed', cause: expect.stringMatching(/trap|memory|timeout|exit/) },
    ),
    wat(
      'gives a list whose every record is the same text of a megabyte',
      {
        memory: '64',
        body: `(local $at i32) (loop $next (i32.store (i32.add (i32.const 1048576) (local.get $at)) (i32.const 65536)) (i32.store (i32.add (i32.const 1048580) (local.get $at)) (i32.const 900000)) (i32.store (i32.add (i32.const 1048584) (local.get $at)) (i32.const 65536)) (i32.store (i32.add (i32.const 1048588) (local.get $at)) (i32.const 900000)) (local.set $at (i32.add (local.get $at) (i32.const 16))) (br_if $next (i32.lt_u (local.get $at) (i32.const 160000)))) ${record(0, 0, 0, 0, 1_048_576, 10_000, 0, 0)}`,
      },
      { ended: 'killed', cause: expect.stringMatching(/limit|memory|exit|timeout|trap/) },
      { ...QUICK, callTimeoutMs: 20_000, maxProcessMemoryBytes: 300 * MiB, maxResultBytes: 8 * MiB },
    ),
    wat('describes itself with a name of NUL bytes', { body: record(600, 4, 0, 0, 0, 0, 0, 0) }, failedAs(/^contract: /)),
    traps('gives a case that does not exist', { function: 'check', body: '(i32.store8 (i32.const 16) (i32.const 7)) (i32.const 16)' }),
    traps('gives a failure of a case that does not exist', {
      function: 'check',
      body: '(i32.store8 (i32.const 16) (i32.const 1)) (i32.store8 (i32.const 24) (i32.const 200)) (i32.const 16)',
    }),
    traps('gives an address outside of its memory for what it is sent', {
      function: 'check',
      realloc: '(i32.const 0x7ffffff0)',
      body: 'unreachable',
    }),
    traps('gives an address that is not aligned for what it is sent', {
      function: 'validate-config',
      realloc: '(i32.const 1027)',
      body: 'unreachable',
    }),
    traps('calls a host function with pointers outside of its memory', {
      body: '(call 5 (i32.const 2) (i32.const 0x7fff0000) (i32.const 64)) unreachable',
    }),
    traps('calls a host function with a case that does not exist', {
      body: '(call 5 (i32.const 99) (i32.const 0) (i32.const 0)) unreachable',
    }),
    traps('calls back into itself from realloc', {
      function: 'check',
      realloc: '(call 5 (i32.const 99) (i32.const -1) (i32.const -1)) unreachable',
      body: 'unreachable',
    }),
  ],
};

/** The same in JavaScript, under the names of the powers that it floods. */
export const HOSTILE_SCRIPTS: HostileTable = {
  'a flood costs whoever makes it': [
    script(
      'logs ten thousand lines',
      [{ do: 'log', lines: 9_000, message: 'again' }],
      { ended: 'result', breaches: ['maxLogLines'], logLines: 101 },
      { maxLogLines: 100 },
    ),
    script(
      'logs megabytes',
      [{ do: 'log', lines: 200, message: 'x'.repeat(20_000) }],
      { ended: 'result', breaches: ['maxLogBytes'] },
      { maxLogBytes: 100_000 },
    ),
    script('logs beyond the number of host calls', [{ do: 'log', lines: 5_000, message: 'x' }], killed('limit', 'maxHostCallsPerCall'), {
      maxHostCallsPerCall: 100,
    }),
    script(
      'makes up metrics',
      Array.from({ length: 50 }, (_, at): Step => ({ do: 'add', metric: `made_up_${at}`, value: 1 })),
      { ended: 'result', breaches: [] },
      { maxMetricSeries: 1 },
    ),
    script(
      'counts and sets more metrics than it may',
      [
        { do: 'add', metric: 'steps_done', value: 1 },
        { do: 'set', metric: 'level', value: 1 },
      ],
      { ended: 'result', breaches: ['maxMetricSeries'] },
      { maxMetricSeries: 1 },
    ),
    script(
      'stores more keys than it may',
      Array.from({ length: 20 }, (_, at): Step => ({ do: 'put', collection: 'notes', key: `k${at}`, value: 'x' })),
      {
        ended: 'result',
        breaches: ['maxStorageKeys'],
        said: expect.arrayContaining([{ error: { tag: 'quota-exceeded', val: expect.any(String) } }]),
      },
      { maxStorageKeys: 3 },
    ),
    script(
      'stores more bytes than it may',
      [{ do: 'put', collection: 'notes', key: 'a', value: 'x'.repeat(100_000) }],
      { ended: 'result', breaches: ['maxStorageBytes'], said: [{ error: { tag: 'quota-exceeded', val: expect.any(String) } }] },
      { maxStorageBytes: 1_000 },
    ),
    script(
      'stores where it has no collection',
      [
        { do: 'put', collection: '../other', key: 'a', value: '1' },
        { do: 'get', collection: '__proto__', key: 'a' },
        { do: 'scan', collection: 'constructor', limit: 10 },
      ],
      { ended: 'result', said: Array.from({ length: 3 }, () => ({ error: { tag: 'unknown-collection', val: expect.any(String) } })) },
    ),
    script(
      'reads from its storage without end',
      [{ do: 'get', collection: 'notes', key: 'a', times: 100_000 }],
      killed('limit', 'maxHostCallsPerCall'),
      { maxHostCallsPerCall: 200 },
    ),
    script('asks for a page of four billion', [{ do: 'scan', collection: 'notes', limit: 4_294_967_295 }], {
      ended: 'result',
      said: [{ error: { tag: 'invalid', val: expect.any(String) } }],
    }),
    script('gives a result beyond the limit', [{ do: 'bytes', count: 2_000_000 }], killed('limit', 'maxResultBytes'), {
      maxResultBytes: 1_000_000,
    }),
    script(
      'gives more documents than a batch may have',
      [{ do: 'documents', count: 1_500, text: 'x' }],
      failedAs(/at most 1000 are allowed/),
    ),
    script('lets its checkpoint grow', [{ do: 'checkpoint', text: 'x', times: 70_000 }], failedAs(/^contract: next: 70000 bytes/)),
    script('throws a message of a megabyte', [{ do: 'throw', message: 'x'.repeat(1_000_000) }], {
      ended: 'error',
      failure: expect.stringMatching(/^failed: .{1,5000}$/s),
    }),
    script(
      'asks to be let alone for ever',
      [{ do: 'fail', failure: { tag: 'throttled', val: { retryAfterMs: Number.MAX_SAFE_INTEGER, reason: 'later' } } }],
      { ended: 'error', failure: 'throttled: later' },
    ),
  ],
};
