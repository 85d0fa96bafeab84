import type { FarLimit } from './protocol.ts';

/**
 * Runs on the other side of the boundary. Thrown where a call goes over a limit that is counted here; the runner tells the
 * host, which ends the process. A guest that caught it would have got nothing.
 */
export class Overrun extends Error {
  override readonly name = 'Overrun';
  readonly limit: FarLimit;
  readonly used: number;

  constructor(limit: FarLimit, used: number) {
    super(`over the limit ${limit}: it used ${used}`);
    this.limit = limit;
    this.used = used;
  }
}
