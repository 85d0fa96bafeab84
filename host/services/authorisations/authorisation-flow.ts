import { createHash } from 'node:crypto';
import type { Flow } from '../../domain/authorisation.ts';
import { RequestError } from '../../domain/errors.ts';
import type { Log } from '../../log.ts';
import type { StoredAttempt } from '../../store/authorisation-attempts.ts';
import type { Database } from '../../store/database.ts';
import { type AuthorisationClient, type AuthorisationTarget, rulesOf } from './authorisation-client.ts';
import type { Authoriser } from './authorise.ts';
import type { SecretHome, Vault } from '../connections/credentials.ts';
import type { TokenKeeper } from './token-keeper.ts';
import type { Revoker } from './revocation.ts';
import type { Attempt } from './authorisation-view.ts';

/** What every flow stands on. */
export interface AuthorisationOptions {
  database: Database;
  vault: Vault;
  log: Log;
  /** Where sources send people back to; undefined when this host does not know its own address. */
  redirectUri: string | undefined;
  /** UNKNOWN_ORGANISATION, UNKNOWN_CONNECTION. */
  load(organisation: string, connection: string): Promise<AuthorisationTarget>;
  openClient(target: AuthorisationTarget, flow: Flow): Promise<AuthorisationClient>;
  authoriser: Authoriser;
  revoker: Revoker;
  tokenKeeper: Pick<TokenKeeper, 'accessToken'>;
}

/** What is needed to finish an attempt; kept sealed. */
export type Kept =
  | { flow: 'code'; verifier: string; redirectUri: string; issuer: string; tokenEndpoint: string }
  | { flow: 'device'; deviceCode: string };

export function attemptHome({ organisation, id }: { organisation: string; id: string }): SecretHome {
  return { organisation, connection: id, kind: 'attempt' };
}

/** Only its hash is kept: whoever reads the database cannot finish somebody's authorisation. */
export function hashOf(state: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(state).digest());
}

/** What was sealed for an attempt. */
export function parseKept(text: string): Kept {
  const value: unknown = JSON.parse(text);
  const fields = new Map<string, unknown>(typeof value === 'object' && value !== null ? Object.entries(value) : []);
  const field = (name: string): string => {
    const found = fields.get(name);
    if (typeof found !== 'string') throw new TypeError(`an attempt keeps its ${name}`);
    return found;
  };
  if (fields.get('flow') === 'device') return { flow: 'device', deviceCode: field('deviceCode') };
  return {
    flow: 'code',
    verifier: field('verifier'),
    redirectUri: field('redirectUri'),
    issuer: field('issuer'),
    tokenEndpoint: field('tokenEndpoint'),
  };
}

/** As callers see it. */
export function toAttempt({ id, flow, state, reason, choices, createdAtMs, expiresAtMs }: StoredAttempt): Attempt {
  return { id, flow, state, reason, choices, createdAtMs, expiresAtMs };
}

/** AUTHORISATION_UNSUPPORTED, with what there is instead. */
export function unsupported({ datasource }: AuthorisationTarget, flow: string): RequestError {
  const { flows } = rulesOf({ datasource } as AuthorisationTarget);
  return new RequestError('AUTHORISATION_UNSUPPORTED', `The datasource ${datasource.name} cannot be authorised by ${flow}.`, {
    remedy: `Use one of: ${flows.join(', ')}.`,
  });
}

/** AUTHORISATION_REFUSED. */
export function refused(reason: string): RequestError {
  return new RequestError('AUTHORISATION_REFUSED', `The source gave no token: ${reason}.`, {
    remedy: 'Compare the variables of the datasource and the settings of the connection with what the source knows.',
  });
}
