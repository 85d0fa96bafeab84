import { readFile, stat } from 'node:fs/promises';
import { RequestError } from '../domain/errors.ts';

/** The bytes of a file that the command line names. FILE_NOT_READABLE, also when it is larger than `maxBytes`. */
export async function readNamedFile(path: string, { maxBytes }: { maxBytes: number }): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size > maxBytes) {
      throw new RequestError('FILE_NOT_READABLE', `${path} has ${size} bytes; at most ${maxBytes} are read.`, {
        remedy: 'Name a smaller file.',
      });
    }
    return new Uint8Array(await readFile(path));
  } catch (cause) {
    if (cause instanceof RequestError) throw cause;
    throw new RequestError('FILE_NOT_READABLE', `${path} cannot be read: ${reason(cause)}.`, {
      remedy: 'Check the path and its permissions.',
      cause,
    });
  }
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
