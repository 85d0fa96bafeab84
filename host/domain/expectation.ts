/** Something that people set up, as the log of changes names it. */
export interface LoggedThing {
  /** Whose log its entries are in; undefined for that of the host. */
  organisation: string | undefined;
  /** As in `connection/01KATM…`. */
  target: string;
}

/**
 * What a request knows of the thing that it changes. The state of a thing is the number of its newest entry in the log of
 * changes, 0 while it has none: whatever changes it, writes one in the same transaction.
 */
export interface Expectation {
  /** Undefined while the request is about to make it. */
  readonly thing: LoggedThing | undefined;
  /** The only state that may be changed; undefined for any. */
  readonly state: number | undefined;
  /** The state that the request itself has brought the thing to. Set by the store; from then on it expects nothing more. */
  made: number | undefined;
}
