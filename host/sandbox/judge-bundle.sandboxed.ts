import { createHash, X509Certificate as NodeCertificate } from 'node:crypto';
import { bundleFromJSON, type Bundle } from '@sigstore/bundle';
import { X509Certificate } from '@sigstore/core';
import { HashAlgorithm, type TrustedRoot } from '@sigstore/protobuf-specs';
import { PolicyError, toSignedEntity, toTrustMaterial, VerificationError, Verifier, type SignedEntity } from '@sigstore/verify';
import { readIdentity } from './certificate.sandboxed.ts';

/** A root as it was read, with what it asks. */
export interface ReadRoot {
  name: string;
  root: TrustedRoot;
  logEntries: number;
  timestamps: number;
  certificateLogs: number;
}

/** What was signed, by its bytes, and further digests (64 hexadecimal digits) that a statement may name in its place. */
export interface Signed {
  bytes: Buffer;
  digests: readonly string[];
}

export type Verdict = { ok: true; issuer: string; subject: string } | { ok: false; fault: string; reason: string };

const MEDIA_TYPES: ReadonlySet<string> = new Set([
  'application/vnd.dev.sigstore.bundle+json;version=0.1',
  'application/vnd.dev.sigstore.bundle+json;version=0.2',
  'application/vnd.dev.sigstore.bundle+json;version=0.3',
  'application/vnd.dev.sigstore.bundle.v0.3+json',
]);
const IN_TOTO = 'application/vnd.in-toto+json';
const STATEMENTS: ReadonlySet<unknown> = new Set(['https://in-toto.io/Statement/v1', 'https://in-toto.io/Statement/v0.1']);
/** What says "this is ours" or "we built it". Others say anything of it: that it was scanned, or that it is bad. */
const PREDICATES: ReadonlySet<unknown> = new Set([
  'https://sigstore.dev/cosign/sign/v1',
  'https://slsa.dev/provenance/v1',
  'https://slsa.dev/provenance/v0.2',
]);

/** A bundle under each root, one verdict each. Never throws. */
export function judgeBundle(text: string, signed: Signed, roots: readonly ReadRoot[]): Verdict[] {
  const read = attempt(() => readBundle(text, signed), 'BUNDLE_UNUSABLE');
  if (!read.ok) return roots.map(() => read);
  return roots.map((root) => {
    const verdict = attempt(() => ({ ok: true, value: judge(read.value, root) }), 'BUNDLE_UNUSABLE');
    return verdict.ok ? verdict.value : verdict;
  });
}

interface ReadBundle {
  entity: SignedEntity;
  leaf: NodeCertificate;
  identity: { issuer: string; subject: string };
}
type Fault = { ok: false; fault: string; reason: string };

/** What can be said of it without a root: whether it is a bundle, of these bytes, by somebody with a certificate. */
function readBundle(text: string, signed: Signed): { ok: true; value: ReadBundle } | Fault {
  const bundle = bundleFromJSON(JSON.parse(text));
  if (!MEDIA_TYPES.has(bundle.mediaType)) return unusable('it is no sigstore bundle of version 0.1, 0.2 or 0.3');
  const certificate = leafOf(bundle);
  if (certificate === undefined) return unusable('it was signed with a key and not with a certificate, so that it names nobody');
  const other = refuseOther(bundle, signed);
  if (other !== undefined) return other;
  const identity = readIdentity(X509Certificate.parse(certificate));
  if (!identity.ok) return unusable(identity.reason);
  return { ok: true, value: { entity: toSignedEntity(bundle, signed.bytes), leaf: new NodeCertificate(certificate), identity } };
}

function leafOf({ verificationMaterial: { content } }: Bundle): Buffer<ArrayBuffer> | undefined {
  const found =
    content.$case === 'certificate'
      ? content.certificate
      : content.$case === 'x509CertificateChain'
        ? content.x509CertificateChain.certificates[0]
        : undefined;
  return found === undefined ? undefined : Buffer.from(found.rawBytes);
}

