/** What a datasource may use. Every entry is enforced; a grant may set any of them. */
export interface Limits {
  /** From the start of an instance to its first call. */
  instantiateTimeoutMs: number;
  /** From a call to its result, waiting for the network included. */
  callTimeoutMs: number;
  /** Of one result of a call, as it crosses the process boundary. */
  maxResultBytes: number;
  /** Requests, storage, log and metric calls together, in one call. */
  maxHostCallsPerCall: number;
  /** At one time, from one call. */
  maxConcurrentRequests: number;
  /** Of one request body. */
  maxRequestBytes: number;
  /** Of one response body, after content codings are undone. */
  maxResponseBytes: number;
  /** Of one request, from its start to the last byte. */
  requestTimeoutMs: number;
  /** Of all keys and values of one connection. */
  maxStorageBytes: number;
  /** Of one call. */
  maxLogLines: number;
  /** Of one instance's linear memory. */
  maxMemoryBytes: number;
}

const MiB = 1024 * 1024;

/** What holds when a grant says nothing; chosen from the figures that wasmtime and Spin use. */
export const DEFAULT_LIMITS: Readonly<Limits> = Object.freeze({
  instantiateTimeoutMs: 5_000,
  callTimeoutMs: 120_000,
  maxResultBytes: 64 * MiB,
  maxHostCallsPerCall: 10_000,
  maxConcurrentRequests: 8,
  maxRequestBytes: 16 * MiB,
  maxResponseBytes: 32 * MiB,
  requestTimeoutMs: 30_000,
  maxStorageBytes: 64 * MiB,
  maxLogLines: 1_000,
  maxMemoryBytes: 256 * MiB,
});

/** Below these a sandbox process cannot even start: the engine has memories of its own, and says so in messages. */
export const LEAST_LIMITS: Readonly<Partial<Limits>> = Object.freeze({ maxResultBytes: 1_024, maxMemoryBytes: 8 * MiB });
