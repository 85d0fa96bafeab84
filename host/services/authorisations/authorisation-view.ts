import type { Flow } from '../../domain/authorisation.ts';
import type { Actor } from '../../domain/caller.ts';

/** An authorisation that was begun. */
export interface Attempt {
  id: string;
  flow: 'code' | 'device';
  /** `choosing`: the source gave a token for several things, of which one is to be chosen. */
  state: 'waiting' | 'exchanging' | 'choosing' | 'done' | 'failed';
  reason: string | undefined;
  choices: { id: string; label: string }[];
  createdAtMs: number;
  expiresAtMs: number;
  /** A link of this host that takes a person to where they agree, once and in one browser; of a new attempt only. */
  authorizationUrl?: string;
  /** What a person types at `verificationUri`; of a new attempt only. */
  userCode?: string;
  verificationUri?: string;
  verificationUriComplete?: string;
}

/** What is behind a link, for the person who opened it. */
export interface LinkView {
  /** Its name. */
  connection: string;
  organisation: string;
  datasource: string;
  /** Who asks for it, in words. */
  begunBy?: string;
  /** Where they are asked to agree: the browser goes on to no other origin. */
  origin?: string;
  /** Why nothing can be begun now; in the place of `origin`. */
  obstacle?: string;
  /** Who has to agree, where the source named somebody before. */
  account?: string | undefined;
  /** Why it has to be authorised anew. */
  reason?: string | undefined;
}

/** Where a browser goes on, and what it has to keep until it comes back. */
export interface SentOn {
  url: string;
  /** Of this attempt, for as long as it lasts. */
  cookie: { name: string; secret: string; secure: boolean };
}

/** What shows that an answer comes from where its attempt was begun. */
export type FinishProof =
  /** What the browser kept. */
  | { kind: 'browser'; cookies: Readonly<Record<string, string>> }
  /** The caller that began it hands over what came to it. */
  | { kind: 'caller'; actor: Pick<Actor, 'kind' | 'id'> };

/** What the person is told who came back; `reason` is for people. */
export type FinishEnd = { ok: true; begunBy: string } | { ok: false; reason: string };

/** How a connection is authorised by its source. Never a token. */
export interface AuthorisationStatus {
  state: 'none' | 'active' | 'paused';
  /** Why it is paused. */
  reason?: string | undefined;
  /** A link that brings it back without a key, of one that its source has ended. Whoever has it can begin that, and no more. */
  reconnectUrl?: string | undefined;
  flow?: Flow;
  /** What the datasource offers. */
  flows: Flow[];
  account?: string | undefined;
  scopes?: string[];
  authorisedAtMs?: number;
  expiresAtMs?: number | undefined;
  refreshDueMs?: number | undefined;
  /** The newest one. */
  attempt: Attempt | undefined;
}

/** What became of a connection's access. */
export interface Revocation {
  atSource: { outcome: 'revoked' | 'unsupported' | 'failed' | 'nothing'; reason: string | undefined };
  documents: number;
  passages: number;
  accessEntries: number;
}
