import { createHash, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

/** What a certificate says of its holder. */
export interface CertificateSubject {
  issuer: string;
  /** A URI when it has a colon, else an e-mail address. */
  subject: string;
  codeSigning?: boolean;
  logged?: boolean;
  secondSubject?: string;
  /** Written as Fulcio did before. */
  legacyIssuer?: boolean;
}

export const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
export const YEAR_MS = 365 * 86_400_000;

/** Who issues certificates that live for minutes, under one that is above it. */
export interface Authority {
  /** The one that issues, and the one above it. */
  chain: Buffer[];
  name: string;
  keys: webcrypto.CryptoKeyPair;
  /** SHA-256 of its key. */
  id: Buffer;
}

/** @param issuerName Of its certificates, as people read it. */
export async function startAuthority(issuerName: string): Promise<Authority> {
  const [rootKeys, keys] = await Promise.all([0, 1].map(() => webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])));
  if (rootKeys === undefined || keys === undefined) throw new TypeError('two pairs were made');
  const [rootName, name] = [`CN=${issuerName} root`, `CN=${issuerName} intermediate`];
  const lifetime = { notBefore: new Date(Date.now() - YEAR_MS), notAfter: new Date(Date.now() + YEAR_MS) };
  const extensions = [
    new x509.BasicConstraintsExtension(true, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
  ];
  const common = { ...lifetime, signingAlgorithm: ALGORITHM, extensions };
  const root = await x509.X509CertificateGenerator.createSelfSigned(
    { ...common, serialNumber: '01', name: rootName, keys: rootKeys },
    webcrypto,
  );
  const subject = { subject: name, issuer: rootName, publicKey: keys.publicKey, signingKey: rootKeys.privateKey };
  const intermediate = await x509.X509CertificateGenerator.create({ ...common, serialNumber: '02', ...subject }, webcrypto);
  const id = createHash('sha256')
    .update(new Uint8Array(await webcrypto.subtle.exportKey('spki', keys.publicKey)))
    .digest();
  return { chain: [Buffer.from(intermediate.rawData), Buffer.from(root.rawData)], name, keys, id };
}

/** @param logCertificate Gives the timestamp of a certificate log for one without it. */
export async function issueCertificate(
  { name, keys }: Authority,
  holder: webcrypto.CryptoKeyPair,
  { issuer, subject, codeSigning = true, logged = true, secondSubject, legacyIssuer = false }: CertificateSubject,
  logCertificate: (bare: Buffer) => Promise<Buffer>,
): Promise<Buffer> {
  const names = [subject, ...(secondSubject === undefined ? [] : [secondSubject])];
  const extensions: x509.Extension[] = [
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([codeSigning ? x509.ExtendedKeyUsage.codeSigning : x509.ExtendedKeyUsage.serverAuth]),
    new x509.SubjectAlternativeNameExtension(
      names.map((value) => ({ type: value.includes(':') ? ('url' as const) : ('email' as const), value })),
      true,
    ),
    legacyIssuer
      ? new x509.Extension('1.3.6.1.4.1.57264.1.1', false, Buffer.from(issuer))
      : new x509.Extension('1.3.6.1.4.1.57264.1.8', false, der(0x0c, Buffer.from(issuer))),
  ];
  const body = {
    serialNumber: '0a0b',
    notBefore: new Date(Date.now() - 10 * 60_000),
    notAfter: new Date(Date.now() + 10 * 60_000),
    issuer: name,
    publicKey: holder.publicKey,
    signingKey: keys.privateKey,
    signingAlgorithm: ALGORITHM,
    extensions,
  };
  const bare = Buffer.from((await x509.X509CertificateGenerator.create(body, webcrypto)).rawData);
  if (!logged) return bare;
  const timestamp = await logCertificate(bare);
  // A list of one, which has its length in front of it already.
  const list = withLength(timestamp);
  extensions.push(new x509.Extension('1.3.6.1.4.1.11129.2.4.2', false, der(0x04, list)));
  return Buffer.from((await x509.X509CertificateGenerator.create(body, webcrypto)).rawData);
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const head = length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), content]);
}

function withLength(content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([content.length >> 8, content.length & 0xff]), content]);
}
