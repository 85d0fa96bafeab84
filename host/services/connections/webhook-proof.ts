import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { errors, jwtVerify } from 'jose';
import { isJsonObject, type Json } from '../../domain/json.ts';
import { unescapePointer } from '../../domain/json-pointer.ts';
import type { IncomingDelivery, WebhookProof } from '../../domain/webhook.ts';

/**
 * `identity` is a text that only this delivery has, made of what was proved: a copy that somebody else
 * sends has the same. Undefined where the proof is the secret alone and so says nothing of the delivery.
 */
export type ProofVerdict = { ok: true; identity: string | undefined } | { ok: false; reason: string };

/** More places than a source names in one delivery. Each costs a hash, and whoever knows the address may send what he likes. */
const MAX_TOKENS = 10_000;

/** A clock that is ahead by less than this is taken for right. */
const CLOCK_TOLERANCE_S = 60;

/**
 * Whether the holder of `secret` sent this delivery. Every comparison with the secret, or with what is
 * made of it, takes the same time wherever they differ. `reason` is for the operator and holds nothing
 * of the secret or of the body.
 */
export async function checkProof(proof: WebhookProof, secret: string, delivery: IncomingDelivery, nowMs: number): Promise<ProofVerdict> {
  switch (proof.scheme) {
    case 'hmac':
      return checkHmac(proof, secret, delivery, nowMs);
    case 'header_token': {
      const token = delivery.headers.get(proof.header);
      if (token === undefined) return refuse(`the header ${proof.header} is missing`);
      return sameText(token, secret) ? ACCEPTED : refuse(`the token in the header ${proof.header} is wrong`);
    }
    case 'body_token':
      return checkBodyToken(proof.path, secret, delivery);
    case 'jwt':
      return checkJwt(proof, secret, delivery, nowMs);
    default:
      return proof satisfies never;
  }
}

function checkHmac(proof: WebhookProof & { scheme: 'hmac' }, secret: string, delivery: IncomingDelivery, nowMs: number): ProofVerdict {
  const given = delivery.headers.get(proof.header);
  if (given === undefined) return refuse(`the header ${proof.header} is missing`);
  if (!given.startsWith(proof.prefix)) return refuse(`the header ${proof.header} does not begin with "${proof.prefix}"`);
  const timestamp = proof.timestampHeader === undefined ? '' : delivery.headers.get(proof.timestampHeader);
  if (timestamp === undefined) return refuse(`the header ${proof.timestampHeader} is missing`);
  const hash = createHmac('sha256', secret);
  for (const [index, part] of proof.signs.split('{body}').entries()) {
    if (index > 0) hash.update(delivery.body);
    hash.update(part.replaceAll('{timestamp}', timestamp), 'utf8');
  }
  // Compared as text: decoding would take more than one spelling of the same hash.
  if (!sameText(given.slice(proof.prefix.length), hash.digest(proof.encoding))) return refuse('the signature does not fit the body');
  if (proof.timestampHeader !== undefined && !isFresh(timestamp, proof.maxAgeMs, nowMs)) {
    return refuse(`it was signed more than ${proof.maxAgeMs / 1_000} seconds away from now`);
  }
  return accept(delivery.body, timestamp);
}

function isFresh(timestamp: string, maxAgeMs: number, nowMs: number): boolean {
  return /^\d{1,12}$/.test(timestamp) && Math.abs(nowMs - Number(timestamp) * 1_000) <= maxAgeMs;
}

function checkBodyToken(path: string, secret: string, delivery: IncomingDelivery): ProofVerdict {
  const json = parseJson(delivery.body);
  const tokens = json === undefined ? [] : valuesAt(json, path.split('/').slice(1).map(unescapePointer));
  if (tokens.length === 0) return refuse(`there is no token at ${path} of the body`);
  if (tokens.length > MAX_TOKENS) return refuse(`there are more than ${MAX_TOKENS} tokens at ${path} of the body`);
  // One item with a wrong token is a delivery that somebody else had a hand in.
  const wrong = tokens.filter((token) => typeof token !== 'string' || !sameText(token, secret));
  return wrong.length === 0 ? ACCEPTED : refuse(`a token at ${path} of the body is wrong`);
}

/** Undefined stands for a place that is not there. */
function valuesAt(json: Json, path: readonly string[]): (Json | undefined)[] {
  let found: (Json | undefined)[] = [json];
  for (const token of path) {
    found = found.flatMap((value) => {
      if (token === '*') return Array.isArray(value) ? value : [undefined];
      return isJsonObject(value) && Object.hasOwn(value, token) ? [value[token]] : [undefined];
    });
  }
  return found;
}

async function checkJwt(
  proof: WebhookProof & { scheme: 'jwt' },
  secret: string,
  delivery: IncomingDelivery,
  nowMs: number,
): Promise<ProofVerdict> {
  const given = delivery.headers.get(proof.header);
  if (given === undefined || !given.startsWith(proof.prefix)) return refuse(`the header ${proof.header} holds no token`);
  const token = given.slice(proof.prefix.length);
  try {
    const { payload } = await jwtVerify(token, new TextEncoder().encode(secret), {
      algorithms: ['HS256'],
      requiredClaims: ['iat', 'exp'],
      clockTolerance: CLOCK_TOLERANCE_S,
      maxTokenAge: proof.maxAgeMs / 1_000,
      currentDate: new Date(nowMs),
    });
    // Binds the token to the address, so that one for another address of ours is no use here.
    if (payload.qsh !== undefined && payload.qsh !== queryHash(delivery)) return refuse('the token is for another address');
    return accept(delivery.body, token);
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error;
    return refuse(`the token is not good: ${error.code}`);
  }
}

/** Atlassian's `qsh` claim: SHA-256 over method, path and sorted query, each percent-encoded as RFC 3986 has it. */
export function queryHash({ method, path, query }: Pick<IncomingDelivery, 'method' | 'path' | 'query'>): string {
  const names = [...new Set(query.keys())].filter((name) => name !== 'jwt').toSorted();
  const canonical = names.map((name) => `${percentEncode(name)}=${query.getAll(name).toSorted().map(percentEncode).join(',')}`);
  const trimmed = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
  return createHash('sha256')
    .update(`${method}&${trimmed}&${canonical.join('&')}`)
    .digest('hex');
}

function percentEncode(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Hashed first, so that the time says nothing of the lengths either. */
function sameText(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());
}

const ACCEPTED: ProofVerdict = { ok: true, identity: undefined };

function accept(body: Uint8Array, proved: string): ProofVerdict {
  return { ok: true, identity: createHash('sha256').update(proved).update('\0').update(body).digest('hex') };
}

function refuse(reason: string): ProofVerdict {
  return { ok: false, reason };
}

/** Undefined when it is no JSON. */
export function parseJson(body: Uint8Array): Json | undefined {
  try {
    const value: Json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
    return value;
  } catch {
    return undefined;
  }
}
