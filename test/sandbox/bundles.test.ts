import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_WITNESSES, lackOf, type BundleVerdict, type SigstoreRoot, type Witnesses } from '../../host/domain/sigstore.ts';
import { createBundleJudge, type BundleJudge } from '../../host/sandbox/bundle-judge.ts';
import { findIsolation } from '../../host/sandbox/find-isolation.ts';
import { ISSUER, startSigstore, statementOf, SUBJECT, type Bundle, type HowToSign, type SigstoreInstance } from '../helpers/sigstore.ts';
import type { LogEntry } from '../helpers/transparency-log.ts';

const COMPONENT = Buffer.from('what is signed');
const DIGEST = `sha256:${createHash('sha256').update(COMPONENT).digest('hex')}`;
let judge: BundleJudge;
let instance: SigstoreInstance;
let stranger: SigstoreInstance;

beforeAll(async () => {
  judge = createBundleJudge(await findIsolation('auto'));
  [instance, stranger] = await Promise.all([startSigstore(), startSigstore('stranger')]);
});

/** What is in it is not looked at: the judge reads it again. */
const NOTHING = { count: 0, endsAtMs: undefined };
const AUTHORITIES = { certificateAuthorities: NOTHING, transparencyLogs: NOTHING, certificateLogs: NOTHING, timestampAuthorities: NOTHING };
function rootOf(of: SigstoreInstance, witnesses: Partial<Witnesses> = {}): SigstoreRoot {
  return { name: 'acme', text: of.root(), digest: '', witnesses: { ...DEFAULT_WITNESSES, ...witnesses }, authorities: AUTHORITIES };
}

async function verdictOn(bundle: string, witnesses: Partial<Witnesses> = {}): Promise<BundleVerdict | undefined> {
  return (await judge.judge({ component: COMPONENT, digests: [DIGEST], bundles: [bundle] }, [rootOf(instance, witnesses)]))[0];
}
const judged = async (how: HowToSign, witnesses: Partial<Witnesses> = {}): Promise<BundleVerdict | undefined> =>
  verdictOn(await instance.sign(COMPONENT, how), witnesses);

const refusal = async (how: HowToSign, witnesses: Partial<Witnesses> = {}): Promise<string> => {
  const verdict = await judged(how, witnesses);
  return verdict?.ok === false ? verdict.fault : JSON.stringify(verdict);
};
/** Changes one character of base64 in its middle. */
const flipped = (base64: string): string => {
  const bytes = Buffer.from(base64, 'base64');
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  return bytes.toString('base64');
};
const logEntry = (bundle: Bundle): LogEntry => {
  const [entry] = bundle.verificationMaterial.tlogEntries;
  if (entry === undefined) throw new TypeError('it has an entry');
  return entry;
};
/** DER in DER, so many times. */
const nested = (depth: number): Buffer => {
  let bytes = Buffer.from([0x30, 0x00]);
  for (let level = 0; level < depth; level += 1)
    bytes = Buffer.concat([Buffer.from([0x30, 0x83, bytes.length >> 16, (bytes.length >> 8) & 0xff, bytes.length & 0xff]), bytes]);
  return bytes;
};
/** It says that it is of these bytes, and its signature is of others. */
const claimDigest = (bundle: Bundle): void => {
  if (bundle.messageSignature !== undefined)
    bundle.messageSignature.messageDigest.digest = createHash('sha256').update(COMPONENT).digest('base64');
};
const flipSignature = ({ messageSignature, dsseEnvelope }: Bundle): void => {
  if (messageSignature !== undefined) messageSignature.signature = flipped(messageSignature.signature);
  const [signature] = dsseEnvelope?.signatures ?? [];
  if (signature !== undefined) signature.sig = flipped(signature.sig);
};
const signWithKey = (bundle: Bundle): void => {
  delete bundle.verificationMaterial.certificate;
  bundle.verificationMaterial.publicKey = { hint: 'acme' };
};
const bare = (bundle: Bundle): void => void (bundle.verificationMaterial.tlogEntries = []);

