import { setTimeout as sleep } from 'node:timers/promises';
import { ulid } from 'ulid';
import type { Flow, Tokens } from '../../domain/authorisation.ts';
import { RequestError } from '../../domain/errors.ts';
import type { Log } from '../../log.ts';
import {
  claimRefresh,
  dueAuthorisations,
  getAuthorisation,
  pauseAuthorisation,
  releaseRefresh,
  renewTokens,
  type StoredAuthorisation,
  type TokenWrite,
} from '../../store/authorisations.ts';
import type { Database } from '../../store/database.ts';
import type { AuthorisationClient } from './authorisation-client.ts';
import type { SecretHome, Vault } from '../connections/credentials.ts';
import type { GivenTokens, TokenOutcome } from './token-outcome.ts';
import { refreshTokens, requestWithoutPerson } from './token-requests.ts';

/** Keeps the tokens of connections fresh. Any number of hosts may do so for the same store: each refresh is done by one. */
export interface TokenKeeper {
  /**
   * A token that is good for a call now, refreshed before when it would not be; undefined when the connection has no
   * authorisation. CREDENTIAL_MISSING when it is paused, UPSTREAM_FAULT when the source cannot be asked for a new one.
   */
  accessToken(organisation: string, connection: string): Promise<string | undefined>;
  /**
   * The source did not take `used`: whether there is another token to try, which was got now or meanwhile. Without one the
   * authorisation is paused.
   */
  replaceRefused(organisation: string, connection: string, used: string): Promise<boolean>;
  /** Refreshes what is due, each under its lease. Never rejects. */
  refreshDue(): Promise<void>;
  /** Waits for refreshes under way: a source may have answered already. */
  close(): Promise<void>;
}

export interface TokenKeeperOptions {
  database: Database;
  vault: Vault;
  log: Log;
  /** All that a request for tokens of a connection needs; the errors of `openAuthorisationClient`. */
  openClient(organisation: string, connection: string, flow: Flow): Promise<AuthorisationClient>;
  /** The connection cannot go on until somebody authorises it again. */
  onPaused(organisation: string, connection: string, reason: string): Promise<void>;
}

/** Longer than a request to a source may take, with its commit. */
const LEASE_MS = 30_000;
const WAIT_FOR_OTHERS_MS = 25_000;
const LOOK_AGAIN_MS = 150;
/** What a token must be good for at least before a call, unless it lives shorter than four times that. */
const MARGIN_MS = 90_000;
const RETRY_BASE_MS = 15_000;
const MAX_RETRY_MS = 15 * 60_000;
const DUE_AT_ONCE = 8;
/** An answer that cannot be written is tried so often before it is given up, with a pause that grows. */
const WRITE_PAUSES_MS = [100, 500, 2_000, 5_000, 10_000];

type Key = { organisation: string; connection: string };

/** When tokens that were given now are to be refreshed: from half of their life on, not all at the same moment. */
export function tokenTimes(lifetimeMs: number | undefined, nowMs: number): Pick<TokenWrite, 'issuedAtMs' | 'expiresAtMs' | 'refreshDueMs'> {
  if (lifetimeMs === undefined) return { issuedAtMs: nowMs, expiresAtMs: undefined, refreshDueMs: undefined };
  const half = lifetimeMs * (0.5 + Math.random() * 0.1);
  return { issuedAtMs: nowMs, expiresAtMs: Math.floor(nowMs + lifetimeMs), refreshDueMs: Math.floor(nowMs + half) };
}

export function tokensHome({ organisation, connection }: Key): SecretHome {
  return { organisation, connection, kind: 'tokens' };
}

