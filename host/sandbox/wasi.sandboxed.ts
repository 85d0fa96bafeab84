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
import { Overrun } from './overrun.sandboxed.ts';
import { InputStream, IoError, OutputStream, Pollable, poll } from './wasi-io.sandboxed.ts';

const NANOSECONDS_PER_MS = 1_000_000;

/** Random bytes for one call, which may ask for any number of them at once. */
function randomSource(maxBytes: number): { bytes(count: bigint): Uint8Array; u64(): bigint } {
  let used = 0;
  const bytes = (count: bigint): Uint8Array => {
    used = Math.min(used + Number(count), Number.MAX_SAFE_INTEGER);
    if (used > maxBytes) throw new Overrun('maxRandomBytes', used);
    return randomFillSync(new Uint8Array(Number(count)));
  };
  return { bytes, u64: () => new DataView(bytes(8n).buffer).getBigUint64(0) };
}

function nowNanoseconds(): bigint {
  return process.hrtime.bigint();
}

function after(nanoseconds: bigint): Pollable {
  // setTimeout counts in 32-bit milliseconds; a guest's longer wait ends at its deadline anyway.
  const delayMs = Math.min(Number(nanoseconds / BigInt(NANOSECONDS_PER_MS)), 2 ** 31 - 1);
  return new Pollable(new Promise((resolve) => setTimeout(resolve, Math.max(0, delayMs)).unref()));
}

/**
 * The imports by interface name, without version: jco matches any 0.2 patch. `beganAtMs`: what the call's context says that the
 * time is when it begins, which the wall clock goes on from.
 */
export function wasiImports(
  sendRequest: SendRequest,
  writeLine: WriteLogLine,
  maxRandomBytes: number,
  beganAtMs: number,
): Record<string, Record<string, unknown>> {
  const random = randomSource(maxRandomBytes);
  const aheadMs = Date.now() - beganAtMs;
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
        const nowMs = Date.now() - aheadMs;
        return { seconds: BigInt(Math.floor(nowMs / 1_000)), nanoseconds: (nowMs % 1_000) * NANOSECONDS_PER_MS };
      },
      resolution: () => ({ seconds: 0n, nanoseconds: NANOSECONDS_PER_MS }),
    },
    'wasi:random/random': { getRandomBytes: random.bytes, getRandomU64: random.u64 },
    'wasi:random/insecure': { getInsecureRandomBytes: random.bytes, getInsecureRandomU64: random.u64 },
    'wasi:random/insecure-seed': { insecureSeed: () => [random.u64(), random.u64()] },
    ...httpImports(sendRequest),
    ...closedImports(writeLine),
  };
}
