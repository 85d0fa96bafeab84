import { describe, expect, it } from 'vitest';
import { parseManifest } from '../../../host/domain/manifest-parse.ts';
import type { WebhookRules } from '../../../host/domain/webhook.ts';

const manifest = (webhook: string): string => `name: notes
version: 1.0.0
author: Ada
description: Reads notes.
framework_version: ">=1.0.0,<2.0.0"
features: { notes: {} }
webhook: ${webhook}
`;

function accepted(webhook: string): WebhookRules | undefined {
  const verdict = parseManifest(manifest(webhook));
  if (!verdict.ok) throw new Error(JSON.stringify(verdict.problems, undefined, 2));
  return verdict.manifest.webhook;
}

function refusedAt(webhook: string): string[] {
  const verdict = parseManifest(manifest(webhook));
  return verdict.ok ? [] : verdict.problems.map(({ path }) => path);
}

describe('a manifest says how webhooks are signed', () => {
  it('as GitHub does', () => {
    expect(
      accepted('{ proof: { scheme: hmac, header: X-Hub-Signature-256, prefix: "sha256=" }, delivery_id_header: X-GitHub-Delivery }'),
    ).toEqual({
      proof: {
        scheme: 'hmac',
        header: 'x-hub-signature-256',
        prefix: 'sha256=',
        encoding: 'hex',
        signs: '{body}',
        timestampHeader: undefined,
        maxAgeMs: 300_000,
      },
      deliveryIdHeader: 'x-github-delivery',
      handshake: { kind: 'none' },
    });
  });

  it('as Slack does', () => {
    const proof =
      '{ scheme: hmac, header: x-slack-signature, prefix: "v0=", signs: "v0:{timestamp}:{body}", timestamp_header: x-slack-request-timestamp }';
    expect(accepted(`{ proof: ${proof}, handshake: { body_member: challenge, body_type: url_verification } }`)).toMatchObject({
      proof: { signs: 'v0:{timestamp}:{body}', timestampHeader: 'x-slack-request-timestamp', maxAgeMs: 300_000 },
      handshake: { kind: 'body_member', member: 'challenge', type: 'url_verification' },
    });
  });

  it('as Microsoft, Google and Atlassian do', () => {
    expect(
      accepted('{ proof: { scheme: body_token, path: "/value/*/clientState" }, handshake: { query_parameter: validationToken } }'),
    ).toMatchObject({
      proof: { scheme: 'body_token', path: '/value/*/clientState' },
      handshake: { kind: 'query_parameter', parameter: 'validationToken' },
    });
    expect(accepted('{ proof: { scheme: header_token, header: X-Goog-Channel-Token } }')).toMatchObject({
      proof: { scheme: 'header_token', header: 'x-goog-channel-token' },
    });
    expect(accepted('{ proof: { scheme: jwt, header: Authorization, prefix: "JWT ", max_age_seconds: 60 } }')).toMatchObject({
      proof: { scheme: 'jwt', prefix: 'JWT ', maxAgeMs: 60_000 },
    });
  });

  it('or that there are none', () => {
    const verdict = parseManifest(manifest('null').replace('webhook: null\n', ''));
    expect(verdict.ok && verdict.manifest.webhook).toBeUndefined();
  });
});

describe('a webhook that promises what nobody would keep is refused', () => {
  it.each([
    ['no proof', '{}', '/webhook'],
    ['an unknown scheme', '{ proof: { scheme: none } }', '/webhook/proof/scheme'],
    ['a scheme without its header', '{ proof: { scheme: hmac } }', '/webhook/proof'],
    ['a token in the body without a path', '{ proof: { scheme: body_token } }', '/webhook/proof'],
    ['a setting of another scheme', '{ proof: { scheme: header_token, header: x, prefix: "v0=" } }', '/webhook/proof/prefix'],
    ['a hash that leaves out the body', '{ proof: { scheme: hmac, header: x, signs: "v0:{timestamp}" } }', '/webhook/proof/signs'],
    ['a timestamp that is not hashed', '{ proof: { scheme: hmac, header: x, timestamp_header: t } }', '/webhook/proof/timestamp_header'],
    ['a hashed timestamp that is nowhere', '{ proof: { scheme: hmac, header: x, signs: "{timestamp}{body}" } }', '/webhook/proof/signs'],
    ['an age without a timestamp', '{ proof: { scheme: hmac, header: x, max_age_seconds: 5 } }', '/webhook/proof/max_age_seconds'],
    ['half a handshake', '{ proof: { scheme: header_token, header: x }, handshake: { body_member: c } }', '/webhook/handshake'],
    [
      'two handshakes',
      '{ proof: { scheme: header_token, header: x }, handshake: { body_member: c, body_type: t, query_parameter: q } }',
      '/webhook/handshake',
    ],
    ['an unknown key', '{ proof: { scheme: header_token, header: x }, secret: s }', '/webhook/secret'],
  ])('%s', (_, webhook, path) => {
    expect(refusedAt(webhook)).toEqual([path]);
  });
});