/** The library compares a signature with its own digest, and looks into no statement: that it is of this component is for us to see. */
function refuseOther({ content }: Bundle, { bytes, digests }: Signed): Fault | undefined {
  if (content.$case === 'messageSignature') {
    const { algorithm, digest } = content.messageSignature.messageDigest;
    if (algorithm !== HashAlgorithm.SHA2_256) return unusable('its digest is not SHA-256');
    return createHash('sha256').update(bytes).digest().equals(digest) ? undefined : anotherDigest(digest.toString('hex'));
  }
  const { payloadType, payload } = content.dsseEnvelope;
  if (payloadType !== IN_TOTO) return unusable('what it signs is no in-toto statement');
  const statement: unknown = JSON.parse(payload.toString('utf8'));
  if (!isRecord(statement) || !STATEMENTS.has(statement['_type']) || !Array.isArray(statement.subject))
    return unusable('what it signs is no in-toto statement');
  if (!PREDICATES.has(statement.predicateType)) return unusable('its statement is neither a signature nor the provenance of a build');
  const subjects: readonly unknown[] = statement.subject;
  const named = subjects.map((subject) => (isRecord(subject) && isRecord(subject.digest) ? subject.digest.sha256 : undefined));
  return named.some((digest) => typeof digest === 'string' && digests.includes(digest))
    ? undefined
    : anotherDigest(String(named[0] ?? 'nothing'));
}

function judge({ entity, leaf, identity }: ReadBundle, root: ReadRoot): Verdict {
  const lacking = lackOf(entity, root);
  if (lacking !== undefined) return lacking;
  const verifier = new Verifier(toTrustMaterial(root.root), {
    tlogThreshold: root.logEntries,
    timestampThreshold: root.timestamps,
    ctlogThreshold: root.certificateLogs,
  });
  try {
    verifier.verify(entity);
    return { ok: true, ...identity };
  } catch (error) {
    if (!(error instanceof VerificationError || error instanceof PolicyError)) throw error;
    return { ok: false, fault: faultOf(error.code, error.message, { entity, leaf, root: root.root }), reason: error.message };
  }
}

/** Counts logs and clocks, where the library counts what they said: one of them that says it twice is one. */
function lackOf({ tlogEntries, timestamps }: SignedEntity, root: ReadRoot): Fault | undefined {
  const logs = new Set(tlogEntries.map(({ logId }) => logId.keyId.toString('hex')));
  const clocks = new Set(
    timestamps.flatMap((said) => {
      if (said.$case === 'timestamp-authority')
        return [Buffer.concat([said.timestamp.signerIssuer, said.timestamp.signerSerialNumber]).toString('hex')];
      return said.tlogEntry.inclusionPromise === undefined ? [] : [said.tlogEntry.logId.keyId.toString('hex')];
    }),
  );
  if (logs.size < root.logEntries) return { ok: false, fault: 'LOG_ENTRY_MISSING', reason: `${logs.size} logs have it` };
  if (clocks.size < root.timestamps) return { ok: false, fault: 'TIMESTAMP_MISSING', reason: `${clocks.size} say when it was signed` };
  return undefined;
}

/** Which of our faults one of the library's is. It stops at the first, and its first is not always what matters most. */
function faultOf(
  code: string,
  message: string,
  { entity, leaf, root }: { entity: SignedEntity; leaf: NodeCertificate; root: TrustedRoot },
): string {
  switch (code) {
    case 'CERTIFICATE_ERROR':
      if (message.includes('SCT')) return 'CERTIFICATE_NOT_LOGGED';
      return issuedBy(root, leaf) ? 'CERTIFICATE_EXPIRED' : 'UNTRUSTED_ROOT';
    case 'TLOG_BODY_ERROR':
      return entity.signature.verifySignature(leaf.publicKey) ? 'LOG_ENTRY_MISMATCH' : 'SIGNATURE_INVALID';
    case 'SIGNATURE_ERROR':
      return 'SIGNATURE_INVALID';
    case 'TLOG_ERROR':
      return 'LOG_ENTRY_MISSING';
    default:
      return 'LOG_ENTRY_INVALID';
  }
}

/** Whether an authority of the root has signed it, whenever that was. */
function issuedBy({ certificateAuthorities }: TrustedRoot, leaf: NodeCertificate): boolean {
  const authorities = certificateAuthorities.flatMap(({ certChain }) => certChain?.certificates ?? []);
  return authorities.some(({ rawBytes }) => leaf.verify(new NodeCertificate(rawBytes).publicKey));
}

function unusable(reason: string): Fault {
  return { ok: false, fault: 'BUNDLE_UNUSABLE', reason };
}

function anotherDigest(digest: string): Fault {
  return { ok: false, fault: 'BUNDLE_DIGEST_MISMATCH', reason: `it is of sha256:${digest}` };
}

function attempt<T>(work: () => { ok: true; value: T } | Fault, fault: string): { ok: true; value: T } | Fault {
  try {
    return work();
  } catch (error) {
    return { ok: false, fault, reason: error instanceof Error ? error.message : String(error) };
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
