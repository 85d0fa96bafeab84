import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Caller } from '../../domain/caller.ts';
import { RequestError } from '../../domain/errors.ts';
import { answerRequest, claimRequest, releaseRequest } from '../../store/idempotency.ts';
import type { Database } from '../../store/database.ts';

/** A request that must take effect once, however often it is sent. */
export interface OnceRequest {
  caller: Pick<Caller, 'kind' | 'id'>;
  /** What the caller calls it: 16 to 200 visible ASCII characters. */
  key: string;
  /** Everything that makes it this request: method, address, body. */
  content: readonly (string | Uint8Array)[];
}

/** What the first of several equal requests is told. */
export type Once =
  /** It has been answered: this was the answer. */
  | { kind: 'answered'; answer: string }
  /** It is the first. One of the two must be called in the end. */
  | { kind: 'first'; keep(answer: string): Promise<void>; release(): Promise<void> };

export interface IdempotencyService {
  /**
   * IDEMPOTENCY_KEY_REUSED when the key came with another request, IDEMPOTENCY_KEY_IN_USE while the first is under way,
   * INVALID_REQUEST for a key that is no such text.
   */
  begin(request: OnceRequest): Promise<Once>;
}

const KEPT_MS = 24 * 60 * 60_000;
/** After this a first request without an answer has died with its host. No request of ours takes half as long. */
const BUSY_MS = 5 * 60_000;
const KEY = /^[\x21-\x7e]{16,200}$/;
const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Neither the key nor an answer can be read from the store: the row's name is a hash of caller and key, and fingerprint
 * and answer are made with secrets derived from the key, which only the caller has. Answers may hold a new API key.
 */
export function createIdempotency(database: Database): IdempotencyService {
  return {
    async begin({ caller, key, content }) {
      if (!KEY.test(key)) throw unusable();
      const id = new Uint8Array(
        createHash('sha256')
          .update(JSON.stringify([caller.kind, caller.id, key]))
          .digest(),
      );
      const fingerprint = fingerprintOf(key, content);
      const nowMs = Date.now();
      const found = await claimRequest(database, { id, fingerprint, nowMs, busyUntilMs: nowMs + BUSY_MS, expiresAtMs: nowMs + KEPT_MS });
      if (found === undefined) {
        return {
          kind: 'first',
          keep: (answer) => answerRequest(database, id, seal(key, answer)),
          release: () => releaseRequest(database, id),
        };
      }
      if (!timingSafeEqual(found.fingerprint, fingerprint)) throw reused();
      if (found.answer === undefined) throw inUse();
      return { kind: 'answered', answer: open(key, found.answer) };
    },
  };
}

function fingerprintOf(key: string, content: OnceRequest['content']): Uint8Array {
  const mac = createHmac('sha256', secretOf(key, 'fingerprint'));
  // Lengths in between, so that no two requests run into the same bytes.
  for (const part of content) mac.update(`${Buffer.byteLength(part)}:`).update(part);
  return new Uint8Array(mac.digest());
}

function seal(key: string, answer: string): Uint8Array {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', secretOf(key, 'answer'), iv);
  const sealed = Buffer.concat([cipher.update(answer, 'utf8'), cipher.final()]);
  return new Uint8Array(Buffer.concat([iv, cipher.getAuthTag(), sealed]));
}

function open(key: string, sealed: Uint8Array): string {
  const iv = sealed.subarray(0, IV_BYTES);
  const tag = sealed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', secretOf(key, 'answer'), iv, { authTagLength: TAG_BYTES }).setAuthTag(tag);
  return Buffer.concat([decipher.update(sealed.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]).toString('utf8');
}

function secretOf(key: string, use: 'fingerprint' | 'answer'): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', `lorelai idempotency ${use}`, 32));
}

function unusable(): RequestError {
  const reason = 'It is not 16 to 200 visible ASCII characters.';
  const remedy = 'Send a random UUID for each request that you mean once.';
  return new RequestError('INVALID_REQUEST', `The Idempotency-Key cannot be used: ${reason}`, {
    remedy,
    problems: [{ path: 'Idempotency-Key', reason, remedy }],
  });
}

function reused(): RequestError {
  return new RequestError('IDEMPOTENCY_KEY_REUSED', 'Another request was sent with this Idempotency-Key.', {
    remedy: 'Send a new key with a new request, and the same key only with the very same one.',
  });
}

function inUse(): RequestError {
  return new RequestError('IDEMPOTENCY_KEY_IN_USE', 'The first request with this Idempotency-Key has not been answered yet.', {
    remedy: 'Send it again in a moment.',
  });
}