describe('a sigstore bundle', () => {
  it('proves who signed the bytes, or a statement about them', async () => {
    const expected = { ok: true, root: 'acme', issuer: ISSUER, subject: SUBJECT };
    expect(await judged({})).toEqual(expected);
    expect(await judged({ statement: statementOf(DIGEST) })).toEqual(expected);
    expect(await judged({ statement: statementOf(DIGEST, 'https://sigstore.dev/cosign/sign/v1') })).toEqual(expected);
    expect(await judged({ timestamps: 'authority' })).toEqual(expected);
    expect(await judged({ subject: 'releases@acme.example' })).toEqual({ ...expected, subject: 'releases@acme.example' });
    expect(await judged({ certificate: { legacyIssuer: true } })).toEqual(expected);
  });

  it('may be of version 0.1 or 0.2, with a chain of certificates', async () => {
    for (const version of ['0.1', '0.2']) {
      const change = (bundle: Bundle): void => {
        bundle.mediaType = `application/vnd.dev.sigstore.bundle+json;version=${version}`;
        const { certificate } = bundle.verificationMaterial;
        if (certificate !== undefined) bundle.verificationMaterial.x509CertificateChain = { certificates: [certificate] };
        delete bundle.verificationMaterial.certificate;
      };
      expect(await judged({ change }), version).toMatchObject({ ok: true, subject: SUBJECT });
    }
  });

  it('of other bytes, or a statement about others: BUNDLE_DIGEST_MISMATCH', async () => {
    const other = await instance.sign(Buffer.from('something else'));
    expect(await verdictOn(other)).toMatchObject({ ok: false, fault: 'BUNDLE_DIGEST_MISMATCH' });
    expect(await refusal({ statement: statementOf(`sha256:${'0'.repeat(64)}`) })).toBe('BUNDLE_DIGEST_MISMATCH');
    expect(await verdictOn(await instance.sign(Buffer.from('something else'), { change: claimDigest }))).toMatchObject({
      ok: false,
      fault: 'SIGNATURE_INVALID',
    });
  });

  it('with a signature that somebody changed: SIGNATURE_INVALID', async () => {
    expect(await refusal({ change: flipSignature })).toBe('SIGNATURE_INVALID');
    expect(await refusal({ change: flipSignature, statement: statementOf(DIGEST) })).toBe('SIGNATURE_INVALID');
  });

  it('with a statement that says something other than that it is its own: BUNDLE_UNUSABLE', async () => {
    for (const type of [
      'https://in-toto.io/attestation/vulns/v0.1',
      'https://in-toto.io/attestation/test-result/v0.1',
      'https://spdx.dev/Document',
    ])
      expect(await refusal({ statement: statementOf(DIGEST, type) }), type).toBe('BUNDLE_UNUSABLE');
    expect(await refusal({ statement: { subject: [{ digest: { sha256: DIGEST.replace('sha256:', '') } }] } })).toBe('BUNDLE_UNUSABLE');
  });

  it('by an authority of another instance: UNTRUSTED_ROOT', async () => {
    expect(await verdictOn(await stranger.sign(COMPONENT))).toMatchObject({ ok: false, fault: 'UNTRUSTED_ROOT' });
    // Also one that calls itself the same.
    expect(await verdictOn(await (await startSigstore()).sign(COMPONENT))).toMatchObject({ ok: false, fault: 'UNTRUSTED_ROOT' });
  });

  it('with a certificate that was not valid when it was signed with: CERTIFICATE_EXPIRED', async () => {
    expect(await refusal({ loggedAt: new Date(Date.now() + 3_600_000) })).toBe('CERTIFICATE_EXPIRED');
    expect(await refusal({ loggedAt: new Date(Date.now() - 3_600_000) })).toBe('CERTIFICATE_EXPIRED');
  });

  it('whose certificate no log has: CERTIFICATE_NOT_LOGGED, unless the root asks for none', async () => {
    expect(await refusal({ certificate: { logged: false } })).toBe('CERTIFICATE_NOT_LOGGED');
    expect(await judged({ certificate: { logged: false } }, { certificateLogs: 0 })).toMatchObject({ ok: true });
  });

  it('without an entry of a log: LOG_ENTRY_MISSING, also when one says it twice where two are asked for', async () => {
    expect(await refusal({ change: bare, timestamps: 'authority' })).toBe('LOG_ENTRY_MISSING');
    expect(await judged({ change: bare, timestamps: 'authority' }, { logEntries: 0 })).toMatchObject({ ok: true });
    const second = logEntry(JSON.parse(await instance.sign(COMPONENT)) as Bundle);
    const change = (bundle: Bundle): void => void bundle.verificationMaterial.tlogEntries.push(second);
    expect(await refusal({ change }, { logEntries: 2 })).toBe('LOG_ENTRY_MISSING');
  });

  it('that nobody says the time of: TIMESTAMP_MISSING', async () => {
    expect(await refusal({ timestamps: 'none' })).toBe('TIMESTAMP_MISSING');
    expect(await refusal({ timestamps: 'log' }, { timestamps: 2 })).toBe('TIMESTAMP_MISSING');
    expect(await judged({ timestamps: 'both' }, { timestamps: 2 })).toMatchObject({ ok: true });
  });

  it('with the entry of another signature: LOG_ENTRY_MISMATCH', async () => {
    const other = JSON.parse(await instance.sign(Buffer.from('something else'))) as Bundle;
    const change = (bundle: Bundle): void => void (bundle.verificationMaterial.tlogEntries = other.verificationMaterial.tlogEntries);
    expect(await refusal({ change })).toBe('LOG_ENTRY_MISMATCH');
  });

  it('with an entry that the log did not make, or a time that it did not say: LOG_ENTRY_INVALID', async () => {
    const timestamped = JSON.parse(await instance.sign(COMPONENT, { timestamps: 'authority' })) as Bundle;
    const cases: Record<string, (bundle: Bundle) => void> = {
      'another time': (bundle) => void (logEntry(bundle).integratedTime = String(Number(logEntry(bundle).integratedTime) + 1)),
      'another promise': (bundle) => {
        const { inclusionPromise } = logEntry(bundle);
        if (inclusionPromise !== undefined) inclusionPromise.signedEntryTimestamp = flipped(inclusionPromise.signedEntryTimestamp);
      },
      'another place in the tree': (bundle) => void (logEntry(bundle).inclusionProof.logIndex = '0'),
      'another tree': (bundle) => {
        const { inclusionProof } = logEntry(bundle);
        inclusionProof.checkpoint.envelope = inclusionProof.checkpoint.envelope.replace(/\n\d+\n/, '\n99\n');
      },
      'the timestamp of another signature': (bundle) =>
        void (bundle.verificationMaterial.timestampVerificationData = timestamped.verificationMaterial.timestampVerificationData),
    };
    for (const [what, change] of Object.entries(cases)) {
      const timestamps = what.includes('timestamp') ? 'authority' : 'log';
      expect(await refusal({ change, timestamps }), what).toBe('LOG_ENTRY_INVALID');
    }
    const foreign = JSON.parse(await stranger.sign(COMPONENT)) as Bundle;
    const change = (bundle: Bundle): void => void (bundle.verificationMaterial.tlogEntries = foreign.verificationMaterial.tlogEntries);
    expect(await refusal({ change })).toBe('LOG_ENTRY_INVALID');
  });

  it('by a certificate that names nobody, two, or is for something else: BUNDLE_UNUSABLE', async () => {
    expect(await refusal({ certificate: { codeSigning: false } })).toBe('BUNDLE_UNUSABLE');
    expect(await refusal({ certificate: { secondSubject: 'https://github.example/mallory/wiki' } })).toBe('BUNDLE_UNUSABLE');
    expect(await refusal({ certificate: { secondSubject: 'releases@acme.example' } })).toBe('BUNDLE_UNUSABLE');
    // The highest bit of a letter, which some decoders drop.
    expect(await refusal({ certificate: { legacyIssuer: true }, issuer: ISSUER.replace('h', '\u00e8') })).toBe('BUNDLE_UNUSABLE');
    expect(await refusal({ change: signWithKey })).toBe('BUNDLE_UNUSABLE');
  });
});

