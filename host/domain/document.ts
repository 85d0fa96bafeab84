import type { Problem } from './errors.ts';

/** Who somebody, or some group, is at the source. See `wit/types.wit`. */
export interface Principal {
  kind: 'account' | 'email' | 'group' | 'domain';
  id: string;
}

/**
 * Who may see a document. `allOf` is a list of any-of sets, every one of which must be satisfied;
 * an empty list, or an empty set in it, is satisfied by nobody.
 */
export type Access = { kind: 'admins-only' } | { kind: 'everyone' } | { kind: 'all-of'; allOf: Principal[][] };

/** An item at the source as the index should know it. Times are milliseconds since 1970, UTC. */
export interface SourceDocument {
  id: string;
  version: string | undefined;
  title: string;
  link: string;
  mediaType: string;
  content: Uint8Array;
  location: string[];
  author: string | undefined;
  createdAtMs: number | undefined;
  updatedAtMs: number | undefined;
  access: Access;
  attributes: Record<string, string>;
}

export type Change = { kind: 'upsert'; document: SourceDocument } | { kind: 'delete'; id: string };

/** What one `read` call gave back, checked. */
export interface Batch {
  changes: Change[];
  next: Uint8Array;
  done: boolean;
  progress: { seen: number; expected: number | undefined };
  skipped: Problem[];
}

/** Why a call into a datasource failed: one case for each decision that the host takes. */
export type Failure =
  | { kind: 'invalid-config'; problems: Problem[] }
  | { kind: 'unauthorized'; message: string }
  | { kind: 'forbidden'; message: string }
  | { kind: 'throttled'; retryAfterMs: number; message: string }
  | { kind: 'unavailable'; message: string }
  | { kind: 'checkpoint-expired'; message: string }
  | { kind: 'unsupported'; message: string }
  | { kind: 'failed'; message: string };

/** A piece of a document that is searched and cited. */
export interface Passage {
  /** 0 for the first of its document. */
  position: number;
  /** The headings above it, outermost first; may be empty. */
  headings: string[];
  text: string;
}
