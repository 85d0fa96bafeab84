import type { Flow } from '../../domain/authorisation.ts';
import type { Actor } from '../../domain/caller.ts';
import type { Attempt, AuthorisationStatus, Revocation } from './authorisation-view.ts';

export interface AuthorisationService {
  /**
   * Begins a flow, the datasource's first when none is named; one that needs no person is over at once. UNKNOWN_CONNECTION,
   * AUTHORISATION_UNSUPPORTED, AUTHORISATION_REFUSED, CREDENTIAL_MISSING, INVALID_CONFIG, INVALID_SETTING, UPSTREAM_FAULT.
   */
  begin(
    organisation: string,
    connection: string,
    input: { flow?: Flow },
    actor: Actor,
  ): Promise<{ attempt: Attempt | undefined; authorisation: AuthorisationStatus }>;
  /** UNKNOWN_CONNECTION. */
  status(organisation: string, connection: string): Promise<AuthorisationStatus>;
  /** UNKNOWN_CONNECTION, UNKNOWN_AUTHORISATION, INVALID_REQUEST. */
  choose(organisation: string, connection: string, choice: string, actor: Actor): Promise<AuthorisationStatus>;
  /** A browser came back from a source with these parameters. What they hold proves itself. */
  finish(parameters: URLSearchParams): Promise<{ ok: true } | { ok: false; reason: string }>;
  /** Sees to a token that is good for a call now. UNKNOWN_CONNECTION, CREDENTIAL_MISSING when it is paused, UPSTREAM_FAULT. */
  refresh(organisation: string, connection: string): Promise<AuthorisationStatus>;
  /** Ends access at the source as far as it can, and forgets credential, documents, passages and access here. UNKNOWN_CONNECTION, RUN_IN_PROGRESS. */
  revoke(organisation: string, connection: string, actor: Actor): Promise<Revocation>;
}
