import type { DatasourceManifest, Oauth } from '../generated/schemas/datasource-manifest.ts';
import { placeholdersOf, type AuthorisationRules, type Endpoints } from './authorisation.ts';
import type { Problem } from './errors.ts';
import { isJsonObject } from './json.ts';

type EndpointSource = Pick<
  Oauth,
  'issuer' | 'authorization_endpoint' | 'token_endpoint' | 'device_authorization_endpoint' | 'revocation_endpoint' | 'installation_endpoint'
>;

/** Every default is filled in. */
export function toAuthorisationRules(source: Oauth): AuthorisationRules {
  return {
    flows: source.flows ?? ['code'],
    endpoints: toEndpoints(source),
    variants: (source.variants ?? []).map(({ when, ...endpoints }) => ({ when, endpoints: toEndpoints(endpoints) })),
    revocation: source.revocation ?? 'rfc7009',
    client: {
      id: source.client_id,
      secret: source.client_secret,
      key: source.client_key,
      certificate: source.client_certificate,
      assertionIssuer: source.assertion_issuer,
    },
    clientAuthentication: source.client_authentication ?? (source.client_secret === undefined ? 'none' : 'post'),
    scopeSeparator: source.scope_separator ?? ' ',
    scopeParameter: source.scope_parameter ?? 'scope',
    extraScopes: source.extra_scopes ?? [],
    checkScopes: source.check_scopes ?? true,
    authorizationParameters: source.authorization_parameters ?? {},
    tokenParameters: source.token_parameters ?? {},
    tokenAt: (source.token_at ?? '').split('/').slice(1),
    assertionSubjectFromConfig: source.assertion_subject_from_config,
    resources:
      source.resources === undefined
        ? undefined
        : {
            endpoint: source.resources.endpoint,
            id: source.resources.id ?? 'id',
            label: source.resources.label ?? 'name',
            configKey: source.resources.config_key,
          },
  };
}

function toEndpoints(source: EndpointSource): Endpoints {
  return {
    issuer: source.issuer,
    authorization: source.authorization_endpoint,
    token: source.token_endpoint,
    device: source.device_authorization_endpoint,
    revocation: source.revocation_endpoint,
    installation: source.installation_endpoint,
  };
}

/** What the schema cannot say of `auth.oauth`. */
export function checkOAuth(source: DatasourceManifest): Problem[] {
  const oauth = source.auth?.oauth;
  if (oauth === undefined) return [];
  return [...checkVariables(source, oauth), ...checkPlaceholders(source, oauth), ...checkFlows(oauth), ...checkParameters(oauth)];
}

const VARIABLE_KEYS = ['client_id', 'client_secret', 'client_key', 'client_certificate', 'assertion_issuer'] as const;

function checkVariables(source: DatasourceManifest, oauth: Oauth): Problem[] {
  const known = (source.env_vars ?? []).map(({ name }) => name);
  return VARIABLE_KEYS.flatMap((key) => {
    const name = oauth[key];
    if (name === undefined || known.includes(name)) return [];
    return [{ path: `/auth/oauth/${key}`, reason: `"${name}" is not in env_vars.`, remedy: 'Add it there with a description.' }];
  });
}

const ENDPOINT_KEYS = [
  'issuer',
  'authorization_endpoint',
  'token_endpoint',
  'device_authorization_endpoint',
  'revocation_endpoint',
  'installation_endpoint',
] as const;

function checkPlaceholders(source: DatasourceManifest, oauth: Oauth): Problem[] {
  const properties: unknown = source.config_schema?.properties;
  const known = isJsonObject(properties) ? Object.keys(properties) : [];
  const named = [
    ...ENDPOINT_KEYS.map((key) => ({ path: `/auth/oauth/${key}`, keys: placeholdersOf(oauth[key] ?? '') })),
    ...(oauth.variants ?? []).flatMap((variant, at) => [
      ...ENDPOINT_KEYS.map((key) => ({ path: `/auth/oauth/variants/${at}/${key}`, keys: placeholdersOf(variant[key] ?? '') })),
      { path: `/auth/oauth/variants/${at}/when`, keys: Object.keys(variant.when) },
    ]),
    { path: '/auth/oauth/assertion_subject_from_config', keys: [oauth.assertion_subject_from_config ?? []].flat() },
    { path: '/auth/oauth/resources/endpoint', keys: placeholdersOf(oauth.resources?.endpoint ?? '') },
    { path: '/auth/oauth/resources/config_key', keys: [oauth.resources?.config_key ?? []].flat() },
  ];
  return named.flatMap(({ path, keys }) =>
    keys
      .filter((key) => !known.includes(key) && !(key === 'client_id' && path.endsWith('revocation_endpoint')))
      .map((key) => ({ path, reason: `config_schema has no property "${key}".`, remedy: 'Add it there, or name another.' })),
  );
}

/** What each flow cannot do without. */
function checkFlows(oauth: Oauth): Problem[] {
  const found = oauth.issuer !== undefined;
  const needs = (path: keyof Oauth, why: string): Problem[] =>
    oauth[path] === undefined ? [{ path: '/auth/oauth', reason: `${why} needs "${path}".`, remedy: `Add "${path}".` }] : [];
  const problems = (oauth.flows ?? ['code']).flatMap((flow) => {
    const why = `The flow ${flow}`;
    const token = found ? [] : needs('token_endpoint', why);
    switch (flow) {
      case 'code':
        return [...token, ...(found ? [] : needs('authorization_endpoint', why)), ...needs('client_id', why)];
      case 'device':
        return [...token, ...(found ? [] : needs('device_authorization_endpoint', why)), ...needs('client_id', why)];
      case 'client_credentials':
        return [...token, ...needs('client_id', why)];
      case 'assertion':
        return [...token, ...needs('client_key', why)];
      case 'installation':
        return [...needs('installation_endpoint', why), ...needs('client_key', why)];
      default:
        return flow satisfies never;
    }
  });
  const proofs = [
    ...(oauth.client_authentication === 'key' ? needs('client_key', 'The authentication "key"') : []),
    ...(oauth.client_authentication === 'post' || oauth.client_authentication === 'basic'
      ? needs('client_secret', `The authentication "${oauth.client_authentication}"`)
      : []),
  ];
  return [...problems, ...proofs];
}

/** What the host says itself, and nobody may say in its place. */
const OWN_PARAMETERS = [
  'client_id',
  'client_secret',
  'client_assertion',
  'client_assertion_type',
  'redirect_uri',
  'response_type',
  'response_mode',
  'state',
  'code',
  'code_challenge',
  'code_challenge_method',
  'code_verifier',
  'grant_type',
  'refresh_token',
  'device_code',
  'assertion',
];

function checkParameters(oauth: Oauth): Problem[] {
  return (['authorization_parameters', 'token_parameters'] as const).flatMap((group) =>
    Object.keys(oauth[group] ?? {})
      .filter((name) => OWN_PARAMETERS.includes(name))
      .map((name) => ({ path: `/auth/oauth/${group}/${name}`, reason: `"${name}" is set by the host only.`, remedy: 'Remove it.' })),
  );
}