export function createTokenKeeper(options: TokenKeeperOptions): TokenKeeper {
  const { database, vault, log } = options;
  const underWay = new Map<string, Promise<StoredAuthorisation | undefined>>();

  async function openTokens(row: StoredAuthorisation): Promise<Tokens> {
    return parseTokens(await vault.open(tokensHome(row), row.sealed));
  }

  /** Refreshes unless somebody has done it since `generation`, and gives what is stored afterwards. One at a time in this host. */
  function refresh(key: Key, generation: number): Promise<StoredAuthorisation | undefined> {
    const id = `${key.connection} ${generation}`;
    const running = underWay.get(id) ?? refreshOnce(key, generation).finally(() => underWay.delete(id));
    underWay.set(id, running);
    return running;
  }

  async function refreshOnce(key: Key, generation: number): Promise<StoredAuthorisation | undefined> {
    const deadlineMs = performance.now() + WAIT_FOR_OTHERS_MS;
    for (;;) {
      const row = await getAuthorisation(database, key.organisation, key.connection);
      if (row === undefined || row.state === 'paused' || row.generation !== generation) return row;
      const nowMs = Date.now();
      const claim = { generation, owner: ulid(), nowMs, untilMs: nowMs + LEASE_MS };
      if (await claimRefresh(database, key, claim)) {
        await exchange(row, claim);
        return getAuthorisation(database, key.organisation, key.connection);
      }
      if (performance.now() > deadlineMs) throw unavailable(key.connection, 'another host is at it and does not come to an end');
      await sleep(LOOK_AGAIN_MS);
    }
  }

  /** Asks the source under a lease, and writes what it gave before anybody uses it. */
  async function exchange(row: StoredAuthorisation, { owner, nowMs }: { owner: string; nowMs: number }): Promise<void> {
    const { generation } = row;
    let answered = false;
    try {
      const tokens = await openTokens(row);
      const client = await options.openClient(row.organisation, row.connection, row.flow);
      const outcome = await ask(client, row, tokens);
      answered = true;
      if (outcome.kind === 'tokens') return await write(row, tokens, outcome.tokens);
      const reason = 'reason' in outcome ? outcome.reason : 'it wants a person';
      if (outcome.kind === 'invalid-grant')
        return await pause(row, `The source says that the authorisation is no longer good (${reason}).${afterInterruption(row)}`);
      log.warn('an authorisation could not be refreshed', { connection: row.connection, kind: outcome.kind, reason });
      const refreshBeganMs = outcome.kind === 'unavailable' ? nowMs : row.refreshBeganMs;
      await releaseRefresh(database, row, { generation, owner, refreshDueMs: retryAt(row), refreshBeganMs });
      if (!isGood(row)) throw unavailable(row.connection, reason);
    } catch (error) {
      if (!answered)
        await releaseRefresh(database, row, { generation, owner, refreshDueMs: retryAt(row), refreshBeganMs: row.refreshBeganMs });
      throw error;
    }
  }

  async function write(row: StoredAuthorisation, before: Tokens, given: GivenTokens): Promise<void> {
    const tokens: Tokens = {
      access: given.access,
      refresh: given.refresh ?? before.refresh,
      previousRefresh: given.refresh === undefined || given.refresh === before.refresh ? before.previousRefresh : before.refresh,
    };
    const sealed = await vault.seal(tokensHome(row), JSON.stringify(tokens));
    const renewed = { sealed, ...tokenTimes(given.lifetimeMs, Date.now()), generation: row.generation, scopes: given.scopes ?? row.scopes };
    const written = await persistently(() => renewTokens(database, row, renewed), log);
    if (!written) log.warn('new tokens came after others and are dropped', { connection: row.connection });
  }

  async function pause(row: StoredAuthorisation, reason: string): Promise<void> {
    // Not if somebody authorised it again meanwhile.
    if (!(await pauseAuthorisation(database, row, { generation: row.generation, reason }))) return;
    log.warn('an authorisation is paused', { connection: row.connection, reason });
    await options.onPaused(row.organisation, row.connection, reason);
  }

  return {
    async accessToken(organisation, connection) {
      const row = await getAuthorisation(database, organisation, connection);
      if (row === undefined) return undefined;
      const fresh = row.state === 'active' && !isGood(row) ? await refresh({ organisation, connection }, row.generation) : row;
      if (fresh === undefined) return undefined;
      if (fresh.state === 'paused') throw paused(fresh);
      return (await openTokens(fresh)).access;
    },

    async replaceRefused(organisation, connection, used) {
      const row = await getAuthorisation(database, organisation, connection);
      if (row === undefined || row.state === 'paused') return false;
      const tokens = await openTokens(row);
      if (tokens.access !== used) return true;
      if (tokens.refresh === undefined && (row.flow === 'code' || row.flow === 'device')) {
        await pause(row, 'The source does not take the token, and there is nothing to refresh it with.');
        return false;
      }
      const fresh = await refresh({ organisation, connection }, row.generation);
      return fresh?.state === 'active' && (await openTokens(fresh)).access !== used;
    },

    async refreshDue() {
      try {
        const due = await dueAuthorisations(database, Date.now(), DUE_AT_ONCE);
        await Promise.all(due.map((key) => refreshQuietly(key)));
      } catch (error) {
        log.error('authorisations that are due could not be found', { error });
      }
    },

    async close() {
      await Promise.allSettled(underWay.values());
    },
  };

  async function refreshQuietly(key: Key): Promise<void> {
    try {
      const row = await getAuthorisation(database, key.organisation, key.connection);
      if (row !== undefined) await refresh(key, row.generation);
    } catch (error) {
      log.warn('an authorisation could not be refreshed', { connection: key.connection, error });
    }
  }
}

