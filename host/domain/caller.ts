import type { Expectation } from './expectation.ts';

/**
 * What a caller may be allowed to do. `admin`: everything of its organisation or host, keys included; `operator`: connections,
 * credentials, runs, features; `author`: looking at datasources, runs and records; `reader`: asking questions;
 * `on-behalf-of`: naming the person it asks for; `metrics`: reading the metrics of the host.
 */
export const SCOPES = ['admin', 'operator', 'author', 'reader', 'on-behalf-of', 'metrics'] as const;

export type Scope = (typeof SCOPES)[number];

/** Who sends a request. */
export interface Caller {
  /**
   * `key`: one of this host; `token`: of the operator's OpenID provider; `local`: the command line on the host itself;
   * `nobody`: has not said, and was not asked.
   */
  kind: 'key' | 'token' | 'local' | 'nobody';
  /** Of the key; issuer and subject of the token. Not a secret. */
  id: string;
  /** The one that it belongs to; undefined for callers of the whole host. */
  organisation: string | undefined;
  scopes: readonly Scope[];
}

/** Whoever calls what everybody may call. */
export const NOBODY: Caller = Object.freeze({ kind: 'nobody', id: 'nobody', organisation: undefined, scopes: Object.freeze([]) });

/** Who changes something, for the log of changes. */
export interface Actor {
  kind: Caller['kind'] | 'host';
  id: string;
  /** Of the HTTP request, if there was one. */
  requestId: string | undefined;
  /** What the request knows of the thing that it changes, where it knows something. */
  expects?: Expectation;
}

/** What people do with `datasources …` on the machine of the host. */
export const COMMAND_LINE: Actor = Object.freeze({ kind: 'local', id: 'command-line', requestId: undefined });

/** The same for what asks and changes nothing: whoever is on the machine can read the database anyway. */
export const LOCAL_CALLER: Caller = Object.freeze({ kind: 'local', id: 'command-line', organisation: undefined, scopes: SCOPES });

/** Whether a change comes from the machine of the host, whose people may name what lies on it and in its networks. */
export function isOnTheMachine({ kind }: Pick<Actor, 'kind'>): boolean {
  return kind === 'local' || kind === 'host';
}

/** What the host does by itself. */
export const HOST_ITSELF: Actor = Object.freeze({ kind: 'host', id: 'host', requestId: undefined });

/** Scopes that give what a scope gives. Whoever may name persons is told so aloud: no other scope includes it. */
const SUFFICIENT: Readonly<Record<Scope, readonly Scope[]>> = {
  admin: ['admin'],
  operator: ['operator', 'admin'],
  author: ['author', 'operator', 'admin'],
  reader: ['reader', 'operator', 'admin'],
  'on-behalf-of': ['on-behalf-of'],
  metrics: ['metrics', 'admin'],
};

/** Whether the caller has the scope, or one that includes it. */
export function hasScope(caller: Pick<Caller, 'scopes'>, scope: Scope): boolean {
  return SUFFICIENT[scope].some((sufficient) => caller.scopes.includes(sufficient));
}

/** Whether the caller may see everything of its organisation, whoever a document was shared with. */
export function seesEverything(caller: Pick<Caller, 'scopes'>): boolean {
  return hasScope(caller, 'operator');
}
