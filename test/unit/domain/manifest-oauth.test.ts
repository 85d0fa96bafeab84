import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { askedAuthorisationOrigins, endpointsFor, type AuthorisationRules } from '../../../host/domain/authorisation.ts';
import { parseManifest } from '../../../host/domain/manifest-parse.ts';
import { SMALL_MANIFEST } from '../../helpers/wat-component.ts';

const CODE = {
  authorization_endpoint: 'https://login.example.com/{tenant}/authorize',
  token_endpoint: 'https://login.example.com/{tenant}/token',
  client_id: 'CLIENT_ID',
};

function verdictOf(oauth: Record<string, unknown>): ReturnType<typeof parseManifest> {
  const manifest = parse(SMALL_MANIFEST);
  manifest.config_schema = {
    type: 'object',
    properties: Object.fromEntries(['tenant', 'cloud', 'base_url'].map((name) => [name, { type: 'string' }])),
  };
  manifest.env_vars = [{ name: 'CLIENT_ID' }, { name: 'KEY' }];
  manifest.auth = { type: 'oauth2', oauth };
  return parseManifest(stringify(manifest));
}

function rulesOf(oauth: Record<string, unknown>): AuthorisationRules {
  const verdict = verdictOf(oauth);
  const rules = verdict.ok ? verdict.manifest.auth.oauth : undefined;
  if (rules === undefined) throw new Error(JSON.stringify(verdict));
  return rules;
}

describe('auth.oauth of a manifest', () => {
  it.each([
    ['a variable that is not in env_vars', { ...CODE, client_id: 'OTHER' }, '/auth/oauth/client_id'],
    [
      'a setting that config_schema does not have',
      { ...CODE, token_endpoint: 'https://login.example.com/{nothing}' },
      '/auth/oauth/token_endpoint',
    ],
    ['a flow without what it needs', { flows: ['device'], client_id: 'CLIENT_ID' }, '/auth/oauth'],
    ['an installation without its address', { flows: ['installation'], client_key: 'KEY' }, '/auth/oauth'],
    ['a proof without its key', { ...CODE, client_authentication: 'key' }, '/auth/oauth'],
    [
      'a parameter that only the host may set',
      { ...CODE, authorization_parameters: { redirect_uri: 'https://evil.example' } },
      '/auth/oauth/authorization_parameters/redirect_uri',
    ],
    ['a state of its own', { ...CODE, authorization_parameters: { state: 'x' } }, '/auth/oauth/authorization_parameters/state'],
    ['a placeholder in place of a host name', { ...CODE, token_endpoint: 'https://{tenant}/token' }, '/auth/oauth/token_endpoint'],
    ['a query in an endpoint', { ...CODE, token_endpoint: 'https://login.example.com/token?x=1' }, '/auth/oauth/token_endpoint'],
  ])('is refused for %s', (_, oauth, path) => {
    const verdict = verdictOf(oauth);
    expect(verdict.ok ? [] : verdict.problems.map((problem) => problem.path)).toContain(path);
  });

  it('names every origin that people, secrets or tokens would go to', () => {
    const variants = [
      { when: { cloud: 'china' }, token_endpoint: 'https://login.example.cn/token', authorization_endpoint: 'https://login.example.cn/a' },
    ];
    const resources = { endpoint: 'https://api.example.com/resources', config_key: 'tenant' };
    expect(askedAuthorisationOrigins(rulesOf({ ...CODE, variants, resources }))).toEqual([
      'https://login.example.com',
      'https://login.example.cn',
      'https://api.example.com',
    ]);
    expect(askedAuthorisationOrigins(rulesOf({ ...CODE, token_endpoint: '{base_url.origin}/token' }))).toEqual([
      'https://login.example.com',
    ]);
  });

  it('takes the endpoints of a national cloud, and the tenant of the connection', () => {
    const variants = [{ when: { cloud: 'china' }, token_endpoint: 'https://login.example.cn/{tenant}/token' }];
    const rules = rulesOf({ ...CODE, variants });
    expect(endpointsFor(rules, 'code', { tenant: 'acme.example', cloud: 'global' }).token).toBe(
      'https://login.example.com/acme.example/token',
    );
    expect(endpointsFor(rules, 'code', { tenant: 'acme.example', cloud: 'china' }).token).toBe(
      'https://login.example.cn/acme.example/token',
    );
  });

  it.each(['', '..', 'a/b', 'a?b', 'a#b', 'a b', '%2e%2e', 'x'.repeat(201)])(
    'lets no setting change the shape of an address: %j',
    (tenant) => {
      expect(() => endpointsFor(rulesOf(CODE), 'code', { tenant })).toThrow(/needs the setting "tenant"/);
    },
  );
});
