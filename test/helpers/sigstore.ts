import { createHash, generateKeyPairSync, sign as signWith, webcrypto, X509Certificate, KeyObject } from 'node:crypto';
import { initializeCTLog, initializeTSA } from '@sigstore/mock';
import { ALGORITHM, issueCertificate, startAuthority, YEAR_MS, type CertificateSubject } from './certificate-authority.ts';
import { startTransparencyLog, type LogEntry, type TransparencyLog } from './transparency-log.ts';

/** A whole sigstore instance of a test: authorities, logs and clocks with keys of its own, and what it signs is as real as theirs. */
export interface SigstoreInstance {
  log: TransparencyLog;
  /** The text of its `trusted_root.json`; fields replace its own. */
  root(fields?: object): string;
  /** The text of a bundle. */
  sign(artifact: Uint8Array, how?: HowToSign): Promise<string>;
}

export interface HowToSign {
  issuer?: string;
  /** As a certificate has it; a URI when it has a colon, else an e-mail address. */
  subject?: string;
  /** When the log says that it came; now when left out. */
  loggedAt?: Date;
  /** A statement about it in a DSSE envelope, in place of a signature of its bytes. */
  statement?: object;
  /** Of the certificate, whatever it is otherwise. */
  certificate?: Omit<CertificateSubject, 'issuer' | 'subject'>;
  /** A timestamp of the instance's authority beside the log's promise, or in its place. */
  timestamps?: 'log' | 'authority' | 'both' | 'none';
  /** Changes the bundle before it is written down. */
  change?(bundle: Bundle): void;
}

/** The JSON form of https://github.com/sigstore/protobuf-specs, as far as tests change it. */
export interface Bundle {
  mediaType: string;
  verificationMaterial: {
    certificate?: { rawBytes: string };
    x509CertificateChain?: { certificates: { rawBytes: string }[] };
    publicKey?: { hint: string };
    tlogEntries: LogEntry[];
    timestampVerificationData: { rfc3161Timestamps: { signedTimestamp: string }[] };
  };
  messageSignature?: { messageDigest: { algorithm: string; digest: string }; signature: string };
  dsseEnvelope?: { payload: string; payloadType: string; signatures: { sig: string; keyid: string }[] };
}

export const ISSUER = 'https://token.actions.example';
export const SUBJECT = 'https://github.example/acme/wiki/.github/workflows/release.yml@refs/tags/v1.0.0';
export const BUNDLE_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const IN_TOTO = 'application/vnd.in-toto+json';
const START = new Date(Date.now() - YEAR_MS).toISOString();
const SHA256_OID = '2.16.840.1.101.3.4.2.1';

/** @param issuerName Of its certificates, as people read it. */
export async function startSigstore(issuerName = 'acme'): Promise<SigstoreInstance> {
  const authority = await startAuthority(issuerName);
  const log = startTransparencyLog('rekor.sigstore.example');
  const certificateLog = await initializeCTLog(newPair());
  // Whole seconds, as authorities give them: the one of the test writes fractions in a way that few read.
  const clock = await initializeTSA(newPair(), new Date(Math.ceil(Date.now() / 1_000) * 1_000));
  const issue = (holder: webcrypto.CryptoKeyPair, { issuer = ISSUER, subject = SUBJECT, certificate = {} }: HowToSign): Promise<Buffer> =>
    issueCertificate(authority, holder, { issuer, subject, ...certificate }, async (bare) =>
      Buffer.from(await certificateLog.log(toArrayBuffer(bare), toArrayBuffer(authority.id))),
    );

  return {
    log,
    root: (fields = {}) =>
      JSON.stringify({
        mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
        tlogs: [toLog('https://rekor.sigstore.example', log.publicKey)],
        certificateAuthorities: [toAuthority('https://fulcio.sigstore.example', authority.chain)],
        ctlogs: [toLog('https://ctfe.sigstore.example', certificateLog.publicKey)],
        timestampAuthorities: [
          toAuthority('https://tsa.sigstore.example', [bytesOf(clock.intCertificate), bytesOf(clock.rootCertificate)]),
        ],
        ...fields,
      }),

    async sign(artifact, how = {}) {
      const holder = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
      const certificate = await issue(holder, how);
      const { content, signature, entry } = signContent(artifact, KeyObject.from(holder.privateKey), {
        statement: how.statement,
        certificate,
      });
      const { timestamps = 'log' } = how;
      const request = {
        artifactHash: createHash('sha256').update(signature).digest(),
        hashAlgorithmOID: SHA256_OID,
        nonce: 1,
        policyOID: '1.2.3.4',
        certReq: true,
      };
      const signedTimestamp =
        timestamps === 'log' || timestamps === 'none' ? [] : [bytesOf(await clock.timestamp(request)).toString('base64')];
      const bundle: Bundle = {
        mediaType: BUNDLE_TYPE,
        verificationMaterial: {
          certificate: { rawBytes: certificate.toString('base64') },
          tlogEntries: [log.add(entry, { at: how.loggedAt ?? new Date(), promised: timestamps === 'log' || timestamps === 'both' })],
          timestampVerificationData: { rfc3161Timestamps: signedTimestamp.map((text) => ({ signedTimestamp: text })) },
        },
        ...content,
      };
      how.change?.(bundle);
      return JSON.stringify(bundle);
    },
  };
}

