import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import * as oauth from 'oauth4webapi';
import { ulid } from 'ulid';
import { plainText } from '../capabilities/capability.ts';
import type { Flow } from '../domain/authorisation.ts';
import type { Actor } from '../domain/caller.ts';
import { RequestError } from '../domain/errors.ts';
import type { Log } from '../log.ts';
import {
  endAttempt,
  expireAttempts,
  getAttempt,
  insertAttempt,
  latestAttempt,
  pollAttemptAgain,
  takeAttemptByState,
  takeDueAttempt,
  type StoredAttempt,
} from '../store/authorisation-attempts.ts';
import { getAuthorisation } from '../store/authorisations.ts';
import { recording } from '../store/changes.ts';
import type { Database } from '../store/database.ts';
import { type AuthorisationClient, type AuthorisationTarget, rulesOf } from './authorisation-client.ts';
import type { Authoriser } from './authorise.ts';
import type { SecretHome, Vault } from './credentials.ts';
import type { Revoker } from './revocation.ts';
import type { Attempt, AuthorisationService, AuthorisationStatus } from './services.ts';
import { beginDevice, exchangeCode, pollDevice, requestWithoutPerson, scopeParameter } from './token-requests.ts';

/** The service with what the host does by itself. */
export interface Authorisations extends AuthorisationService {
  /** Asks about device flows that are due, and ends what nobody finished. Never rejects. */
  pollDue(): Promise<void>;
}

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
}

/** How long a person has to agree. */
const CODE_FLOW_MS = 10 * 60_000;
/** Before another host may ask about the same device: longer than a request takes. */
const POLL_LEASE_MS = 30_000;
const DEFAULT_POLL_MS = 5_000;
const SLOW_DOWN_MS = 5_000;
const EXPIRE_EVERY_MS = 30_000;

/** What is needed to finish an attempt; kept sealed. */
type Kept =
  | { flow: 'code'; verifier: string; redirectUri: string; issuer: string; tokenEndpoint: string }
  | { flow: 'device'; deviceCode: string };

