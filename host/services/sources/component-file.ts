import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { RequestError } from '../../domain/errors.ts';

const MAX_FILE_BYTES = 256 * 1024 * 1024;

/**
 * Whoever may write to its folder may put something else there at any moment: no link is followed, nobody is waited for who writes to a
 * pipe, and what was opened is what is looked at and read.
 */
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The bytes of a regular file. COMPONENT_TOO_LARGE, and the errors of the file system. */
export async function readComponentFile(path: string, maxBytes = MAX_FILE_BYTES): Promise<Uint8Array> {
  const handle = await open(path, FLAGS);
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw new TypeError('it is no regular file');
    if (found.size > maxBytes) throw tooLarge(maxBytes);
    const chunks: Buffer[] = [];
    let size = 0;
    // It may grow while it is read.
    for await (const chunk of handle.createReadStream({ autoClose: false, end: maxBytes })) {
      if (!Buffer.isBuffer(chunk)) throw new TypeError('a stream without an encoding gives bytes');
      chunks.push(chunk);
      size += chunk.byteLength;
    }
    if (size > maxBytes) throw tooLarge(maxBytes);
    return new Uint8Array(Buffer.concat(chunks, size));
  } finally {
    await handle.close();
  }
}

function tooLarge(maxBytes: number): RequestError {
  return new RequestError('COMPONENT_TOO_LARGE', `It is larger than ${maxBytes} bytes.`);
}
