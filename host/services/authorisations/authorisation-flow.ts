import { createHash, randomBytes } from 'node:crypto';
import type { Flow } from '../../domain/authorisation.ts';
import { RequestError } from '../../domain/errors.ts';
import type { Log } from '../../log.ts';
import type { StoredAttempt } from '../../store/authorisation-attempts.ts';
import type { Database } from '../../store/database.ts';
import { type AuthorisationClient, type AuthorisationTarget, rulesOf } from './authorisation-client.ts';
import type { Authoriser } from './authorise.ts';
import type { SecretHome, Vault } from '../connections/credentials.ts';
import type { TokenKeeper } from './token-keeper.ts';
import type { ReconnectLinks } from './reconnect-links.ts';
import type { Revoker } from './revocation.ts';
import type { Attempt } from './authorisation-view.ts';

/** What every flow stands on. */
export interface AuthorisationOptions {
  database: Database;
  vault: Vault;
  log: Log;
  /** Under which browsers reach this host; undefined when it does not know its own address. */
  baseUrl: string | undefined;
  /** The links that bring authorisations back which their source has ended. */
  reconnectLinks: ReconnectLinks;
  /** UNKNOWN_ORGANISATION, UNKNOWN_CONNECTION. */
  load(organisation: string, connection: string): Promise<AuthorisationTarget>;
  openClient(target: AuthorisationTarget, flow: Flow): Promise<AuthorisationClient>;
  authoriser: Authoriser;
  revoker: Revoker;
  tokenKeeper: Pick<TokenKeeper, 'accessToken'>;
}

/** What is needed to finish an attempt; kept sealed. */
export type Kept =
  | {
      flow: 'code';
      verifier: string;
      redirectUri: string;
      issuer: string;
      tokenEndpoint: string;
      /** Where the browser is sent to agree. */
      url: string;
      /** The only account that may agree; any when left out. */
      account?: string;
    }
  | { flow: 'device'; deviceCode: string };

export function attemptHome({ organisation, id }: { organisation: string; id: string }): SecretHome {
  return { organisation, connection: id, kind: 'attempt' };
}

/** 256 random bits that stand in an address or a cookie. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** Only its hash is kept: whoever reads the database can neither begin nor finish somebody's authorisation. */
export function hashOf(secret: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(secret).digest());
}

/** What was sealed for an attempt that waits. */
export async function openKept({ vault }: Pick<AuthorisationOptions, 'vault'>, attempt: StoredAttempt): Promise<Kept> {
  if (attempt.sealed === undefined) throw new TypeError('an attempt that waits has what it needs');
  return parseKept(await vault.open(attemptHome(attempt), attempt.sealed));
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
  const account = fields.get('account');
  return {
    flow: 'code',
    verifier: field('verifier'),
    redirectUri: field('redirectUri'),
    issuer: field('issuer'),
    tokenEndpoint: field('tokenEndpoint'),
    url: field('url'),
    ...(typeof account === 'string' ? { account } : {}),
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
