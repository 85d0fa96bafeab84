import { RequestError } from './errors.ts';
import type { Identity } from './identity.ts';
import { looksLike } from './look-alike.ts';
import { signerOf, type ComponentSignature } from './component-signature.ts';
import type { PublicKey } from './signing-key.ts';

/** Who vouches for a component. `local`: nobody but the operator who took it from this machine. */
export type Trust =
  | { kind: 'local' }
  | { kind: 'signed'; publisher: string; keyId: string }
  | { kind: 'signed'; publisher: string; root: string; issuer: string; subject: string };

/** For what an operator believes somebody who signs. */
export interface TrustedSigner {
  publisher: string;
  /** Names of datasources: exact ones, those that begin with what stands before a `*`, or `*` for all. */
  names: string[];
}

/** A key that an operator believes. A publisher may have several, and identities besides. */
export interface TrustedKey extends TrustedSigner {
  publicKey: PublicKey;
}

/** An identity that an operator believes. */
export interface TrustedIdentity extends TrustedSigner {
  identity: Identity;
}

/** A trusted identity with the very subject that signed: it may be trusted by a pattern. */
export interface SignedIdentity extends TrustedIdentity {
  subject: string;
}

/** A datasource that the host knows. `publisher` is undefined for one that nobody signed. */
export interface KnownName {
  name: string;
  publisher: string | undefined;
}

/** `github`, `acme_*` or `*`. */
export const NAME_PATTERN = /^(?:[a-z][a-z0-9_]{0,63}|[a-z][a-z0-9_]{0,62}\*|\*)$/;
/** What people call a publisher: no spaces, so that it can be said on a command line. */
export const PUBLISHER = /^[a-z0-9][a-z0-9._-]{0,62}$/;

export function matchesName(name: string, pattern: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

/** The trusted key that signed the bytes with this digest. SIGNATURE_MISSING, SIGNATURE_INVALID, UNTRUSTED_PUBLISHER. */
export function proveSigner(digest: string, signature: ComponentSignature | undefined, keys: readonly TrustedKey[]): TrustedKey {
  if (signature === undefined) {
    throw new RequestError('SIGNATURE_MISSING', 'The component comes from elsewhere, and no signature comes with it.', {
      remedy:
        'Ask its publisher to sign it (`datasources sign`, `datasources publish`, or a sigstore bundle); what you have looked at yourself you may install from a file.',
    });
  }
  if (signature.digest !== digest) {
    throw new RequestError('SIGNATURE_INVALID', `The signature is of ${signature.digest}, and the component is ${digest}.`, {
      remedy: 'Get both again; if they stay apart, tell the publisher.',
    });
  }
  const signer = signerOf(signature, keys);
  if (signer !== undefined) return signer;
  const named = signature.envelope.signatures.map(({ keyId }) => keyId);
  const claimed = keys.find(({ publicKey }) => named.includes(publicKey.id));
  if (claimed !== undefined) {
    throw new RequestError('SIGNATURE_INVALID', `The signature says that it is by ${claimed.publisher}, and it is not.`, {
      remedy: 'Do not install it; tell the publisher.',
    });
  }
  throw new RequestError(
    'UNTRUSTED_PUBLISHER',
    `It is signed by a key that nobody here trusts: ${named.map(safeId).join(', ') || 'none'}.`,
    {
      remedy: "When you have its publisher's key from a place that you trust: `datasources trust add PUBLISHER --key FILE --name NAME`.",
    },
  );
}

/** As it goes on record with what was signed. */
export function trustOf(signer: TrustedKey | SignedIdentity): Trust {
  const { publisher } = signer;
  if ('publicKey' in signer) return { kind: 'signed', publisher, keyId: signer.publicKey.id };
  const { root, issuer } = signer.identity;
  return { kind: 'signed', publisher, root, issuer, subject: signer.subject };
}

/** PUBLISHER_NOT_ALLOWED, PUBLISHER_CHANGED, LOOK_ALIKE_NAME unless the publisher may bring a datasource of this name. */
export function refuseName(
  name: string,
  signer: TrustedKey | TrustedIdentity,
  around: { signers: readonly TrustedSigner[]; installed: readonly KnownName[] },
): void {
  const { publisher } = signer;
  const proof = 'publicKey' in signer ? '--key FILE' : '--issuer URL --subject SUBJECT';
  // All keys of a publisher have their own names: an old key may be kept to what it signed.
  const pattern = signer.names.find((candidate) => matchesName(name, candidate));
  if (pattern === undefined) {
    throw new RequestError('PUBLISHER_NOT_ALLOWED', `${publisher} is trusted for ${signer.names.join(', ')}, and not for ${name}.`, {
      remedy: `If it should be: \`datasources trust add ${publisher} ${proof} --name ${name}\`.`,
    });
  }
  const owner = around.installed.find((known) => known.name === name)?.publisher;
  if (owner !== undefined && owner !== publisher && around.signers.some((other) => other.publisher === owner)) {
    throw new RequestError('PUBLISHER_CHANGED', `${name} is installed from ${owner}, and this one is signed by ${publisher}.`, {
      remedy: `If it has moved from one to the other, trust ${owner} no more: \`datasources trust remove\`.`,
    });
  }
  // Who wrote the very name has decided on it: `trust add` has looked at it then.
  if (pattern === name || owner === publisher) return;
  const taken = likeness(name, publisher, around);
  if (taken !== undefined) throw lookAlike(name, taken, `datasources trust add ${publisher} ${proof} --name ${name} --allow-look-alike`);
}

/** A name of somebody else that this one could be taken for. */
export function likeness(
  name: string,
  publisher: string,
  { signers, installed }: { signers: readonly TrustedSigner[]; installed: readonly KnownName[] },
): KnownName | undefined {
  const promised = signers
    .flatMap((signer) => signer.names.map((taken) => ({ name: taken, publisher: signer.publisher })))
    .filter((known) => !known.name.endsWith('*'));
  return [...installed, ...promised].find((known) => known.publisher !== publisher && looksLike(name, known.name));
}

export function lookAlike(name: string, taken: KnownName, command: string): RequestError {
  const whose = taken.publisher === undefined ? 'is installed' : `is of ${taken.publisher}`;
  return new RequestError('LOOK_ALIKE_NAME', `${name} could be taken for ${taken.name}, which ${whose}.`, {
    remedy: `Look closely at which one you want. If it is really this one: \`${command}\`.`,
  });
}

/** A key's id as somebody else wrote it. */
function safeId(text: string): string {
  return /^[0-9a-zA-Z:._-]{1,80}$/.test(text) ? text : '(unreadable)';
}
