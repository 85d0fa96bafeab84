/**
 * Runs on the other side of the boundary, for one component or one root, and is thrown away: certificates, timestamps and
 * protobuf of strangers are read here and nowhere else. What is signed is only hashed.
 *
 *   { ask: 'root', text }                                        { authorities } or { error }
 *   { ask: 'bundles', component, digests, bundles, roots }       { verdicts: one list for each bundle, with one of each root }
 */
import { X509Certificate } from 'node:crypto';
import { TrustedRoot, type CertificateAuthority, type TransparencyLogInstance } from '@sigstore/protobuf-specs';
import { toTrustMaterial } from '@sigstore/verify';
import { encodeFrame, FrameReader, type Wire } from './frame.ts';
import { judgeBundle, type ReadRoot } from './judge-bundle.sandboxed.ts';

/** The largest component with as many bundles and roots as there may be. */
const MAX_FRAME_BYTES = 72 * 1024 * 1024;
const MAX_TEXT = 500;

interface RootQuestion {
  ask: 'root';
  text: string;
}
interface BundlesQuestion {
  ask: 'bundles';
  component: Uint8Array;
  digests: string[];
  bundles: string[];
  roots: (Omit<ReadRoot, 'root'> & { text: string })[];
}

function answer(question: RootQuestion | BundlesQuestion): Wire {
  if (question.ask === 'root') return { authorities: describeRoot(readRoot(question.text)) };
  const signed = { bytes: Buffer.from(question.component), digests: question.digests };
  const roots = question.roots.map(({ text, ...root }) => ({ ...root, root: readRoot(text) }));
  const verdicts = question.bundles.map((bundle) => judgeBundle(bundle, signed, roots));
  return {
    verdicts: verdicts.map((list) =>
      list.map((verdict) => ({ ...verdict, ...('reason' in verdict ? { reason: short(verdict.reason) } : {}) })),
    ),
  };
}

/** Throws unless every part of it can be used. */
function readRoot(text: string): TrustedRoot {
  const root = TrustedRoot.fromJSON(JSON.parse(text));
  toTrustMaterial(root);
  return root;
}

function describeRoot({ certificateAuthorities, tlogs, ctlogs, timestampAuthorities }: TrustedRoot): Wire {
  return {
    certificateAuthorities: group(certificateAuthorities.map(authorityEnd)),
    transparencyLogs: group(tlogs.map(logEnd)),
    certificateLogs: group(ctlogs.map(logEnd)),
    timestampAuthorities: group(timestampAuthorities.map(authorityEnd)),
  };
}

function group(endsMs: number[]): Wire {
  const endsAtMs = Math.max(...endsMs);
  return { count: endsMs.length, ...(Number.isFinite(endsAtMs) ? { endsAtMs } : {}) };
}

/** When the root says so, or when a certificate of it does, whichever is first. */
function authorityEnd({ validFor, certChain }: CertificateAuthority): number {
  const certificates = certChain?.certificates ?? [];
  const ends = certificates.map(({ rawBytes }) => new X509Certificate(rawBytes).validToDate.getTime());
  return Math.min(validFor?.end?.getTime() ?? Number.POSITIVE_INFINITY, ...ends);
}

function logEnd({ publicKey }: TransparencyLogInstance): number {
  return publicKey?.validFor?.end?.getTime() ?? Number.POSITIVE_INFINITY;
}

function short(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, MAX_TEXT);
}

function reply(question: RootQuestion | BundlesQuestion): void {
  let said: Wire;
  try {
    said = answer(question);
  } catch (error) {
    said = { error: short(error instanceof Error ? error.message : String(error)) };
  }
  process.stdout.write(encodeFrame(said));
}

const reader = new FrameReader(MAX_FRAME_BYTES);
process.stdin.on('data', (chunk: Uint8Array) => {
  for (const value of reader.push(chunk)) reply(value as RootQuestion | BundlesQuestion);
});
// The host is gone: nobody is left to work for.
process.stdin.on('end', () => process.exit(0));
