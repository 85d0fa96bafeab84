import * as oauth from 'oauth4webapi';
import { plainText } from '../../capabilities/capability.ts';
import { endAttempt, pollAttemptAgain, type StoredAttempt } from '../../store/authorisation-attempts.ts';
import type { AuthorisationClient, AuthorisationTarget } from './authorisation-client.ts';
import { openKept, type AuthorisationOptions } from './authorisation-flow.ts';
import type { GivenTokens } from './token-outcome.ts';
import { exchangeCode, pollDevice } from './token-requests.ts';

const DEFAULT_POLL_MS = 5_000;
const SLOW_DOWN_MS = 5_000;

/** A browser came back: undefined when it is done, or why it failed. */
export async function finishCode(
  options: AuthorisationOptions,
  attempt: StoredAttempt,
  parameters: URLSearchParams,
  state: string,
): Promise<string | undefined> {
  const target = await options.load(attempt.organisation, attempt.connection);
  const kept = await openKept(options, attempt);
  const client = await options.openClient(target, 'code');
  // The response of one server must not be taken to another (RFC 9700, section 4.4).
  if (kept.flow !== 'code' || kept.tokenEndpoint !== client.server.token_endpoint || kept.issuer !== client.server.issuer)
    return fail(options, attempt, 'the settings of the connection have changed meanwhile');
  let approved: URLSearchParams;
  try {
    approved = oauth.validateAuthResponse(client.server, client.client, parameters, state);
  } catch (error) {
    return fail(options, attempt, whyNotApproved(error));
  }
  const outcome = await exchangeCode(client, { parameters: approved, redirectUri: kept.redirectUri, verifier: kept.verifier });
  if (outcome.kind !== 'tokens')
    return fail(options, attempt, 'reason' in outcome ? `the source gave no token: ${outcome.reason}` : 'the source gave no token');
  const { account } = kept;
  return accept(options, { attempt, target, client, given: outcome.tokens, ...(account === undefined ? {} : { account }) });
}

/** Asks about a device that a person was to type a code for. */
export async function pollOne(options: AuthorisationOptions, attempt: StoredAttempt): Promise<void> {
  const intervalMs = attempt.intervalMs ?? DEFAULT_POLL_MS;
  const target = await options.load(attempt.organisation, attempt.connection);
  const kept = await openKept(options, attempt);
  if (kept.flow !== 'device') return;
  const client = await options.openClient(target, 'device');
  const outcome = await pollDevice(client, kept.deviceCode);
  switch (outcome.kind) {
    case 'tokens':
      await accept(options, { attempt, target, client, given: outcome.tokens });
      return;
    case 'pending':
    case 'unavailable': {
      // RFC 8628, section 3.5: five seconds more from now on, and longer also when no answer came.
      const slower = intervalMs + (outcome.kind === 'unavailable' || outcome.slowDown ? SLOW_DOWN_MS : 0);
      await pollAttemptAgain(options.database, attempt.id, Date.now() + slower, slower);
      return;
    }
    case 'invalid-grant':
    case 'refused':
      await fail(options, attempt, `the source gave no token: ${outcome.reason}`);
      return;
    default:
      outcome satisfies never;
  }
}

/** Undefined when it is done, or waits for a choice. */
async function accept(
  options: AuthorisationOptions,
  came: { attempt: StoredAttempt; target: AuthorisationTarget; client: AuthorisationClient; given: GivenTokens; account?: string },
): Promise<string | undefined> {
  const { attempt, target, client, given, ...only } = came;
  const end = await options.authoriser.accept(target, client, {
    flow: attempt.flow,
    given,
    by: attempt.begunBy,
    actor: undefined,
    ...only,
  });
  if (end.kind === 'failed') return fail(options, attempt, end.reason);
  await endAttempt(options.database, attempt.id, end.kind === 'choosing' ? { state: 'choosing', choices: end.choices } : { state: 'done' });
  return undefined;
}

/** Ends an attempt, and gives the reason back. */
export async function fail(options: AuthorisationOptions, attempt: StoredAttempt, reason: string): Promise<string> {
  options.log.warn('an authorisation failed', { connection: attempt.connection, attempt: attempt.id, reason });
  await endAttempt(options.database, attempt.id, { state: 'failed', reason });
  return reason;
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
