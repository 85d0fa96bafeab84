import { timingSafeEqual } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { RequestError } from '../../domain/errors.ts';
import {
  endAttempt,
  expireAttempts,
  findAgreedByState,
  latestAttempt,
  takeAttemptByState,
  takeDueAttempt,
  type StoredAttempt,
} from '../../store/authorisation-attempts.ts';
import { getAuthorisation } from '../../store/authorisations.ts';
import { authoriseAlone, beginCode, beginWithDevice } from './authorisation-begin.ts';
import { rulesOf } from './authorisation-client.ts';
import { fail, finishCode, pollOne } from './authorisation-finish.ts';
import { hashOf, toAttempt, unsupported, type AuthorisationOptions } from './authorisation-flow.ts';
import type { AuthorisationService } from './authorisation-service.ts';
import type { AuthorisationStatus, FinishEnd, FinishProof } from './authorisation-view.ts';
import { createBrowserLinks, isForBrowsers, nameOf } from './browser-links.ts';
import { cookieOf } from './browser-paths.ts';

/** The service with what the host does by itself. */
export interface Authorisations extends AuthorisationService {
  /** Asks about device flows that are due, and ends what nobody finished. Never rejects. */
  pollDue(): Promise<void>;
}

/** Before another host may ask about the same device: longer than a request takes. */
const POLL_LEASE_MS = 30_000;
const EXPIRE_EVERY_MS = 30_000;

export function createAuthorisations(options: AuthorisationOptions): Authorisations {
  const { database, log, authoriser, revoker } = options;
  let expiredAtMs = 0;

  const service: Authorisations = {
    async begin(organisation, connection, input, actor) {
      const target = await options.load(organisation, connection);
      const { flows } = rulesOf(target);
      const flow = input.flow ?? flows[0] ?? 'code';
      if (!flows.includes(flow)) throw unsupported(target, flow);
      const client = await options.openClient(target, flow);
      if (flow === 'code')
        return {
          attempt: await beginCode(options, target, client, { actor }),
          authorisation: await service.status(organisation, connection),
        };
      if (flow === 'device')
        return {
          attempt: await beginWithDevice(options, target, client, actor),
          authorisation: await service.status(organisation, connection),
        };
      await authoriseAlone(options, target, client, flow, actor);
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
        reconnectUrl: isForBrowsers(target) ? await options.reconnectLinks.linkFor(row) : undefined,
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

    ...createBrowserLinks(options),

    async finish(parameters, proof) {
      const [state = '', ...others] = parameters.getAll('state');
      if (state === '' || others.length > 0) return STALE;
      const attempt = await takeAttemptByState(database, hashOf(state), Date.now());
      if (attempt === undefined) return sayAgain(options, state, proof);
      // Burned all the same: its state is in other hands.
      if (!isProved(options, attempt, proof)) return { ok: false, reason: await fail(options, attempt, ELSEWHERE) };
      try {
        const reason = await finishCode(options, attempt, parameters, state);
        return reason === undefined ? { ok: true, begunBy: await nameOf(options, attempt) } : { ok: false, reason };
      } catch (error) {
        if (!(error instanceof RequestError)) {
          await fail(options, attempt, 'the host failed; its log says more');
          throw error;
        }
        return { ok: false, reason: await fail(options, attempt, error.message) };
      }
    },

    async refresh(organisation, connection) {
      await options.load(organisation, connection);
      await options.tokenKeeper.accessToken(organisation, connection);
      return service.status(organisation, connection);
    },

    revoke: (organisation, connection, actor) => revoker.revoke(organisation, connection, actor),

    async pollDue() {
      try {
        for (;;) {
          const attempt = await takeDueAttempt(database, Date.now(), Date.now() + POLL_LEASE_MS);
          if (attempt === undefined) break;
          await pollOne(options, attempt).catch((error: unknown) =>
            log.warn('a device could not be asked about', { attempt: attempt.id, error }),
          );
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

/** The same for what never was, has been used and is too old. */
const STALE = { ok: false, reason: 'this link is not known, has been used, or is too old' } as const;

/** Browsers load pages once more, when they come back to a tab: one whose source has agreed is told so again. Nothing else happens. */
async function sayAgain(options: AuthorisationOptions, state: string, proof: FinishProof): Promise<FinishEnd> {
  if (proof.kind !== 'browser') return STALE;
  const agreed = await findAgreedByState(options.database, hashOf(state));
  if (agreed === undefined || !isProved(options, agreed, proof)) return STALE;
  return { ok: true, begunBy: await nameOf(options, agreed) };
}

const ELSEWHERE = 'the answer came back in another browser than the one that it was begun in';

/** Whoever was made to open an address of somebody else's attempt has none of this (RFC 9700, section 4.7). */
function isProved({ baseUrl }: AuthorisationOptions, { id, begunBy, browserHash }: StoredAttempt, proof: FinishProof): boolean {
  if (proof.kind === 'caller') return begunBy === `${proof.actor.kind}/${proof.actor.id}`;
  const secret = proof.cookies[cookieOf(baseUrl ?? '', id).name];
  return secret !== undefined && browserHash !== undefined && timingSafeEqual(hashOf(secret), browserHash);
}

const TICK_MS = 1_000;

/** Does until `signal` aborts what is due in the store, whichever host put it there. */
export async function keepAuthorisations(work: readonly (() => Promise<void>)[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await Promise.all(work.map((one) => one()));
    await sleep(TICK_MS, undefined, { signal }).catch(() => undefined);
  }
}
