import { randomBytes } from 'node:crypto';

/**
 * A name beside a file or folder for what is written whole and then renamed to it: no two writers have the same, not even of one process
 * at the same moment.
 */
export function temporaryName(path: string): string {
  return `${path}.${process.pid}.${randomBytes(6).toString('hex')}`;
}
