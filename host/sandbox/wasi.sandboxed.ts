/**
 * Runs on the other side of the boundary: the WASI 0.2 interfaces of world `datasource`, built up
 * from nothing. Clocks and randomness are this process's own; `wasi:http` is a second spelling of
 * `http-client`, so that both ways end in the same broker in the host.
 *
 * Only `pollable.block` and `poll` wait: a response is whole before its future is ready.
 */
import { randomFillSync } from 'node:crypto';
import { httpImports, type SendRequest } from './wasi-http.sandboxed.ts';
import { closedImports, type WriteLogLine } from './wasi-closed.sandboxed.ts';
import { InputStream, IoError, OutputStream, Pollable, poll } from './wasi-io.sandboxed.ts';

/** WASI lets a guest ask for any number of random bytes; more than this at once is a trap. */
const MAX_RANDOM_BYTES = 1024 * 1024;
const NANOSECONDS_PER_MS = 1_000_000;

function randomBytes(count: bigint): Uint8Array {
  if (count > BigInt(MAX_RANDOM_BYTES)) throw new RangeError(`${count} random bytes at once; at most ${MAX_RANDOM_BYTES}`);
  return randomFillSync(new Uint8Array(Number(count)));
}

function randomU64(): bigint {
  return new DataView(randomBytes(8n).buffer).getBigUint64(0);
}

function nowNanoseconds(): bigint {
  return process.hrtime.bigint();
}

function after(nanoseconds: bigint): Pollable {
  // setTimeout counts in 32-bit milliseconds; a guest's longer wait ends at its deadline anyway.
  const delayMs = Math.min(Number(nanoseconds / BigInt(NANOSECONDS_PER_MS)), 2 ** 31 - 1);
  return new Pollable(new Promise((resolve) => setTimeout(resolve, Math.max(0, delayMs)).unref()));
}

/** The imports by interface name, without version: jco matches any 0.2 patch. */
export function wasiImports(sendRequest: SendRequest, writeLine: WriteLogLine): Record<string, Record<string, unknown>> {
  return {
    'wasi:io/error': { Error: IoError },
    'wasi:io/poll': { Pollable, poll },
    'wasi:io/streams': { InputStream, OutputStream },
    'wasi:clocks/monotonic-clock': {
      now: nowNanoseconds,
      resolution: () => 1n,
      subscribeInstant: (when: bigint) => after(when - nowNanoseconds()),
      subscribeDuration: after,
    },
    'wasi:clocks/wall-clock': {
      now: () => {
        const nowMs = Date.now();
        return { seconds: BigInt(Math.floor(nowMs / 1_000)), nanoseconds: (nowMs % 1_000) * NANOSECONDS_PER_MS };
      },
      resolution: () => ({ seconds: 0n, nanoseconds: NANOSECONDS_PER_MS }),
    },
    'wasi:random/random': { getRandomBytes: randomBytes, getRandomU64: randomU64 },
    'wasi:random/insecure': { getInsecureRandomBytes: randomBytes, getInsecureRandomU64: randomU64 },
    'wasi:random/insecure-seed': { insecureSeed: () => [randomU64(), randomU64()] },
    ...httpImports(sendRequest),
    ...closedImports(writeLine),
  };
}