export function createAuthorisations(options: AuthorisationOptions): Authorisations {
  const { database, vault, log, authoriser, revoker } = options;
  let expiredAtMs = 0;

  async function keep(
    target: AuthorisationTarget,
    actor: Actor,
    attempt: { kept: Kept; stateHash?: Uint8Array; lifetimeMs: number; pollMs?: number },
  ): Promise<StoredAttempt> {
    const { organisation, id: connection } = target.connection;
    const id = ulid();
    const nowMs = Date.now();
    const { kept, stateHash, lifetimeMs, pollMs } = attempt;
    const change = {
      actor,
      organisation,
      action: 'authorisation.begin',
      target: `connection/${connection}`,
      after: { attempt: id, flow: kept.flow },
    } as const;
    await insertAttempt(recording(database, change), {
      id,
      organisation,
      connection,
      flow: kept.flow,
      begunBy: `${actor.kind}/${actor.id}`,
      stateHash,
      sealed: await vault.seal(attemptHome({ organisation, id }), JSON.stringify(kept)),
      createdAtMs: nowMs,
      expiresAtMs: nowMs + lifetimeMs,
      dueMs: pollMs === undefined ? undefined : nowMs + pollMs,
      intervalMs: pollMs,
    });
    return known(await getAttempt(database, organisation, connection, id), id);
  }

  async function beginCode(target: AuthorisationTarget, client: AuthorisationClient, actor: Actor): Promise<Attempt> {
    const redirectUri = knownRedirect(options.redirectUri);
    const { server, rules } = client;
    if (server.authorization_endpoint === undefined) throw unsupported(target, 'code');
    refuseOrigin(target, server.authorization_endpoint);
    const [verifier, state] = [oauth.generateRandomCodeVerifier(), randomBytes(32).toString('base64url')];
    const url = new URL(server.authorization_endpoint);
    const parameters = {
      ...rules.authorizationParameters,
      ...scopeParameter(client),
      response_type: 'code',
      client_id: client.client.client_id,
      redirect_uri: redirectUri,
      state,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    const kept: Kept = { flow: 'code', verifier, redirectUri, issuer: server.issuer, tokenEndpoint: server.token_endpoint ?? '' };
    const attempt = await keep(target, actor, { kept, stateHash: hashOf(state), lifetimeMs: CODE_FLOW_MS });
    return { ...toAttempt(attempt), authorizationUrl: url.href };
  }

  async function beginWithDevice(target: AuthorisationTarget, client: AuthorisationClient, actor: Actor): Promise<Attempt> {
    const given = await beginDevice(client);
    const pollMs = given.interval === undefined ? DEFAULT_POLL_MS : given.interval * 1_000;
    const kept: Kept = { flow: 'device', deviceCode: given.device_code };
    const attempt = await keep(target, actor, { kept, lifetimeMs: given.expires_in * 1_000, pollMs });
    return {
      ...toAttempt(attempt),
      userCode: plainText(given.user_code, 100),
      verificationUri: httpOnly(given.verification_uri),
      ...(given.verification_uri_complete === undefined ? {} : { verificationUriComplete: httpOnly(given.verification_uri_complete) }),
    };
  }

  /** A flow without a person is over when it has begun. AUTHORISATION_REFUSED, UPSTREAM_FAULT. */
  async function authoriseAlone(
    target: AuthorisationTarget,
    client: AuthorisationClient,
    flow: Exclude<Flow, 'code' | 'device'>,
    actor: Actor,
  ): Promise<void> {
    const outcome = await requestWithoutPerson(client, flow);
    if (outcome.kind === 'tokens') {
      const end = await authoriser.accept(target, client, { flow, given: outcome.tokens, by: `${actor.kind}/${actor.id}`, actor });
      if (end.kind === 'failed') throw refused(end.reason);
      return;
    }
    const reason = 'reason' in outcome ? outcome.reason : 'it wants a person';
    if (outcome.kind === 'unavailable')
      throw new RequestError('UPSTREAM_FAULT', `The source gave no token: ${reason}.`, { remedy: 'Try again later.' });
    throw refused(reason);
  }

  async function finishCode(attempt: StoredAttempt, parameters: URLSearchParams, state: string): Promise<string | undefined> {
    const target = await options.load(attempt.organisation, attempt.connection);
    const kept = await openKept(attempt);
    const client = await options.openClient(target, 'code');
    // The response of one server must not be taken to another (RFC 9700, section 4.4).
    if (kept.flow !== 'code' || kept.tokenEndpoint !== client.server.token_endpoint || kept.issuer !== client.server.issuer)
      return fail(attempt, 'the settings of the connection have changed meanwhile');
    let approved: URLSearchParams;
    try {
      approved = oauth.validateAuthResponse(client.server, client.client, parameters, state);
    } catch (error) {
      return fail(attempt, whyNotApproved(error));
    }
    const outcome = await exchangeCode(client, { parameters: approved, redirectUri: kept.redirectUri, verifier: kept.verifier });
    if (outcome.kind !== 'tokens')
      return fail(attempt, 'reason' in outcome ? `the source gave no token: ${outcome.reason}` : 'the source gave no token');
    return accept(attempt, target, client, outcome.tokens);
  }

  /** Undefined when it is done, or waits for a choice. */
  async function accept(
    attempt: StoredAttempt,
    target: AuthorisationTarget,
    client: AuthorisationClient,
    given: Parameters<Authoriser['accept']>[2]['given'],
  ): Promise<string | undefined> {
    const end = await authoriser.accept(target, client, { flow: attempt.flow, given, by: attempt.begunBy, actor: undefined });
    if (end.kind === 'failed') return fail(attempt, end.reason);
    await endAttempt(database, attempt.id, end.kind === 'choosing' ? { state: 'choosing', choices: end.choices } : { state: 'done' });
    return undefined;
  }

  async function fail(attempt: StoredAttempt, reason: string): Promise<string> {
    log.warn('an authorisation failed', { connection: attempt.connection, attempt: attempt.id, reason });
    await endAttempt(database, attempt.id, { state: 'failed', reason });
    return reason;
  }

  async function openKept(attempt: StoredAttempt): Promise<Kept> {
    if (attempt.sealed === undefined) throw new TypeError('an attempt that waits has what it needs');
    return parseKept(await vault.open(attemptHome(attempt), attempt.sealed));
  }

  async function pollOne(attempt: StoredAttempt): Promise<void> {
    const intervalMs = attempt.intervalMs ?? DEFAULT_POLL_MS;
    const target = await options.load(attempt.organisation, attempt.connection);
    const kept = await openKept(attempt);
    if (kept.flow !== 'device') return;
    const client = await options.openClient(target, 'device');
    const outcome = await pollDevice(client, kept.deviceCode);
    switch (outcome.kind) {
      case 'tokens':
        await accept(attempt, target, client, outcome.tokens);
        return;
      case 'pending':
      case 'unavailable': {
        // RFC 8628, section 3.5: five seconds more from now on, and longer also when no answer came.
        const slower = intervalMs + (outcome.kind === 'unavailable' || outcome.slowDown ? SLOW_DOWN_MS : 0);
        await pollAttemptAgain(database, attempt.id, Date.now() + slower, slower);
        return;
      }
      case 'invalid-grant':
      case 'refused':
        await fail(attempt, `the source gave no token: ${outcome.reason}`);
        return;
      default:
        outcome satisfies never;
    }
  }

  const service: Authorisations = {
    async begin(organisation, connection, input, actor) {
      const target = await options.load(organisation, connection);
      const { flows } = rulesOf(target);
      const flow = input.flow ?? flows[0] ?? 'code';
      if (!flows.includes(flow)) throw unsupported(target, flow);
      const client = await options.openClient(target, flow);
      if (flow === 'code')
        return { attempt: await beginCode(target, client, actor), authorisation: await service.status(organisation, connection) };
      if (flow === 'device')
        return { attempt: await beginWithDevice(target, client, actor), authorisation: await service.status(organisation, connection) };
      await authoriseAlone(target, client, flow, actor);
      return { attempt: undefined, authorisation: await service.status(organisation, connection) };
    },

    async status(organisation, connection) {
      const target = await options.load(organisation, connection);
      const [row, latest] = await Promise.all([
        getAuthorisation(database, organisation, connection),
        latestAttempt(database, organisation, connection),
      ]);
      const flows = target.datasource.manifest.auth.oauth?.flows ?? [];
      const attempt = latest === undefined ? undefined : toAttempt(latest);
      if (row === undefined) return { state: 'none', flows, attempt };
      const { state, reason, flow, account, scopes, authorisedAtMs, expiresAtMs, refreshDueMs } = row;
      return {
        state,
        reason,
        flow,
        flows,
        account,
        scopes,
        authorisedAtMs,
        expiresAtMs,
        refreshDueMs,
        attempt,
      } satisfies AuthorisationStatus;
    },

    async choose(organisation, connection, choice, actor) {
      const target = await options.load(organisation, connection);
      const attempt = await latestAttempt(database, organisation, connection);
      if (attempt?.state !== 'choosing') {
        throw new RequestError('UNKNOWN_AUTHORISATION', `The connection ${connection} waits for no choice.`, {
          remedy: 'Authorise it first.',
        });
      }
      if (!attempt.choices.some(({ id }) => id === choice)) {
        throw new RequestError('INVALID_REQUEST', 'There is no such choice.', {
          remedy: 'Give the id of one that the attempt lists.',
          problems: [{ path: '/choice', reason: 'It is not among the choices.', remedy: 'Give the id of one of them.' }],
        });
      }
      await authoriser.choose(target, choice, actor);
      await endAttempt(database, attempt.id, { state: 'done' });
      return service.status(organisation, connection);
    },

    async finish(parameters) {
      const states = parameters.getAll('state');
      const [state = ''] = states;
      const attempt = states.length === 1 && state !== '' ? await takeAttemptByState(database, hashOf(state), Date.now()) : undefined;
      // The same answer for what never was, has been used and is too old.
      if (attempt === undefined) return { ok: false, reason: 'this link is not known, has been used, or is too old' };
      try {
        const reason = await finishCode(attempt, parameters, state);
        return reason === undefined ? { ok: true } : { ok: false, reason };
      } catch (error) {
        if (!(error instanceof RequestError)) {
          await fail(attempt, 'the host failed; its log says more');
          throw error;
        }
        return { ok: false, reason: await fail(attempt, error.message) };
      }
    },

    revoke: (organisation, connection, actor) => revoker.revoke(organisation, connection, actor),

    async pollDue() {
      try {
        for (;;) {
          const attempt = await takeDueAttempt(database, Date.now(), Date.now() + POLL_LEASE_MS);
          if (attempt === undefined) break;
          await pollOne(attempt).catch((error: unknown) => log.warn('a device could not be asked about', { attempt: attempt.id, error }));
        }
        if (performance.now() - expiredAtMs > EXPIRE_EVERY_MS) {
          expiredAtMs = performance.now();
          await expireAttempts(database, Date.now());
        }
      } catch (error) {
        log.error('authorisations that wait could not be looked at', { error });
      }
    },
  };
  return service;
}

const TICK_MS = 1_000;

/** Does until `signal` aborts what is due in the store, whichever host put it there. */
export async function keepAuthorisations(work: readonly (() => Promise<void>)[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await Promise.all(work.map((one) => one()));
    await sleep(TICK_MS, undefined, { signal }).catch(() => undefined);
  }
}

function attemptHome({ organisation, id }: { organisation: string; id: string }): SecretHome {
  return { organisation, connection: id, kind: 'attempt' };
}

/** Only its hash is kept: whoever reads the database cannot finish somebody's authorisation. */
function hashOf(state: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(state).digest());
}

