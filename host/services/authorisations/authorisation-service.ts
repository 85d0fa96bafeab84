import type { Flow } from '../../domain/authorisation.ts';
import type { Actor } from '../../domain/caller.ts';
import type { Attempt, AuthorisationStatus, FinishEnd, FinishProof, LinkView, Revocation, SentOn } from './authorisation-view.ts';
import type { LinkKind } from './browser-paths.ts';

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
  /** What is behind a link of this host; undefined for one that is unknown, used or too old. Changes nothing. */
  lookAtLink(kind: LinkKind, ticket: string): Promise<LinkView | undefined>;
  /**
   * Sends the browser that opened a link on to the source, once for a `start`. Undefined as for `lookAtLink`; of a `reconnect`,
   * the errors of `begin`, and undefined, too, when it would go on to another origin than the one that the page named.
   */
  followLink(
    kind: LinkKind,
    ticket: string,
    shown: { requestId: string | undefined; origin: string | undefined },
  ): Promise<SentOn | undefined>;
  /** An answer of a source came with these parameters. Their `state` says of which attempt, and `proof` that it comes from where that was begun. It is taken once; the same browser is told again how it ended. */
  finish(parameters: URLSearchParams, proof: FinishProof): Promise<FinishEnd>;
  /** Sees to a token that is good for a call now. UNKNOWN_CONNECTION, CREDENTIAL_MISSING when it is paused, UPSTREAM_FAULT. */
  refresh(organisation: string, connection: string): Promise<AuthorisationStatus>;
  /** Ends access at the source as far as it can, and forgets credential, documents, passages and access here. UNKNOWN_CONNECTION, RUN_IN_PROGRESS. */
  revoke(organisation: string, connection: string, actor: Actor): Promise<Revocation>;
}
