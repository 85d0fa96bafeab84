import { createHash } from 'node:crypto';
import { parseComponentSignature } from '../../domain/component-signature.ts';
import type { Actor } from '../../domain/caller.ts';
import { RequestError } from '../../domain/errors.ts';
import { parseGrant } from '../../domain/grant-parse.ts';
import { proveSigner, refuseName, trustOf, type SignedIdentity, type TrustedKey } from '../../domain/trust.ts';
import type { Database } from '../../store/database.ts';
import { listTrustedKeys } from '../../store/trusted-keys.ts';
import { accepted, type AdmittedComponent, type Components } from '../registry/components.ts';
import type { BundleProof } from './bundle-proof.ts';
import { knownNames, trustedSigners } from './trust-rules.ts';
import type { Incoming, VersionSwitch } from '../registry/version-switch.ts';

/** A component as it came from elsewhere. */
export interface RemoteComponent {
  bytes: Uint8Array;
  /** Where it came from, in words. */
  origin: string;
  /** The text of a signature that came with it. */
  signature: string | undefined;
  /** The texts of sigstore bundles that came with it. */
  bundles: readonly string[];
  /** Of the manifest of an artifact whose one component it is: whoever signs that signs the component. */
  artifactDigest?: string | undefined;
  /** What the one who named it said that it has; undefined when nobody said. */
  digest?: string | undefined;
  /** What it must be called, when it was asked for by name and version. */
  expected?: { name: string; version?: string };
}

/** The one door for what comes from elsewhere. */
export interface Admission {
  /**
   * Believes a component or refuses it: digest, signature, publisher, name, and only then what is in it. What comes of it is pinned to
   * its bytes once it is kept. DIGEST_MISMATCH, SIGNATURE_MISSING, SIGNATURE_INVALID, UNTRUSTED_PUBLISHER,
   * those of `BUNDLE_FAULTS`, PUBLISHER_NOT_ALLOWED, PUBLISHER_CHANGED, LOOK_ALIKE_NAME, SOURCE_UNUSABLE, the codes of `Components.admit`.
   */
  prove(offered: RemoteComponent): Promise<Incoming>;
  /** Keeps a component of this machine, which nobody has to have signed; it is marked as such. The codes of `Components.admit`, DIGEST_CHANGED. */
  takeLocal(bytes: Uint8Array, origin: string, actor: Actor): Promise<AdmittedComponent>;
}

export interface AdmissionOptions {
  database: Database;
  components: Components;
  versionSwitch: Pick<VersionSwitch, 'add'>;
  bundleProof: BundleProof;
}

export function createAdmission({ database, components, versionSwitch, bundleProof }: AdmissionOptions): Admission {
  async function signerOf(offered: RemoteComponent, digest: string): Promise<TrustedKey | SignedIdentity> {
    const { bytes, signature, bundles, artifactDigest } = offered;
    const parsed = signature === undefined ? undefined : parseComponentSignature(signature);
    // Other tools have signatures of their own in files of this name.
    if (signature !== undefined && parsed === undefined && bundles.length === 0) throw noSignature();
    try {
      return proveSigner(digest, parsed, await listTrustedKeys(database));
    } catch (error) {
      // A signature that is false is no reason to look for a better one.
      const other = error instanceof RequestError && (error.code === 'SIGNATURE_MISSING' || error.code === 'UNTRUSTED_PUBLISHER');
      if (!other || bundles.length === 0) throw error;
    }
    const digests = artifactDigest === undefined ? [digest] : [digest, artifactDigest];
    return bundleProof.signerOf({ component: bytes, digests, bundles });
  }

  return {
    async prove(offered) {
      const { bytes, origin, digest: named, expected } = offered;
      const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
      if (named !== undefined && named !== digest) throw digestMismatch(named, digest);
      // Before anything reads the file: what a stranger sent is not even looked at.
      const signer = await signerOf(offered, digest);
      const { manifest } = accepted(await components.inspect(bytes));
      if (manifest === undefined) throw new TypeError('an accepted component has a manifest');
      refuseOther(manifest, expected);
      refuseName(manifest.name, signer, { signers: await trustedSigners(database), installed: await knownNames(database) });
      const admitted = await components.admit(bytes, parseGrant({}));
      return { admitted, origin, trust: trustOf(signer) };
    },

    async takeLocal(bytes, origin, actor) {
      const admitted = await components.admit(bytes, parseGrant({}));
      await versionSwitch.add({ admitted, origin, trust: { kind: 'local' } }, actor);
      return admitted;
    },
  };
}

/** What arrived has another digest than was named. */
export function digestMismatch(named: string, found: string): RequestError {
  return new RequestError('DIGEST_MISMATCH', `${named} was asked for, and what came has ${found}.`, {
    remedy: 'Try again; if it stays, somebody has changed it on the way or at its source: tell the publisher.',
  });
}

function noSignature(): RequestError {
  return new RequestError('SIGNATURE_INVALID', 'What came as its signature is none.', { remedy: 'Tell the publisher.' });
}

function refuseOther(found: { name: string; version: string }, expected: RemoteComponent['expected']): void {
  if (expected === undefined) return;
  const { name, version = found.version } = expected;
  if (found.name === name && found.version === version) return;
  throw new RequestError('SOURCE_UNUSABLE', `${name} ${version} was asked for, and this is ${found.name} ${found.version}.`, {
    remedy: 'Tell who publishes the index.',
  });
}
