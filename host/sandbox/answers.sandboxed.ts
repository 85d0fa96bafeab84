/**
 * Runs on the other side of the boundary: answers of the host that the whole process waits for. Nothing but this reads their
 * pipe, so that it stays one whose reader the kernel puts to sleep.
 */
import { readSync } from 'node:fs';
import { FrameReader } from './frame.ts';
import { ANSWERS_FD } from './protocol.ts';

const CHUNK_BYTES = 64 * 1024;

const chunk = Buffer.allocUnsafe(CHUNK_BYTES);

/** Gives the next answer each time it is called; there is one for each question, and one question at a time. */
export function answersOf(maxFrameBytes: number): () => unknown {
  const reader = new FrameReader(maxFrameBytes);
  return () => {
    for (;;) {
      const count = readSync(ANSWERS_FD, chunk, 0, CHUNK_BYTES, null);
      // The host is gone: nobody is left to work for.
      if (count === 0) process.exit(0);
      // A copy: the reader keeps the part of a frame that has come, and the next part is read over this one.
      const [answer] = reader.push(new Uint8Array(chunk.subarray(0, count)));
      if (answer !== undefined) return answer;
    }
  };
}
