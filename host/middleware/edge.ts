import type { Caller } from '../domain/caller.ts';

/** What the middleware of this host leave for one another on Hono's context. */
export interface Edge {
  Variables: {
    /** Names this request in its response, in the log and in problems. */
    requestId: string;
    /** Who calls, once that is known. */
    caller?: Caller;
    /** The response is a page whose form is sent back here. */
    hasForm?: boolean;
  };
}
