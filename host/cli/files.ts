import { createReadStream } from 'node:fs';
import { RequestError } from '../domain/errors.ts';

/** The bytes of a file that the command line names. FILE_NOT_READABLE, also when it is larger than `maxBytes`. */
export async function readNamedFile(path: string, { maxBytes }: { maxBytes: number }): Promise<Uint8Array> {
  try {
    return await readUpTo(path, maxBytes);
  } catch (cause) {
    if (cause instanceof RequestError) throw cause;
    throw new RequestError('FILE_NOT_READABLE', `${path} cannot be read: ${reason(cause)}.`, {
      remedy: 'Check the path and its permissions.',
      cause,
    });
  }
}

/** Counted as it comes: what is no file (a pipe of the shell, a device) does not say how much there is, and may have no end. */
async function readUpTo(path: string, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of createReadStream(path, { end: maxBytes })) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError('a stream without an encoding gives bytes');
    chunks.push(chunk);
    bytes += chunk.byteLength;
  }
  if (bytes > maxBytes)
    throw new RequestError('FILE_NOT_READABLE', `${path} has more than ${maxBytes} bytes.`, { remedy: 'Name a smaller file.' });
  return new Uint8Array(Buffer.concat(chunks));
}

function reason(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EISDIR':
      return 'it is a folder';
    case 'EACCES':
      return 'this user may not read it';
    default:
      return `the system says ${String(code)}`;
  }
}
