import type { Grant } from '../domain/grant.ts';
import type { JsonObject } from '../domain/json.ts';
import type { AttachRule, Manifest } from '../domain/manifest.ts';
import { matchesAnyOrigin } from '../domain/origin-pattern.ts';
import { originsFromConfig } from './asked-origins.ts';
import { ACCEPTED_CODINGS } from './content-coding.ts';
import type { EgressError, EgressRequest } from './egress-request.ts';

/** Of the connection that a request is of. */
interface Connection {
  manifest: Manifest;
  grant: Grant;
  config: JsonObject;
  /** Undefined when it has none. */
  secret: string | undefined;
}

/** Framing, routing and hop-by-hop fields are the host's (RFC 9110, section 7.6.1). */
const FORBIDDEN_HEADERS = new Set([
  'host',
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'proxy-authenticate',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'content-length',
  'expect',
  'accept-encoding',
  'via',
  'forwarded',
  'cookie',
  'cookie2',
]);
/** Of a request and of a response. */
export const MAX_HEADER_BYTES = 64 * 1024;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const FIELD_VALUE = /^[\t\x20-\x7e]*$/;
/** RFC 9110 also has `obs-text`, which some passwords need. */
const SENDABLE = /^[\t\x20-\x7e\x80-\xff]*$/;
const USER_AGENT = 'lorelai-datasource-host';

/** The fields as they are sent; the credential is attached to exactly the origins that `auth` names. */
export function headersFor(
  request: EgressRequest,
  url: URL,
  { manifest, secret, config, grant }: Connection,
): { fields: Map<string, string | string[]>; bytes: number } | { error: EgressError } {
  const attached = new Set(manifest.auth.attach.map((rule) => rule.header));
  const fields = new Map<string, string | string[]>([
    ['user-agent', USER_AGENT],
    ['accept-encoding', ACCEPTED_CODINGS],
  ]);
  let size = 0;
  for (const { name, value } of request.headers) {
    const key = name.toLowerCase();
    size += key.length + value.length;
    if (!TOKEN.test(name) || !FIELD_VALUE.test(value))
      return { error: { tag: 'invalid-request', val: 'headers: a name or a value holds a character that RFC 9110 does not allow' } };
    if (FORBIDDEN_HEADERS.has(key)) return { error: { tag: 'invalid-request', val: `headers: ${key} is set by the host only` } };
    if (attached.has(key))
      return { error: { tag: 'invalid-request', val: `headers: ${key} carries the credential, which the host attaches` } };
    const before = fields.get(key);
    fields.set(key, before === undefined || key === 'user-agent' ? value : [before, value].flat());
  }
  if (size > MAX_HEADER_BYTES) return { error: { tag: 'invalid-request', val: `headers: more than ${MAX_HEADER_BYTES} bytes` } };
  for (const rule of secret === undefined ? [] : manifest.auth.attach) {
    if (!mayCarryCredential(url, rule, { config, grant })) continue;
    const written = rule.encoding === 'base64' ? Buffer.from(secret ?? '').toString('base64') : (secret ?? '');
    const value = rule.format.replaceAll('{secret}', () => written);
    if (!SENDABLE.test(value)) {
      const reason = 'headers: the credential holds a character that no header can carry; an operator sets it again';
      return { error: { tag: 'invalid-request', val: reason } };
    }
    fields.set(rule.header, value);
  }
  return { fields, bytes: size };
}

function mayCarryCredential(url: URL, rule: AttachRule, { config, grant }: Pick<Connection, 'config' | 'grant'>): boolean {
  const origins = [...rule.origins, ...originsFromConfig(rule.originsFromConfig, config)];
  if (!matchesAnyOrigin(url, origins)) return false;
  // Never in the clear, but to a plain origin that the operator named letter by letter.
  return url.protocol === 'https:' || grant.http.origins.includes(url.origin);
}

/** Of `user:password` that is sent as Basic: a peer may echo the password alone. */
export function passwordOf({ manifest, secret }: Pick<Connection, 'manifest' | 'secret'>): string | undefined {
  const basic = manifest.auth.attach.some(({ encoding }) => encoding === 'base64');
  return basic && secret?.includes(':') === true ? secret.slice(secret.indexOf(':') + 1) : undefined;
}