/** A refresh token that the source has forgotten may have taken the place of one that it still knows. */
async function ask(client: AuthorisationClient, { flow }: StoredAuthorisation, tokens: Tokens): Promise<TokenOutcome> {
  if (flow !== 'code' && flow !== 'device') return requestWithoutPerson(client, flow);
  if (tokens.refresh === undefined) return { kind: 'invalid-grant', reason: 'there is nothing to refresh it with' };
  const outcome = await refreshTokens(client, tokens.refresh);
  if (outcome.kind !== 'invalid-grant' || tokens.previousRefresh === undefined) return outcome;
  const second = await refreshTokens(client, tokens.previousRefresh);
  return second.kind === 'tokens' ? second : outcome;
}

/** Whether the token may be used for a call that begins now. */
function isGood({ issuedAtMs, expiresAtMs }: StoredAuthorisation): boolean {
  if (expiresAtMs === undefined) return true;
  const marginMs = Math.min(MARGIN_MS, (expiresAtMs - issuedAtMs) / 4);
  return Date.now() < expiresAtMs - marginMs;
}

function retryAt({ failures }: StoredAuthorisation): number {
  return Math.floor(Date.now() + Math.min(MAX_RETRY_MS, RETRY_BASE_MS * 2 ** Math.min(failures, 10)) * (0.75 + Math.random() * 0.5));
}

/** What an answer that was lost, or a host that ended between an answer and its commit, has left behind. */
function afterInterruption({ refreshBeganMs }: StoredAuthorisation): string {
  if (refreshBeganMs === undefined) return '';
  return ` A refresh at ${new Date(refreshBeganMs).toISOString()} did not come to its end: the source may have given a token then that was never written.`;
}

/** The source has replaced what is stored: an answer must not be lost because the store is busy or full for a moment. */
async function persistently<T>(work: () => Promise<T>, log: Log): Promise<T> {
  for (const pauseMs of WRITE_PAUSES_MS) {
    try {
      return await work();
    } catch (error) {
      log.error('new tokens could not be written and are tried again', { error });
      await sleep(pauseMs);
    }
  }
  return work();
}

/** What was sealed for an authorisation. */
export function parseTokens(text: string): Tokens {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || !('access' in value) || typeof value.access !== 'string')
    throw new TypeError('what was sealed are no tokens');
  const optional = (name: string): string | undefined => {
    const found = Object.entries(value).find(([key]) => key === name)?.[1];
    return typeof found === 'string' ? found : undefined;
  };
  return { access: value.access, refresh: optional('refresh'), previousRefresh: optional('previousRefresh') };
}

function paused({ connection, reason }: StoredAuthorisation): RequestError {
  return new RequestError(
    'CREDENTIAL_MISSING',
    `The authorisation of connection ${connection} is paused: ${reason ?? 'for no known reason'}`,
    {
      remedy: `Authorise it again: datasources authorize ${connection}, or POST /api/v1/connections/${connection}/authorisation`,
    },
  );
}

function unavailable(connection: string, reason: string): RequestError {
  return new RequestError('UPSTREAM_FAULT', `The authorisation of connection ${connection} could not be refreshed: ${reason}.`, {
    remedy: 'It is tried again by itself; if it stays, look at the source and at the variables of the datasource.',
  });
}