/** As cosign and builders write it. */
export function statementOf(digest: string, predicateType = 'https://slsa.dev/provenance/v1'): object {
  const subject = [{ name: 'wiki.wasm', digest: { sha256: digest.replace('sha256:', '') } }];
  return { _type: 'https://in-toto.io/Statement/v1', subject, predicateType, predicate: {} };
}

/** The part of a bundle that is signed, and what the log is told of it. */
function signContent(
  artifact: Uint8Array,
  key: KeyObject,
  { statement, certificate }: { statement: object | undefined; certificate: Buffer },
): { content: Pick<Bundle, 'messageSignature' | 'dsseEnvelope'>; signature: Buffer; entry: { kind: string; spec: object } } {
  const verifier = Buffer.from(new X509Certificate(certificate).toString()).toString('base64');
  if (statement === undefined) {
    const digest = createHash('sha256').update(artifact).digest();
    const signature = signWith('sha256', artifact, key);
    const spec = {
      data: { hash: { algorithm: 'sha256', value: digest.toString('hex') } },
      signature: { content: signature.toString('base64'), publicKey: { content: verifier } },
    };
    const messageSignature = {
      messageDigest: { algorithm: 'SHA2_256', digest: digest.toString('base64') },
      signature: signature.toString('base64'),
    };
    return { content: { messageSignature }, signature, entry: { kind: 'hashedrekord', spec } };
  }
  const payload = Buffer.from(JSON.stringify(statement));
  const signature = signWith(
    'sha256',
    Buffer.concat([Buffer.from(`DSSEv1 ${IN_TOTO.length} ${IN_TOTO} ${payload.byteLength} `), payload]),
    key,
  );
  const spec = {
    payloadHash: { algorithm: 'sha256', value: createHash('sha256').update(payload).digest('hex') },
    signatures: [{ signature: signature.toString('base64'), verifier }],
  };
  const dsseEnvelope = {
    payload: payload.toString('base64'),
    payloadType: IN_TOTO,
    signatures: [{ sig: signature.toString('base64'), keyid: '' }],
  };
  return { content: { dsseEnvelope }, signature, entry: { kind: 'dsse', spec } };
}

function toLog(baseUrl: string, publicKey: Buffer): object {
  return {
    baseUrl,
    hashAlgorithm: 'SHA2_256',
    publicKey: { rawBytes: publicKey.toString('base64'), keyDetails: 'PKIX_ECDSA_P256_SHA_256', validFor: { start: START } },
    logId: { keyId: createHash('sha256').update(publicKey).digest('base64') },
  };
}

function toAuthority(uri: string, chain: readonly Buffer[]): object {
  const certificates = chain.map((certificate) => ({ rawBytes: certificate.toString('base64') }));
  return { subject: { organization: 'acme', commonName: 'acme' }, uri, certChain: { certificates }, validFor: { start: START } };
}

function newPair(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer {
  return Buffer.from(buffer.slice(byteOffset, byteOffset + byteLength));
}

function toArrayBuffer(bytes: Buffer): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
