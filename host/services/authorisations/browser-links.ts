import type { Actor } from '../../domain/caller.ts';
import { RequestError } from '../../domain/errors.ts';
import { findAttemptByStart, startAttempt, type StoredAttempt } from '../../store/authorisation-attempts.ts';
import { getKey } from '../../store/keys.ts';
import { beginCode } from './authorisation-begin.ts';
import { hashOf, newSecret, openKept, type AuthorisationOptions } from './authorisation-flow.ts';
import type { AuthorisationClient, AuthorisationTarget } from './authorisation-client.ts';
import type { AuthorisationService } from './authorisation-service.ts';
import { cookieOf, type LinkKind } from './browser-paths.ts';
import type { LinkView, SentOn } from './authorisation-view.ts';

type BrowserLinks = Pick<AuthorisationService, 'lookAtLink' | 'followLink'>;

/** Whoever opens a link that brings a connection back proves no more than that they have it. */
const HOLDER_OF_LINK: Actor = Object.freeze({ kind: 'nobody', id: 'reconnect-link', requestId: undefined });

/** What is behind links of this host that people open in a browser. Looking changes nothing: programs open links too, to show what is behind them. */
export function createBrowserLinks(options: AuthorisationOptions): BrowserLinks {
  const { database, reconnectLinks } = options;

  async function viewOfStart(ticket: string): Promise<LinkView | undefined> {
    const attempt = await findAttemptByStart(database, hashOf(ticket), Date.now());
    if (attempt === undefined) return undefined;
    const { connection, datasource } = await options.load(attempt.organisation, attempt.connection);
    return {
      connection: connection.name,
      organisation: attempt.organisation,
      datasource: datasource.name,
      begunBy: await nameOf(options, attempt),
      origin: new URL(await urlOf(options, attempt)).origin,
    };
  }

  async function viewOfReconnect(ticket: string): Promise<LinkView | undefined> {
    const ended = await reconnectLinks.open(ticket);
    if (ended === undefined) return undefined;
    const { connection, datasource } = await options.load(ended.organisation, ended.connection);
    const { organisation, account, reason } = ended;
    const view = { connection: connection.name, organisation, datasource: datasource.name, account, reason };
    try {
      return { ...view, origin: originOf(await options.openClient({ connection, datasource }, 'code')) };
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      return { ...view, obstacle: error.message };
    }
  }

  async function start(ticket: string): Promise<SentOn | undefined> {
    const secret = newSecret();
    const attempt = await startAttempt(database, { startHash: hashOf(ticket), browserHash: hashOf(secret), nowMs: Date.now() });
    if (attempt === undefined) return undefined;
    return { url: await urlOf(options, attempt), cookie: { ...cookieOf(options.baseUrl ?? '', attempt.id), secret } };
  }

  async function reconnect(ticket: string, requestId: string | undefined, origin: string | undefined): Promise<SentOn | undefined> {
    const ended = await reconnectLinks.open(ticket);
    if (ended === undefined) return undefined;
    const target = await options.load(ended.organisation, ended.connection);
    const client = await options.openClient(target, 'code');
    // The source may have moved since the page was shown: what was agreed to was to go to that origin.
    if (originOf(client) !== origin) return undefined;
    const secret = newSecret();
    const actor = { ...HOLDER_OF_LINK, requestId };
    const { account } = ended;
    const begun = await beginCode(options, target, client, { actor, browser: secret, ...(account === undefined ? {} : { account }) });
    return { url: begun.authorizationUrl ?? '', cookie: { ...cookieOf(options.baseUrl ?? '', begun.id), secret } };
  }

  return {
    lookAtLink: (kind: LinkKind, ticket) => (kind === 'start' ? viewOfStart(ticket) : viewOfReconnect(ticket)),
    followLink: (kind: LinkKind, ticket, { requestId, origin }) =>
      kind === 'start' ? start(ticket) : reconnect(ticket, requestId, origin),
  };
}

/** Whether a person with a browser can authorise the datasource. */
export function isForBrowsers({ datasource }: AuthorisationTarget): boolean {
  return datasource.manifest.auth.oauth?.flows.includes('code') === true;
}

/** Of the page where people agree. */
function originOf({ server }: AuthorisationClient): string {
  return new URL(server.authorization_endpoint ?? server.issuer).origin;
}

async function urlOf(options: AuthorisationOptions, attempt: StoredAttempt): Promise<string> {
  const kept = await openKept(options, attempt);
  if (kept.flow !== 'code') throw new TypeError('a link begins an attempt by code');
  return kept.url;
}

/** In words for the person who is asked to agree. */
export async function nameOf(
  { database }: Pick<AuthorisationOptions, 'database'>,
  { organisation, begunBy }: StoredAttempt,
): Promise<string> {
  const [, kind = '', id = ''] = /^(\w+)\/(.*)$/s.exec(begunBy) ?? [];
  if (kind === 'nobody') return 'somebody with a link that brings a connection back';
  if (kind === 'local') return 'the command line of this host';
  if (kind !== 'key') return id;
  const key = (await getKey(database, { organisation }, id)) ?? (await getKey(database, { organisation: undefined }, id));
  return key === undefined ? `the key ${id}` : `the key ${key.name} (${id})`;
}
