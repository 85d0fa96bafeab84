/** What the middleware of this host leave for one another on Hono's context. */
export interface Edge {
  Variables: {
    /** Names this request in its response, in the log and in problems. */
    requestId: string;
  };
}
