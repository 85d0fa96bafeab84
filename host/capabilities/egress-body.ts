import type { Readable } from 'node:stream';
import type { Meter } from '../domain/meter.ts';
import { decoded } from './content-coding.ts';

/** More came than the call may take. */
export class TooLargeError extends Error {
  readonly maxBytes: number;

  constructor(maxBytes: number) {
    super(`more than ${maxBytes} bytes`);
    this.maxBytes = maxBytes;
  }
}

/** The whole body with content codings undone, never more of it than the limit `maxResponseBytes` and what the call has left. TooLargeError. */
export async function readBody(
  body: Readable,
  codings: readonly string[],
  { meter, maxBytes }: { meter: Meter; maxBytes: number },
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of decoded(body, codings)) {
    if (size + chunk.byteLength > maxBytes) {
      meter.breach('maxResponseBytes', size + chunk.byteLength);
      throw new TooLargeError(maxBytes);
    }
    // Chunk by chunk: several responses may come at the same time.
    const left = meter.left('bytesIn');
    if (meter.charge('bytesIn', chunk.byteLength) !== undefined) throw new TooLargeError(size + left);
    size += chunk.byteLength;
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}