function parseKept(text: string): Kept {
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

function toAttempt({ id, flow, state, reason, choices, createdAtMs, expiresAtMs }: StoredAttempt): Attempt {
  return { id, flow, state, reason, choices, createdAtMs, expiresAtMs };
}

function known(attempt: StoredAttempt | undefined, id: string): StoredAttempt {
  if (attempt !== undefined) return attempt;
  throw new RequestError('UNKNOWN_AUTHORISATION', `There is no authorisation "${id.slice(0, 80)}".`, { remedy: 'Begin another one.' });
}

function knownRedirect(redirectUri: string | undefined): string {
  if (redirectUri !== undefined) return redirectUri;
  throw new RequestError('INVALID_SETTING', 'This host does not know under which address browsers reach it.', {
    remedy: 'Set LORELAI_PUBLIC_URL, for example to https://datasources.example.com.',
  });
}

/** People are sent only where the operator said: a page elsewhere could ask them for a password. */
function refuseOrigin({ datasource }: AuthorisationTarget, endpoint: string): void {
  const { origin } = new URL(endpoint);
  if (datasource.grant.authorisation?.origins.includes(origin) === true) return;
  throw new RequestError('AUTHORISATION_REFUSED', `${datasource.name} wants people sent to ${origin}, which is not granted.`, {
    remedy: `Allow it with: datasources install … --allow-authorisation ${origin}`,
  });
}

/** What a source says of itself must not become a link that runs something. */
function httpOnly(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return url.href;
  throw new RequestError('UPSTREAM_FAULT', 'The source named an address that is none of the web.', {
    remedy: 'Tell the author of the datasource.',
  });
}

function whyNotApproved(error: unknown): string {
  if (error instanceof oauth.AuthorizationResponseError) {
    const said = [error.error, error.error_description ?? ''].filter((text) => text !== '').join(': ');
    return `the source says ${plainText(said, 300)}`;
  }
  return error instanceof Error && error.message.includes('"iss"')
    ? 'the answer came from another server than the one that was asked'
    : 'the answer is none that OAuth knows';
}

function unsupported({ datasource }: AuthorisationTarget, flow: string): RequestError {
  const { flows } = rulesOf({ datasource } as AuthorisationTarget);
  return new RequestError('AUTHORISATION_UNSUPPORTED', `The datasource ${datasource.name} cannot be authorised by ${flow}.`, {
    remedy: `Use one of: ${flows.join(', ')}.`,
  });
}

function refused(reason: string): RequestError {
  return new RequestError('AUTHORISATION_REFUSED', `The source gave no token: ${reason}.`, {
    remedy: 'Compare the variables of the datasource and the settings of the connection with what the source knows.',
  });
}
