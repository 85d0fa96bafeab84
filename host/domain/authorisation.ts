import { RequestError } from './errors.ts';
import type { JsonObject } from './json.ts';

/** How a token may be obtained; see `auth.oauth.flows` of the manifest's schema. */
export const FLOWS = ['code', 'device', 'client_credentials', 'assertion', 'installation'] as const;

export type Flow = (typeof FLOWS)[number];

/** Addresses of an authorization server, or templates of them. What is undefined is found by the issuer's metadata, or is not there. */
export interface Endpoints {
  issuer: string | undefined;
  authorization: string | undefined;
  token: string | undefined;
  device: string | undefined;
  revocation: string | undefined;
  /** Gives the token of an app's installation. */
  installation: string | undefined;
}

/** How the host obtains tokens for a datasource: the words of its author, who is a stranger. */
export interface AuthorisationRules {
  flows: Flow[];
  endpoints: Endpoints;
  /** In place of `endpoints` where all the settings of `when` are so; what a variant leaves out is not there. */
  variants: { when: Record<string, string>; endpoints: Endpoints }[];
  revocation: 'rfc7009' | 'delete_grant';
  /** Names of variables that the operator sets. */
  client: {
    id: string | undefined;
    secret: string | undefined;
    key: string | undefined;
    certificate: string | undefined;
    assertionIssuer: string | undefined;
  };
  clientAuthentication: 'post' | 'basic' | 'key' | 'none';
  scopeSeparator: string;
  scopeParameter: string;
  extraScopes: string[];
  checkScopes: boolean;
  authorizationParameters: Record<string, string>;
  tokenParameters: Record<string, string>;
  /** Keys that lead to the object of a response that holds the token. */
  tokenAt: string[];
  assertionSubjectFromConfig: string | undefined;
  resources: { endpoint: string; id: string; label: string; configKey: string } | undefined;
}

/** What a source gave for an authorisation. Kept sealed as a whole. */
export interface Tokens {
  access: string;
  refresh: string | undefined;
  /** The refresh token before this one, for a source that has forgotten the change. */
  previousRefresh: string | undefined;
}

const PLACEHOLDER = /\{([A-Za-z][A-Za-z0-9_]*)(\.origin)?\}/g;
const PATH_VALUE = /^[A-Za-z0-9._~-]{1,200}$/;

/** The settings of a connection that a template names. */
export function placeholdersOf(template: string): string[] {
  return [...template.matchAll(PLACEHOLDER)].map(([, key = '']) => key);
}

/** A template with the connection's settings in it. INVALID_CONFIG when one of them is missing or could change the shape of the address. */
export function fillTemplate(template: string, config: JsonObject): string {
  return template.replaceAll(PLACEHOLDER, (_, key: string, origin: string | undefined) => {
    const value = config[key];
    const text = typeof value === 'number' ? String(value) : value;
    if (typeof text === 'string' && origin === undefined && PATH_VALUE.test(text) && !/^\.+$/.test(text)) return text;
    if (typeof text === 'string' && origin !== undefined && URL.canParse(text)) return new URL(text).origin;
    throw new RequestError(
      'INVALID_CONFIG',
      `The authorisation needs the setting "${key}", which has no value that can stand in an address.`,
      {
        remedy: `Set "${key}" of the connection.`,
        problems: [
          { path: `/config/${key}`, reason: 'It cannot stand in an address.', remedy: 'Use letters, digits, ".", "_", "~" and "-".' },
        ],
      },
    );
  });
}

/** The endpoints of a flow for a connection with these settings. INVALID_CONFIG. */
export function endpointsFor(rules: AuthorisationRules, flow: Flow, config: JsonObject): Endpoints {
  const fits = rules.variants.find(({ when }) => Object.entries(when).every(([key, value]) => config[key] === value));
  const { issuer, authorization, token, device, revocation, installation } = fits?.endpoints ?? rules.endpoints;
  const fill = (template: string | undefined): string | undefined => (template === undefined ? undefined : fillTemplate(template, config));
  // The address of an installation needs a setting that no other flow has, and that flow needs no other address.
  const alone = flow === 'installation';
  return {
    issuer: alone ? undefined : fill(issuer),
    authorization: alone ? undefined : fill(authorization),
    token: alone ? undefined : fill(token),
    device: alone ? undefined : fill(device),
    revocation: alone ? undefined : fill(revocation),
    installation: alone ? fill(installation) : undefined,
  };
}

/** Every fixed origin that a manifest wants people, secrets or tokens sent to; those of settings are the operator's to add. */
export function askedAuthorisationOrigins(rules: AuthorisationRules | undefined): string[] {
  if (rules === undefined) return [];
  const sets = [rules.endpoints, ...rules.variants.map(({ endpoints }) => endpoints)];
  const templates = sets.flatMap(({ issuer, authorization, token, device, revocation, installation }) => [
    authorization,
    token,
    device,
    revocation,
    installation,
    // Asked for whatever it is not said to be.
    token === undefined ? issuer : undefined,
  ]);
  const origins = [...templates, rules.resources?.endpoint].flatMap((template) => {
    const start = template === undefined || template.startsWith('{') ? undefined : /^https?:\/\/[^/]+/.exec(template)?.[0];
    return start === undefined || !URL.canParse(start) ? [] : [new URL(start).origin];
  });
  return [...new Set(origins)];
}
