import { pipeline, type Readable, type Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { Dispatcher } from 'undici';

/** What the broker asks servers for. */
export const ACCEPTED_CODINGS = 'gzip, deflate, br';

const DECODERS = new Map<string, () => Transform>([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
]);
/** No honest server packs twice as often. */
const MAX_CODINGS = 2;

class UnknownCodingError extends Error {
  readonly code = 'UNKNOWN_CODING';
}

/** The content codings to undo, the outermost first (RFC 9110, section 8.4): none where there is no content. */
export function codingsOf(method: string, { statusCode, headers }: Dispatcher.ResponseData): string[] {
  if (method === 'HEAD' || statusCode === 204 || statusCode === 304 || headers['content-length'] === '0') return [];
  const codings = [headers['content-encoding'] ?? []].flat().join(',').split(',');
  return codings
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== '' && coding !== 'identity')
    .toReversed();
}

/** The content itself. Throws for a coding that nobody asked for. */
export function decoded(body: Readable, codings: readonly string[]): Readable {
  const decoders = codings.slice(0, MAX_CODINGS).flatMap((coding) => DECODERS.get(coding)?.() ?? []);
  if (decoders.length < codings.length) {
    body.on('error', () => undefined).destroy();
    throw new UnknownCodingError();
  }
  // `pipeline` ends the decoders with the body: a broken upstream must not leave a reader waiting.
  return decoders.reduce<Readable>((from, decoder) => pipeline(from, decoder, () => undefined), body);
}
