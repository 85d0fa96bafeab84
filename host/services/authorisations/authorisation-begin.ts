import * as oauth from 'oauth4webapi';
import { ulid } from 'ulid';
import { plainText } from '../../capabilities/capability.ts';
import type { Flow } from '../../domain/authorisation.ts';
import type { Actor } from '../../domain/caller.ts';
import { RequestError } from '../../domain/errors.ts';
import { getAttempt, insertAttempt, type StoredAttempt } from '../../store/authorisation-attempts.ts';
import { recording } from '../../store/changes.ts';
import type { AuthorisationClient, AuthorisationTarget } from './authorisation-client.ts';
import { CALLBACK_PATH, linkTo } from './browser-paths.ts';
import {
  attemptHome,
  hashOf,
  newSecret,
  refused,
  toAttempt,
  unsupported,
  type AuthorisationOptions,
  type Kept,
} from './authorisation-flow.ts';
import type { Attempt } from './authorisation-view.ts';
import { beginDevice, requestWithoutPerson, scopeParameter } from './token-requests.ts';

/** How long a person has to agree. */
const CODE_FLOW_MS = 10 * 60_000;
const DEFAULT_POLL_MS = 5_000;

/**
 * An attempt for a person with a browser, good for ten minutes: a link of this host that begins it in their browser, once. With
 * `browser`, the secret of one that is there already, it is begun in that one, and `authorizationUrl` is the source's own.
 * AUTHORISATION_UNSUPPORTED, AUTHORISATION_REFUSED, INVALID_SETTING.
 */
export async function beginCode(
  options: AuthorisationOptions,
  target: AuthorisationTarget,
  client: AuthorisationClient,
  { actor, browser, account }: { actor: Actor; browser?: string; account?: string },
): Promise<Attempt> {
  const baseUrl = knownBase(options.baseUrl);
  const redirectUri = `${baseUrl}${CALLBACK_PATH}`;
  const { server, rules } = client;
  if (server.authorization_endpoint === undefined) throw unsupported(target, 'code');
  refuseOrigin(target, server.authorization_endpoint);
  const [verifier, state, start] = [oauth.generateRandomCodeVerifier(), newSecret(), newSecret()];
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
  const kept: Kept = {
    flow: 'code',
    ...{ verifier, redirectUri, url: url.href },
    ...{ issuer: server.issuer, tokenEndpoint: server.token_endpoint ?? '' },
    ...(account === undefined ? {} : { account }),
  };
  const bound = browser === undefined ? { startHash: hashOf(start) } : { browserHash: hashOf(browser) };
  const attempt = await keep(options, target, actor, { kept, stateHash: hashOf(state), ...bound, lifetimeMs: CODE_FLOW_MS });
  return { ...toAttempt(attempt), authorizationUrl: browser === undefined ? linkTo(baseUrl, 'start', start) : url.href };
}

/** What a person types elsewhere (RFC 8628). AUTHORISATION_REFUSED, UPSTREAM_FAULT. */
export async function beginWithDevice(
  options: AuthorisationOptions,
  target: AuthorisationTarget,
  client: AuthorisationClient,
  actor: Actor,
): Promise<Attempt> {
  const given = await beginDevice(client);
  const pollMs = given.interval === undefined ? DEFAULT_POLL_MS : given.interval * 1_000;
  const kept: Kept = { flow: 'device', deviceCode: given.device_code };
  const attempt = await keep(options, target, actor, { kept, lifetimeMs: given.expires_in * 1_000, pollMs });
  return {
    ...toAttempt(attempt),
    userCode: plainText(given.user_code, 100),
    verificationUri: httpOnly(given.verification_uri),
    ...(given.verification_uri_complete === undefined ? {} : { verificationUriComplete: httpOnly(given.verification_uri_complete) }),
  };
}

/** A flow without a person is over when it has begun. AUTHORISATION_REFUSED, UPSTREAM_FAULT. */
export async function authoriseAlone(
  options: AuthorisationOptions,
  target: AuthorisationTarget,
  client: AuthorisationClient,
  flow: Exclude<Flow, 'code' | 'device'>,
  actor: Actor,
): Promise<void> {
  const outcome = await requestWithoutPerson(client, flow);
  if (outcome.kind === 'tokens') {
    const end = await options.authoriser.accept(target, client, { flow, given: outcome.tokens, by: `${actor.kind}/${actor.id}`, actor });
    if (end.kind === 'failed') throw refused(end.reason);
    return;
  }
  const reason = 'reason' in outcome ? outcome.reason : 'it wants a person';
  if (outcome.kind === 'unavailable')
    throw new RequestError('UPSTREAM_FAULT', `The source gave no token: ${reason}.`, { remedy: 'Try again later.' });
  throw refused(reason);
}

async function keep(
  options: AuthorisationOptions,
  target: AuthorisationTarget,
  actor: Actor,
  attempt: {
    kept: Kept;
    stateHash?: Uint8Array;
    startHash?: Uint8Array;
    browserHash?: Uint8Array;
    lifetimeMs: number;
    pollMs?: number;
  },
): Promise<StoredAttempt> {
  const { organisation, id: connection } = target.connection;
  const id = ulid();
  const nowMs = Date.now();
  const { kept, stateHash, startHash, browserHash, lifetimeMs, pollMs } = attempt;
  const change = {
    actor,
    organisation,
    action: 'authorisation.begin',
    target: `connection/${connection}`,
    after: { attempt: id, flow: kept.flow },
  } as const;
  await insertAttempt(recording(options.database, change), {
    id,
    organisation,
    connection,
    flow: kept.flow,
    begunBy: `${actor.kind}/${actor.id}`,
    stateHash,
    startHash,
    browserHash,
    sealed: await options.vault.seal(attemptHome({ organisation, id }), JSON.stringify(kept)),
    createdAtMs: nowMs,
    expiresAtMs: nowMs + lifetimeMs,
    dueMs: pollMs === undefined ? undefined : nowMs + pollMs,
    intervalMs: pollMs,
  });
  return known(await getAttempt(options.database, organisation, connection, id), id);
}

function known(attempt: StoredAttempt | undefined, id: string): StoredAttempt {
  if (attempt !== undefined) return attempt;
  throw new RequestError('UNKNOWN_AUTHORISATION', `There is no authorisation "${id.slice(0, 80)}".`, { remedy: 'Begin another one.' });
}

function knownBase(baseUrl: string | undefined): string {
  if (baseUrl !== undefined) return baseUrl;
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
