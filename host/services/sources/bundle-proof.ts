import { RequestError } from '../../domain/errors.ts';
import { matchesSubject } from '../../domain/identity.ts';
import {
  endedAuthorities,
  gotFarther,
  MAX_BUNDLE_BYTES,
  MAX_BUNDLES,
  type BundleFault,
  type BundleVerdict,
  type SigstoreRoot,
} from '../../domain/sigstore.ts';
import type { SignedIdentity, TrustedIdentity } from '../../domain/trust.ts';
import type { BundledComponent, BundleJudge } from '../../sandbox/bundle-judge.ts';
import type { Database } from '../../store/database.ts';
import { listRoots } from '../../store/sigstore-roots.ts';
import { listIdentities } from '../../store/trusted-identities.ts';

export interface BundleProofOptions {
  database: Database;
  judge: Pick<BundleJudge, 'judge'>;
}

/** Who signed a component by sigstore, as far as the operator believes it. */
export interface BundleProof {
  /** Whom one of the bundles proves. The code of what is wrong with the one that came nearest: see `BUNDLE_FAULTS`. */
  signerOf(signed: BundledComponent): Promise<SignedIdentity>;
}

interface Fault {
  fault: BundleFault;
  message: string;
}

export function createBundleProof({ database, judge }: BundleProofOptions): BundleProof {
  return {
    async signerOf(signed) {
      const roots = await listRoots(database);
      if (roots.length === 0)
        throw refusal({ fault: 'UNTRUSTED_ROOT', message: 'It is signed by sigstore, and no sigstore instance is trusted here.' }, roots);
      // The first few: whoever has a component may hang more on it, in a registry that lets him.
      const bundles = signed.bundles.slice(0, MAX_BUNDLES).filter((bundle) => Buffer.byteLength(bundle) <= MAX_BUNDLE_BYTES);
      const identities = await listIdentities(database);
      let nearest: Fault = { fault: 'BUNDLE_UNUSABLE', message: `The sigstore bundle has more than ${MAX_BUNDLE_BYTES} bytes.` };
      for (const verdict of await judge.judge({ ...signed, bundles }, roots)) {
        const outcome = believe(verdict, identities);
        if ('publisher' in outcome) return outcome;
        if (!gotFarther(nearest.fault, outcome.fault)) nearest = outcome;
      }
      throw refusal(nearest, roots);
    },
  };
}

/** The trusted identity that a verdict proves, or what stands against it. */
function believe(verdict: BundleVerdict, identities: readonly TrustedIdentity[]): SignedIdentity | Fault {
  if (!verdict.ok) return { fault: verdict.fault, message: `${WORDS[verdict.fault]} (${verdict.reason}).` };
  const { root, issuer, subject } = verdict;
  const ofIssuer = identities.filter(({ identity }) => identity.root === root && identity.issuer === issuer);
  if (ofIssuer.length === 0)
    return { fault: 'UNTRUSTED_ISSUER', message: `Of ${root}, no identity of ${issuer} is trusted here; it is signed by ${subject}.` };
  // Whom the operator named letter by letter before those whom a pattern fits.
  const found = ofIssuer
    .filter(({ identity }) => matchesSubject(subject, identity))
    .toSorted((a, b) => a.identity.match.localeCompare(b.identity.match))[0];
  if (found === undefined)
    return { fault: 'UNTRUSTED_SUBJECT', message: `It is signed by ${subject}, as ${issuer} says, and nobody here trusts that identity.` };
  return { ...found, subject };
}

const WORDS: Record<BundleFault, string> = {
  BUNDLE_UNUSABLE: 'The sigstore bundle cannot be used',
  BUNDLE_DIGEST_MISMATCH: 'The sigstore bundle is of something else',
  UNTRUSTED_ROOT: 'Its certificate comes from no sigstore instance that is trusted here',
  LOG_ENTRY_MISSING: 'Too few transparency logs have its signature',
  TIMESTAMP_MISSING: 'Too few say when it was signed',
  CERTIFICATE_EXPIRED: 'Its certificate was not valid when it was signed with',
  CERTIFICATE_NOT_LOGGED: 'Too few certificate logs have its certificate',
  LOG_ENTRY_INVALID: 'An entry of a log, or a timestamp, that came with it is not by the one it names',
  LOG_ENTRY_MISMATCH: 'The entry of the log that came with it is of another signature',
  SIGNATURE_INVALID: 'Its signature is not by the holder of its certificate',
  UNTRUSTED_ISSUER: 'The provider of its identity is not trusted',
  UNTRUSTED_SUBJECT: 'Its identity is not trusted',
};

function refusal({ fault, message }: Fault, roots: readonly SigstoreRoot[]): RequestError {
  const ended = roots.filter(({ authorities }) => endedAuthorities(authorities, Date.now()).length > 0).map(({ name }) => name);
  const renew =
    ended.length === 0
      ? ''
      : ` Of the sigstore root ${ended.join(', ')} authorities have ended: get the newest with \`datasources trust add-root\`.`;
  return new RequestError(fault, message, { remedy: `${remedyFor(fault)}${renew}` });
}

function remedyFor(fault: BundleFault): string {
  switch (fault) {
    case 'UNTRUSTED_ROOT':
      return 'If you trust its instance: `datasources trust add-root NAME trusted_root.json`.';
    case 'UNTRUSTED_ISSUER':
    case 'UNTRUSTED_SUBJECT':
      return 'If it is its publisher, which you know from elsewhere: `datasources trust add PUBLISHER --issuer URL --subject SUBJECT --name NAME`.';
    case 'BUNDLE_UNUSABLE':
      return 'Ask its publisher for a bundle as `cosign sign-blob --bundle` writes it.';
    default:
      return 'Do not install it; tell the publisher.';
  }
}
