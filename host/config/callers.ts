import type { Read } from './reading.ts';
import ipaddr from 'ipaddr.js';
import { SCOPES, type Scope } from '../domain/caller.ts';
import { isLoopbackHost } from '../domain/loopback.ts';
import { TOKEN_ALGORITHMS, type TokenOrganisation, type TokenSettings } from '../domain/token-settings.ts';
import { SettingFault } from './setting-fault.ts';

/** The settings of the OpenID provider as they are written. */
interface TokenTexts {
  issuer: string | undefined;
  audience: string;
  jwksUrl: string | undefined;
  algorithms: readonly string[];
  scopesClaim: readonly string[];
  scopesOf: ReadonlyMap<string, readonly Scope[]>;
  organisation: TokenOrganisation;
}

/** The provider, unless none is named. `SettingFault` when something is missing. */
function toTokenSettings(texts: TokenTexts): TokenSettings | undefined {
  const { issuer, ...rest } = texts;
  if (issuer === undefined) return undefined;
  if (rest.audience === '')
    throw new SettingFault(
      'Tokens for anybody would be taken.',
      'Set it to what the provider calls this host, as its tokens name it in `aud`.',
    );
  return Object.freeze({ issuer, ...rest });
}

/** An https address, or an http one of this machine. Kept as it is written: issuers are compared letter by letter. */
function toProviderUrl(text: string): string | undefined {
  if (text === '') return undefined;
  const url = URL.parse(text);
  const local = url?.protocol === 'http:' && isLoopbackHost(url.hostname);
  if (url !== null && (url.protocol === 'https:' || local) && url.hash === '' && url.username === '' && url.password === '') return text;
  throw new SettingFault('It is no https address.', 'Write it as in https://login.example.com/realms/main.');
}

function toAlgorithms(text: string): readonly string[] {
  const words = text.split(',').map((word) => word.trim());
  const unknown = words.find((word) => !TOKEN_ALGORITHMS.some((known) => known === word));
  if (unknown === undefined) return Object.freeze(words);
  throw new SettingFault(`"${unknown}" is no algorithm that is taken.`, `Name some of: ${TOKEN_ALGORITHMS.join(', ')}.`);
}

/** `realm_access.roles` */
function toClaimPath(text: string): readonly string[] {
  const path = text.split('.');
  if (path.every((name) => name !== '')) return Object.freeze(path);
  throw new SettingFault('It is no path of claims.', 'Write it as in scope, or realm_access.roles.');
}

/** `assistants=reader+on-behalf-of, staff=operator` */
function toScopeMapping(text: string): ReadonlyMap<string, readonly Scope[]> {
  const rows = text.split(',').flatMap((row) => row.trim() || []);
  return new Map(rows.map((row) => toScopeRow(row)));
}

function toScopeRow(row: string): [string, readonly Scope[]] {
  const at = row.lastIndexOf('=');
  const value = row.slice(0, Math.max(0, at)).trim();
  const scopes = row
    .slice(at + 1)
    .split('+')
    .map((word) => SCOPES.find((scope) => scope === word.trim()));
  if (at > 0 && value !== '' && scopes.every((scope) => scope !== undefined)) return [value, Object.freeze(scopes)];
  throw new SettingFault(
    `"${row}" does not say which scopes a value gives.`,
    `Write it as in assistants=reader+on-behalf-of; scopes are ${SCOPES.join(', ')}.`,
  );
}

/** `acme`, `*` for the whole host, or `claim:` and a path of claims. */
function toTokenOrganisation(text: string): TokenOrganisation {
  if (text === '*') return { from: 'setting', organisation: undefined };
  if (text.startsWith('claim:')) return { from: 'claim', claim: toClaimPath(text.slice('claim:'.length)) };
  if (/^[a-z0-9][a-z0-9-]{0,62}$/.test(text)) return { from: 'setting', organisation: text };
  throw new SettingFault(
    'It names no organisation.',
    'Write an id as in acme, * for the whole host, or claim:organisation for a claim that holds the id.',
  );
}

/** Origins as browsers send them. */
export function toOrigins(text: string): readonly string[] {
  const words = text.split(',').flatMap((word) => word.trim() || []);
  const wrong = words.find((word) => URL.parse(word)?.origin !== word || word === 'null');
  if (wrong === undefined) return Object.freeze(words);
  throw new SettingFault(
    `"${wrong}" is no origin.`,
    'Write origins as in https://app.example.com, without a path, with commas between them.',
  );
}

/** Blocks of addresses: `10.0.0.0/8`, or one address. */
export function toBlocks(text: string): readonly string[] {
  const words = text.split(',').flatMap((word) => word.trim() || []);
  const wrong = words.find((word) => !ipaddr.isValid(word) && !ipaddr.isValidCIDR(word));
  if (wrong === undefined) return Object.freeze(words);
  throw new SettingFault(`"${wrong}" is no address and no block of addresses.`, 'Write it as in 10.0.0.0/8, with commas between several.');
}

/** The OpenID provider whose tokens are taken; undefined without one. */
export function readTokenSettings(read: Read): TokenSettings | undefined {
  const texts = {
    issuer: read('LORELAI_OIDC_ISSUER', toProviderUrl),
    jwksUrl: read('LORELAI_OIDC_JWKS_URL', toProviderUrl),
    algorithms: read('LORELAI_OIDC_ALGORITHMS', toAlgorithms) ?? [],
    scopesClaim: read('LORELAI_OIDC_SCOPES_CLAIM', toClaimPath) ?? [],
    scopesOf: read('LORELAI_OIDC_SCOPES', toScopeMapping) ?? new Map<string, never>(),
    organisation: read('LORELAI_OIDC_ORGANISATION', toTokenOrganisation) ?? { from: 'claim', claim: [] },
  };
  return read('LORELAI_OIDC_AUDIENCE', (audience) => toTokenSettings({ ...texts, audience }));
}
