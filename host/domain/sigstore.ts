import type { ErrorCode } from './errors.ts';
import { isJsonObject, type JsonObject } from './json.ts';

/** How many who know nothing of one another must have seen a signature before it is believed. */
export interface Witnesses {
  /** Transparency logs with an entry of it. 0 only for an instance that keeps none. */
  logEntries: number;
  /** Who say when it was made, logs that promise it in time among them. At least 1: a certificate lives for minutes. */
  timestamps: number;
  /** Certificate transparency logs with the certificate. 0 only for an instance that keeps none. */
  certificateLogs: number;
}

export const DEFAULT_WITNESSES: Witnesses = { logEntries: 1, timestamps: 1, certificateLogs: 1 };
export const MAX_WITNESSES = 8;

export const AUTHORITY_KINDS = ['certificateAuthorities', 'transparencyLogs', 'certificateLogs', 'timestampAuthorities'] as const;
export type AuthorityKind = (typeof AUTHORITY_KINDS)[number];

/** What a root has of one kind. */
export interface AuthorityGroup {
  count: number;
  /** When the last of them ends; undefined when one has no end, or there is none. */
  endsAtMs: number | undefined;
}

export type Authorities = Readonly<Record<AuthorityKind, AuthorityGroup>>;

/** One sigstore instance as an operator believes it: the text of its `trusted_root.json`, and what that asks of a bundle. */
export interface SigstoreRoot {
  name: string;
  text: string;
  /** Of the text: `sha256:…`. */
  digest: string;
  witnesses: Witnesses;
  authorities: Authorities;
}

export const ROOT_NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;
export const MAX_ROOTS = 8;
/** The public instance's has ten thousand. */
export const MAX_ROOT_BYTES = 256 * 1024;
/** One with the provenance of a large build has some ten thousand. */
export const MAX_BUNDLE_BYTES = 256 * 1024;
export const MAX_BUNDLES = 8;
/** What is behind the name of a component in that of the file with its bundle. */
export const BUNDLE_SUFFIX = '.sigstore.json';
export const BUNDLE_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';

/** What was written down of a root, or said of it on the other side of a boundary; undefined for what is none. */
export function parseAuthorities(value: unknown): Authorities | undefined {
  if (!isJsonObject(value)) return undefined;
  const groupOf = (kind: AuthorityKind): AuthorityGroup => {
    const { count, endsAtMs }: JsonObject = isJsonObject(value[kind]) ? value[kind] : {};
    return { count: typeof count === 'number' ? count : 0, endsAtMs: typeof endsAtMs === 'number' ? endsAtMs : undefined };
  };
  return {
    certificateAuthorities: groupOf('certificateAuthorities'),
    transparencyLogs: groupOf('transparencyLogs'),
    certificateLogs: groupOf('certificateLogs'),
    timestampAuthorities: groupOf('timestampAuthorities'),
  };
}

/** Kinds of which a root has only such that have ended: what is signed from then on it cannot prove. */
export function endedAuthorities(authorities: Authorities, nowMs: number): AuthorityKind[] {
  return AUTHORITY_KINDS.filter((kind) => (authorities[kind].endsAtMs ?? Number.POSITIVE_INFINITY) <= nowMs);
}

/** Why no bundle can ever be proved by a root with these; undefined when one can. */
export function lackOf(authorities: Authorities, witnesses: Witnesses): string | undefined {
  const { certificateAuthorities, transparencyLogs, certificateLogs, timestampAuthorities } = authorities;
  if (certificateAuthorities.count === 0) return 'it has no certificate authority';
  if (transparencyLogs.count < witnesses.logEntries) return `it has ${transparencyLogs.count} transparency logs`;
  if (certificateLogs.count < witnesses.certificateLogs) return `it has ${certificateLogs.count} certificate logs`;
  const clocks = transparencyLogs.count + timestampAuthorities.count;
  return clocks < witnesses.timestamps ? `it has ${clocks} who can say when something was signed` : undefined;
}

/** What can be wrong with a bundle, from what fails first to what fails last. */
export const BUNDLE_FAULTS = [
  'BUNDLE_UNUSABLE',
  'BUNDLE_DIGEST_MISMATCH',
  'UNTRUSTED_ROOT',
  'LOG_ENTRY_MISSING',
  'TIMESTAMP_MISSING',
  'CERTIFICATE_EXPIRED',
  'CERTIFICATE_NOT_LOGGED',
  'LOG_ENTRY_INVALID',
  'LOG_ENTRY_MISMATCH',
  'SIGNATURE_INVALID',
  'UNTRUSTED_ISSUER',
  'UNTRUSTED_SUBJECT',
] as const satisfies readonly ErrorCode[];
export type BundleFault = (typeof BUNDLE_FAULTS)[number];

/** What a bundle that holds proves under one root, or why it does not hold. Texts are printable ASCII. */
export type BundleVerdict = { ok: true; root: string; issuer: string; subject: string } | { ok: false; fault: BundleFault; reason: string };

/** Whether the first of two faults shows that more of its bundle was good. */
export function gotFarther(a: BundleFault, b: BundleFault): boolean {
  return BUNDLE_FAULTS.indexOf(a) > BUNDLE_FAULTS.indexOf(b);
}
