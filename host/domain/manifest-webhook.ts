import type { DatasourceManifest, Webhook, WebhookProof as ProofSource } from '../generated/schemas/datasource-manifest.ts';
import type { Problem } from './errors.ts';
import type { WebhookHandshake, WebhookProof, WebhookRules } from './webhook.ts';

const DEFAULT_MAX_AGE_SECONDS = 300;

type Scheme = ProofSource['scheme'];
type Setting = Exclude<keyof ProofSource, 'scheme'>;

/** What each scheme needs, and what it may have besides. */
const SETTINGS: Record<Scheme, { needed: readonly Setting[]; possible: readonly Setting[] }> = {
  hmac: { needed: ['header'], possible: ['prefix', 'encoding', 'signs', 'timestamp_header', 'max_age_seconds'] },
  header_token: { needed: ['header'], possible: [] },
  body_token: { needed: ['path'], possible: [] },
  jwt: { needed: ['header'], possible: ['prefix', 'max_age_seconds'] },
};

/** What the schema cannot say of a webhook: a setting that its scheme would not look at promises what nobody keeps. */
export function checkWebhook({ webhook }: DatasourceManifest): Problem[] {
  if (webhook === undefined) return [];
  return [...checkProofSettings(webhook.proof), ...checkTimestamp(webhook.proof), ...checkHandshake(webhook.handshake)];
}

function checkProofSettings(proof: ProofSource): Problem[] {
  const { needed, possible } = SETTINGS[proof.scheme];
  const given = Object.keys(proof).filter((key) => key !== 'scheme');
  const missing = needed.filter((key) => proof[key] === undefined);
  const foreign = given.filter((key) => ![...needed, ...possible].some((known) => known === key));
  return [
    ...missing.map((key) => ({ path: '/webhook/proof', reason: `The scheme ${proof.scheme} needs "${key}".`, remedy: `Add "${key}".` })),
    ...foreign.map((key) => ({
      path: `/webhook/proof/${key}`,
      reason: `The scheme ${proof.scheme} does not look at "${key}".`,
      remedy: 'Remove it, or name another scheme.',
    })),
  ];
}

function checkTimestamp({ scheme, signs, timestamp_header: header, max_age_seconds: maxAge }: ProofSource): Problem[] {
  if (scheme !== 'hmac') return [];
  const signed = signs?.includes('{timestamp}') === true;
  if (signed && header === undefined) {
    return [{ path: '/webhook/proof/signs', reason: 'It has {timestamp}, and no header says which.', remedy: 'Add "timestamp_header".' }];
  }
  if (header !== undefined && !signed) {
    const reason = 'The timestamp is not part of what is hashed, so anybody could change it.';
    return [{ path: '/webhook/proof/timestamp_header', reason, remedy: 'Put {timestamp} into "signs", or remove this line.' }];
  }
  if (maxAge === undefined || header !== undefined) return [];
  const reason = 'Without a timestamp nobody knows how old a delivery is.';
  return [{ path: '/webhook/proof/max_age_seconds', reason, remedy: 'Add "timestamp_header", or remove this line.' }];
}

function checkHandshake(handshake: Webhook['handshake']): Problem[] {
  if (handshake === undefined) return [];
  const { query_parameter: parameter, body_member: member, body_type: type } = handshake;
  const path = '/webhook/handshake';
  if ((member === undefined) !== (type === undefined)) {
    return [{ path, reason: 'body_member and body_type belong together.', remedy: 'Write both, or neither.' }];
  }
  if (parameter !== undefined && member !== undefined) {
    return [{ path, reason: 'It names two handshakes.', remedy: 'Keep query_parameter, or body_member and body_type.' }];
  }
  return [];
}

/** After the schema and `checkWebhook` have found it good. */
export function toWebhookRules({ proof, delivery_id_header: idHeader, handshake }: Webhook): WebhookRules {
  return { proof: toProof(proof), deliveryIdHeader: idHeader?.toLowerCase(), handshake: toHandshake(handshake) };
}

function toProof(source: ProofSource): WebhookProof {
  const header = (source.header ?? '').toLowerCase();
  const maxAgeMs = (source.max_age_seconds ?? DEFAULT_MAX_AGE_SECONDS) * 1_000;
  const { scheme, prefix = '' } = source;
  switch (scheme) {
    case 'hmac': {
      const { encoding = 'hex', signs = '{body}', timestamp_header: timestampHeader } = source;
      return { scheme, header, prefix, encoding, signs, timestampHeader: timestampHeader?.toLowerCase(), maxAgeMs };
    }
    case 'header_token':
      return { scheme, header };
    case 'body_token':
      return { scheme, path: source.path ?? '' };
    case 'jwt':
      return { scheme, header, prefix, maxAgeMs };
    default:
      return scheme satisfies never;
  }
}

function toHandshake(source: Webhook['handshake']): WebhookHandshake {
  if (source?.query_parameter !== undefined) return { kind: 'query_parameter', parameter: source.query_parameter };
  if (source?.body_member === undefined || source.body_type === undefined) return { kind: 'none' };
  return { kind: 'body_member', member: source.body_member, type: source.body_type };
}
