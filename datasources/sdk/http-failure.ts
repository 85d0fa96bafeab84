import { now } from './clock.ts';
import { failed, forbidden, throttled, unauthorized, unavailable, type Failure } from './failure.ts';
import { withoutQuery, type Response } from './response.ts';
import { retryAfterMs } from './retry.ts';

// What sources without a hint of their own ask for in their documentation: GitHub's secondary limit, Slack.
const DEFAULT_THROTTLE_MS = 60_000;
const MAX_DETAIL_CHARACTERS = 200;

/**
 * The response, if its status is 200 to 299 or one of `accept`. Throws `unauthorized` for 401, `throttled` for 429,
 * for 403 with a hint of a spent rate limit and for 503 with `Retry-After`, `forbidden` for other 403,
 * `unavailable` for 408 and other 5xx, `failed` for the rest.
 */
export function expectOk(response: Response, options: { accept?: readonly number[] } = {}): Response {
  if (response.ok || options.accept?.includes(response.status) === true) return response;
  throw toStatusFailure(response);
}

function toStatusFailure(response: Response): Failure {
  const { status } = response;
  const reason = `${withoutQuery(response.url)} answered ${status}${detailOf(response)}.`;
  const waitMs = retryAfterMs(response, now());
  if (status === 401) return unauthorized(reason);
  if (status === 429) return throttled(waitMs ?? DEFAULT_THROTTLE_MS, reason);
  if (status === 403) return waitMs === undefined ? forbidden(reason) : throttled(waitMs, reason);
  if (status === 503 && waitMs !== undefined) return throttled(waitMs, reason);
  if (status === 408 || status >= 500) return unavailable(reason);
  return failed(reason);
}

/** What the source says about it, when it says it in JSON as most do. */
function detailOf(response: Response): string {
  let body: unknown;
  try {
    body = response.json<unknown>();
  } catch {
    return '';
  }
  if (typeof body !== 'object' || body === null) return '';
  const { message, error, detail }: { message?: unknown; error?: unknown; detail?: unknown } = body;
  const text = [message, detail, error].find((candidate) => typeof candidate === 'string');
  return text === undefined ? '' : `: ${JSON.stringify(String(text).slice(0, MAX_DETAIL_CHARACTERS))}`;
}

/** What the host threw instead of a response, as a failure. */
export function toHttpFailure(error: unknown, method: string, url: string): Failure {
  const request = `${method} ${withoutQuery(url)}`;
  if (typeof error !== 'object' || error === null) return failed(`${request}: ${String(error)}`);
  const { tag, val, payload }: { tag?: unknown; val?: unknown; payload?: unknown } = error;
  // A transpiled component inside a JavaScript host wraps it once more, which tests outside QuickJS see.
  if (typeof payload === 'object' && payload !== null) return toHttpFailure(payload, method, url);
  switch (tag) {
    case 'timed-out':
      return unavailable(`${request}: no complete response came in time.`);
    case 'unreachable':
      return unavailable(`${request}: ${String(val)}`);
    case 'budget-spent':
      return throttled(Number(val), `${request}: the connection's budget is spent.`);
    case 'denied':
      return forbidden(`${request}: ${String(val)}`);
    case 'too-large':
      return failed(`${request}: the response is larger than the grant allows.`);
    case 'invalid-request':
      return failed(`${request}: ${String(val)}`);
    default:
      return failed(`${request}: ${String(error)}`);
  }
}
