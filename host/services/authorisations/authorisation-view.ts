import type { Flow } from '../../domain/authorisation.ts';

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
  /** Where a person agrees; of a new attempt only. */
  authorizationUrl?: string;
  /** What a person types at `verificationUri`; of a new attempt only. */
  userCode?: string;
  verificationUri?: string;
  verificationUriComplete?: string;
}

/** How a connection is authorised by its source. Never a token. */
export interface AuthorisationStatus {
  state: 'none' | 'active' | 'paused';
  /** Why it is paused. */
  reason?: string | undefined;
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
