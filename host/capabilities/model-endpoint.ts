import type { ModelEndpoint } from '../domain/model-settings.ts';

/**
 * Why a model gave no answer. `refused`: it takes everything but this input; `busy`: it asks to come later;
 * `misconfigured`: address, model or key are wrong; `unusable`: what it answered is no answer.
 */
export type ModelFaultKind = 'refused' | 'busy' | 'misconfigured' | 'timed-out' | 'unreachable' | 'unusable';

/** A model was asked in vain. The message is public: it never holds an address, a key or what the endpoint wrote. */
export class ModelFault extends Error {
  override readonly name = 'ModelFault';
  readonly kind: ModelFaultKind;
  /** How long it asked to be left alone. */
  readonly retryAfterMs: number | undefined;

  constructor(kind: ModelFaultKind, message: string, options: { retryAfterMs?: number | undefined; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.retryAfterMs = options.retryAfterMs;
  }
}

export interface ModelRequest {
  /** Put behind the endpoint's address: `/embeddings`. */
  path: string;
  body: unknown;
  /** Until the last byte of the answer. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

/** 512 vectors of 16,384 numbers with 12 digits are three quarters of this. */
const MAX_ANSWER_BYTES = 128 * 1024 * 1024;
const MAX_RETRY_AFTER_MS = 3_600_000;

/**
 * Asks a model that an operator named: JSON there, JSON back. The address may be private; no redirect is followed, so that the key goes to
 * nobody else. Throws `ModelFault`, and the reason of `signal` when that aborts.
 */
export async function askModel({ url, key }: ModelEndpoint, { path, body, timeoutMs, signal }: ModelRequest): Promise<unknown> {
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      },
      body: JSON.stringify(body),
      redirect: 'manual',
      signal: signal === undefined ? deadline : AbortSignal.any([deadline, signal]),
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw faultOf(response);
    }
    return parse(await readAll(response));
  } catch (error) {
    if (error instanceof ModelFault) throw error;
    signal?.throwIfAborted();
    if (deadline.aborted) throw new ModelFault('timed-out', `it did not answer within ${timeoutMs} ms`, { cause: error });
    throw new ModelFault('unreachable', 'it cannot be reached', { cause: error });
  }
}

async function readAll(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.byteLength;
    if (bytes > MAX_ANSWER_BYTES) throw new ModelFault('unusable', 'its answer is too large');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ModelFault('unusable', 'its answer is no JSON', { cause });
  }
}

function faultOf({ status, headers }: Response): ModelFault {
  const message = `it answered ${status}`;
  if (status === 429 || status === 408 || status === 425 || status >= 500) {
    return new ModelFault('busy', message, { retryAfterMs: toRetryAfterMs(headers.get('retry-after'), Date.now()) });
  }
  return new ModelFault([400, 413, 422].includes(status) ? 'refused' : 'misconfigured', message);
}

/** Seconds or a date (RFC 9110, section 10.2.3), an hour at most; undefined when it says nothing. */
export function toRetryAfterMs(text: string | null, nowMs: number): number | undefined {
  if (text === null) return undefined;
  const ms = /^\d{1,9}$/.test(text.trim()) ? Number(text) * 1_000 : Date.parse(text) - nowMs;
  return Number.isFinite(ms) ? Math.min(MAX_RETRY_AFTER_MS, Math.max(0, ms)) : undefined;
}
