/** What a number of a limit counts. */
export type LimitUnit = 'ms' | 'bytes' | 'count';

/** One limit: what grants may set it to, and what an operator reads about it. */
export interface LimitRule {
  unit: LimitUnit;
  /** What holds when a grant says nothing. */
  default: number;
  /** The smallest and the largest number that a grant may set. */
  least: number;
  most: number;
  /** What is counted, in one sentence. */
  description: string;
  /** What comes of it when there is no more. */
  breach: string;
}

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;
/** What a timer can wait for. */
const MAX_WAIT_MS = 2 ** 31 - 1;

const KILLED = 'The call is ended.';

/**
 * Every limit. What a grant may say, its documentation (`docs/reference/limits.md`), the API's schema and the commands all
 * come from this table; the defaults were chosen from the figures that wasmtime and Spin use.
 */
const TABLE = {
  instantiateTimeoutMs: {
    unit: 'ms',
    default: 5_000,
    least: 1,
    most: MAX_WAIT_MS,
    description: 'From the start of an instance to its first call.',
    breach: KILLED,
  },
  callTimeoutMs: {
    unit: 'ms',
    default: 120_000,
    least: 1,
    most: MAX_WAIT_MS,
    description: 'From a call to its result, waiting for the network included.',
    breach: KILLED,
  },
  maxCpuMs: {
    unit: 'ms',
    default: 60_000,
    least: 10,
    most: MAX_WAIT_MS,
    description: 'Processor time of one call. Measured on Linux, in hundredths of a second.',
    breach: KILLED,
  },
  // Below the least of these a sandbox process cannot even start: the engine has memories of its own, and says so in messages.
  maxMemoryBytes: {
    unit: 'bytes',
    default: 256 * MiB,
    least: 8 * MiB,
    most: 4 * GiB,
    description: "Of each of an instance's linear memories.",
    breach: 'The memory does not grow; the datasource decides what comes of that.',
  },
  maxProcessMemoryBytes: {
    unit: 'bytes',
    default: 768 * MiB,
    least: 128 * MiB,
    most: 64 * GiB,
    description: 'Memory that a whole sandbox process holds: the engine, compiled code, and every call in it. Measured on Linux.',
    breach: 'The process is ended. A call that was alone in it has failed; several are tried again.',
  },
  maxResultBytes: {
    unit: 'bytes',
    default: 64 * MiB,
    least: KiB,
    most: 256 * MiB,
    description: 'Of one result of a call, or of what it hands to the host at once.',
    breach: KILLED,
  },
  maxChangesPerBatch: {
    unit: 'count',
    default: 1_000,
    least: 1,
    most: 1_000,
    description: 'Documents and deletions in one batch of `read`.',
    breach: 'Nothing of the batch is kept; the feature fails.',
  },
  maxHostCallsPerCall: {
    unit: 'count',
    default: 10_000,
    least: 1,
    most: 1_000_000_000,
    description: 'Requests, storage, log and metric calls together, in one call.',
    breach: KILLED,
  },
  maxConcurrentRequests: {
    unit: 'count',
    default: 8,
    least: 1,
    most: 1_000,
    description: 'Requests at one time, from one call.',
    breach: 'The next request waits for its turn.',
  },
  maxRequestsPerMinute: {
    unit: 'count',
    default: 6_000,
    least: 1,
    most: 1_000_000_000,
    description:
      'Requests of one connection, over all its calls, denied ones included. As many may come at once; they come back evenly over a minute.',
    breach: '`budget-spent` with the milliseconds until there is one more.',
  },
  requestTimeoutMs: {
    unit: 'ms',
    default: 30_000,
    least: 1,
    most: MAX_WAIT_MS,
    description: 'Of one request, from its start to the last byte.',
    breach: '`timed-out`.',
  },
  maxRequestBytes: {
    unit: 'bytes',
    default: 16 * MiB,
    least: 1,
    most: 256 * MiB,
    description: 'Of one request body.',
    breach: '`invalid-request`.',
  },
  maxResponseBytes: {
    unit: 'bytes',
    default: 32 * MiB,
    least: 1,
    most: 128 * MiB,
    description: 'Of one response body, after content codings are undone.',
    breach: '`too-large`.',
  },
  maxBytesOut: {
    unit: 'bytes',
    default: 64 * MiB,
    least: 1,
    most: 1024 * GiB,
    description: 'URLs, headers and bodies of all requests of one call.',
    breach: '`budget-spent` with the milliseconds that the call has left.',
  },
  maxBytesIn: {
    unit: 'bytes',
    default: 256 * MiB,
    least: 1,
    most: 1024 * GiB,
    description: 'Bodies of all responses of one call, after content codings are undone.',
    breach: '`too-large` with the bytes that were left; `budget-spent` once nothing is.',
  },
  maxStorageBytes: {
    unit: 'bytes',
    default: 64 * MiB,
    least: 1,
    most: 64 * GiB,
    description: 'Of all keys and values of one connection. What a call writes counts in full until its batch is committed.',
    breach: '`quota-exceeded`.',
  },
  maxStorageKeys: {
    unit: 'count',
    default: 100_000,
    least: 1,
    most: 1_000_000_000,
    description: 'Keys of one connection. What a call writes counts in full until its batch is committed.',
    breach: '`quota-exceeded`.',
  },
  maxLogLines: {
    unit: 'count',
    default: 1_000,
    least: 1,
    most: 1_000_000,
    description: 'Log lines of one call.',
    breach: 'One line says so; the rest is dropped.',
  },
  maxLogBytes: {
    unit: 'bytes',
    default: MiB,
    least: 1,
    most: GiB,
    description: 'Of all log lines of one call.',
    breach: 'One line says so; the rest is dropped.',
  },
  maxMetricSeries: {
    unit: 'count',
    default: 100,
    least: 1,
    most: 10_000,
    description: 'Different metrics that one call adds to or sets.',
    breach: 'Further ones are dropped.',
  },
  maxRandomBytes: {
    unit: 'bytes',
    default: 64 * MiB,
    least: 8,
    most: GiB,
    description: 'Random bytes that one call takes from `wasi:random`.',
    breach: KILLED,
  },
  maxHandles: {
    unit: 'count',
    default: 100_000,
    least: 64,
    most: 10_000_000,
    description: 'Resources of WASI that the calls in one sandbox process hold at one time: fields, requests, bodies, streams, pollables.',
    breach: 'The call that wants one more is ended.',
  },
} as const satisfies Record<string, LimitRule>;

export type LimitName = keyof typeof TABLE;

/** What a datasource may use. Every entry is enforced; a grant may set any of them. */
export type Limits = Record<LimitName, number>;

/** Every limit by its name. */
export const LIMITS: Readonly<Record<LimitName, Readonly<LimitRule>>> = Object.freeze(TABLE);

/** In the order of the table. */
export const LIMIT_NAMES: readonly LimitName[] = Object.freeze(Object.keys(TABLE).filter(isLimitName));

/** What holds when a grant says nothing. */
export const DEFAULT_LIMITS: Readonly<Limits> = Object.freeze(limitsFrom((name) => LIMITS[name].default));

export function isLimitName(name: unknown): name is LimitName {
  return typeof name === 'string' && Object.hasOwn(TABLE, name);
}

/** Whether a grant may set the limit to this. */
export function isLimitValue(name: LimitName, value: unknown): value is number {
  const { least, most } = LIMITS[name];
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most;
}

function limitsFrom(valueOf: (name: LimitName) => number): Limits {
  const limits: Partial<Limits> = {};
  for (const name of LIMIT_NAMES) limits[name] = valueOf(name);
  return limits as Limits;
}
