import type { Scope } from './caller.ts';

/** How bearer tokens of the operator's OpenID provider become callers. */
export interface TokenSettings {
  /** As the tokens name it, in `iss`. */
  issuer: string;
  /** What the tokens must name in `aud`: this host, as the provider knows it. */
  audience: string;
  /** Where the provider's keys are; undefined: where its discovery document says. */
  jwksUrl: string | undefined;
  /** Signature algorithms that are taken; never `none`, never a shared secret. */
  algorithms: readonly string[];
  /** The claim that says what the caller may do, as a path of names: a text with spaces or a list. */
  scopesClaim: readonly string[];
  /** What each of its values gives. All others give nothing. */
  scopesOf: ReadonlyMap<string, readonly Scope[]>;
  /** Whose the callers are. */
  organisation: TokenOrganisation;
}

export type TokenOrganisation =
  /** The id is in this claim; a token without it is refused. */
  | { from: 'claim'; claim: readonly string[] }
  /** All of them of this one; undefined for the whole host. */
  | { from: 'setting'; organisation: string | undefined };

/** Signed with a private key that only the provider has. */
export const TOKEN_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;