describe('a stranger who sends something else than a bundle', () => {
  it('is refused, and never holds the host up', async () => {
    const good = JSON.parse(await instance.sign(COMPONENT)) as Bundle;
    const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
    const withCertificate = (rawBytes: string): string =>
      JSON.stringify({ ...good, verificationMaterial: { ...good.verificationMaterial, certificate: { rawBytes } } });
    const texts = [
      '',
      'no JSON',
      'null',
      '[]',
      '{}',
      deep,
      JSON.stringify({ ...good, mediaType: 'application/json' }),
      JSON.stringify({ ...good, messageSignature: undefined }),
      JSON.stringify({
        ...good,
        verificationMaterial: { ...good.verificationMaterial, tlogEntries: Array.from({ length: 2_000 }, () => ({})) },
      }),
      withCertificate('AAAA'),
      withCertificate(nested(20_000).toString('base64')),
    ];
    const verdicts = await judge.judge({ component: COMPONENT, digests: [DIGEST], bundles: [...texts, JSON.stringify(good)] }, [
      rootOf(instance),
    ]);
    expect(verdicts.map((verdict) => (verdict.ok ? 'ok' : verdict.fault))).toEqual([...texts.map(() => 'BUNDLE_UNUSABLE'), 'ok']);
  });

  it('that ends the process is refused: BUNDLE_UNUSABLE', async () => {
    // More than the process may be sent: it ends, and the host goes on.
    const bundles = [' '.repeat(80 * 1024 * 1024)];
    const [verdict] = await judge.judge({ component: COMPONENT, digests: [DIGEST], bundles }, [rootOf(instance)]);
    expect(verdict).toMatchObject({ ok: false, fault: 'BUNDLE_UNUSABLE', reason: expect.stringContaining('process') });
  });
});

describe('a root', () => {
  it('tells what is in it and when that ends, or why it cannot be used', async () => {
    const reading = await judge.readRoot(instance.root());
    if (!reading.ok) throw new TypeError(reading.reason);
    const { certificateAuthorities, transparencyLogs } = reading.authorities;
    expect(certificateAuthorities.count).toBe(1);
    // Its certificates end in a year.
    expect(certificateAuthorities.endsAtMs).toBeGreaterThan(Date.now());
    expect(transparencyLogs).toEqual({ count: 1, endsAtMs: undefined });
    expect(lackOf(reading.authorities, DEFAULT_WITNESSES)).toBeUndefined();
    expect(lackOf(reading.authorities, { ...DEFAULT_WITNESSES, logEntries: 2 })).toContain('1 transparency logs');
    for (const text of [
      '',
      '{}',
      'null',
      instance.root({ certificateAuthorities: [{ certChain: { certificates: [{ rawBytes: 'AAAA' }] } }] }),
    ])
      expect(await judge.readRoot(text)).toMatchObject(text === '{}' ? { ok: true } : { ok: false });
  });
});
