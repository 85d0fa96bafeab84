import { compare } from 'semver';
import { isDigest } from './component-signature.ts';
import { isSignedBy, parseEnvelope, parseJson, sealEnvelope } from './envelope.ts';
import { RequestError } from './errors.ts';
import { isJsonObject, type JsonObject } from './json.ts';
import type { PublicKey, SigningKey } from './signing-key.ts';
import { parseSourceLocation } from './source-location.ts';

/** One version that a market offers. */
export interface MarketEntry {
  name: string;
  version: string;
  description: string;
  /** `oci://…` or `https://…#sha256:…`. */
  location: string;
  /** Of the component. */
  digest: string;
}

/** What a market says it has, until when, and the how-manieth time. */
export interface MarketIndex {
  version: number;
  expiresAtMs: number;
  datasources: MarketEntry[];
}

export const INDEX_TYPE = 'application/vnd.lorelai.market.index.v1+json';
const MAX_ENTRIES = 50_000;
const DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/;
const VERSION = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]{1,40})?$/;

/** What the author of a market wrote, as a signed envelope. INVALID_REQUEST with the entry that is not as it must be. */
export function sealIndex(text: string, key: SigningKey): { envelope: string; index: MarketIndex } {
  const index = parseIndex(text);
  if (typeof index === 'string') {
    throw new RequestError('INVALID_REQUEST', `The index cannot be signed: ${index}.`, {
      remedy: 'See docs/guides/publish.md for what it holds.',
    });
  }
  return { envelope: sealEnvelope(INDEX_TYPE, Buffer.from(text), key), index };
}

/** The text that the market's key signed, and what it says. INDEX_SIGNATURE_INVALID, SOURCE_UNUSABLE. */
export function openIndex(envelopeText: string, key: PublicKey): { text: string; index: MarketIndex } {
  const envelope = parseEnvelope(envelopeText);
  if (envelope?.payloadType !== INDEX_TYPE || !isSignedBy(envelope, key)) {
    throw new RequestError('INDEX_SIGNATURE_INVALID', `The index is not signed by the key ${key.id}, which the market was added with.`, {
      remedy: 'Nothing of it was taken. If the market has a new key, get it from a place that you trust and add the market again.',
    });
  }
  const text = Buffer.from(envelope.payload).toString('utf8');
  const index = parseIndex(text);
  if (typeof index === 'string') {
    throw new RequestError('SOURCE_UNUSABLE', `The index is signed and cannot be used: ${index}.`, { remedy: 'Tell who publishes it.' });
  }
  return { text, index };
}

/** INDEX_EXPIRED for one that nobody has renewed: an old index hides what was published, or withdrawn, since. */
export function refuseExpired({ expiresAtMs }: Pick<MarketIndex, 'expiresAtMs'>, market: string, nowMs: number): void {
  if (nowMs < expiresAtMs) return;
  throw new RequestError('INDEX_EXPIRED', `The index of ${market} was good until ${new Date(expiresAtMs).toISOString()}.`, {
    remedy: `Get a newer one with \`datasources market refresh ${market}\`; if there is none, tell who publishes it. Check the clock of this host, too.`,
  });
}

/** A reason instead of an index, for text that is none. */
export function parseIndex(text: string): MarketIndex | string {
  const value = parseJson(text);
  if (!isJsonObject(value)) return 'it is no JSON object';
  const { version, expires, datasources } = value;
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 1) return 'version is no whole number from 1 on';
  if (typeof expires !== 'string' || !DATE.test(expires) || Number.isNaN(Date.parse(expires)))
    return 'expires is no time such as 2026-11-23T08:30:00Z';
  if (!Array.isArray(datasources) || datasources.length > MAX_ENTRIES) return `datasources is no list of at most ${MAX_ENTRIES}`;
  const entries = new Map<string, MarketEntry>();
  for (const [at, entry] of datasources.entries()) {
    const parsed = parseEntry(isJsonObject(entry) ? entry : {});
    if (typeof parsed === 'string') return `datasources/${at}: ${parsed}`;
    const key = `${parsed.name}@${parsed.version}`;
    if (entries.has(key)) return `datasources/${at}: it is listed twice`;
    entries.set(key, parsed);
  }
  return { version, expiresAtMs: Date.parse(expires), datasources: [...entries.values()] };
}

/** The highest version first, those that are no previews before those that are. */
export function newestFirst(a: MarketEntry, b: MarketEntry): number {
  const preview = Number(a.version.includes('-')) - Number(b.version.includes('-'));
  return preview === 0 ? compare(b.version, a.version) : preview;
}

function parseEntry({ name, version, description = '', location, digest }: JsonObject): MarketEntry | string {
  if (typeof name !== 'string' || !/^[a-z][a-z0-9_]{0,63}$/.test(name)) return 'name can be no name of a datasource';
  if (typeof version !== 'string' || !VERSION.test(version)) return 'version is no semantic version';
  if (typeof description !== 'string' || description.length > 500) return 'description is no text of at most 500 characters';
  if (typeof digest !== 'string' || !isDigest(digest)) return 'digest is not sha256: and 64 digits';
  if (typeof location !== 'string' || !isLocation(location)) return 'location is no address such as oci://HOST/REPOSITORY:TAG';
  return { name, version, description, location, digest };
}

function isLocation(text: string): boolean {
  try {
    return parseSourceLocation(text).kind !== 'market';
  } catch (error) {
    if (error instanceof RequestError) return false;
    throw error;
  }
}
