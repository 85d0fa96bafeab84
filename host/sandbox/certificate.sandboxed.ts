import type { X509Certificate } from '@sigstore/core';

/** https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md: the provider, as a UTF8String, and how it was written before. */
const ISSUER = '1.3.6.1.4.1.57264.1.8';
const ISSUER_BEFORE = '1.3.6.1.4.1.57264.1.1';
const SUBJECT_NAMES = '2.5.29.17';
const EXTENDED_KEY_USAGE = '2.5.29.37';
/** 1.3.6.1.5.5.7.3.3, with its tag and length. */
const CODE_SIGNING = Buffer.from('06082b06010505070303', 'hex');
/** Tags of a GeneralName that is an e-mail address, and of one that is a URI. */
const [EMAIL, URI] = [0x81, 0x86];
const UTF8_STRING = 0x0c;
const PRINTABLE = /^[\x20-\x7e]{1,1024}$/;

/** Who a certificate says that its holder is, or why it says nothing that can be relied on. */
export type CertificateIdentity = { ok: true; issuer: string; subject: string } | { ok: false; reason: string };

/** Nothing is proved here: only what is written in it. Throws for what is no certificate. */
export function readIdentity(certificate: X509Certificate): CertificateIdentity {
  if (certificate.isCA) return { ok: false, reason: 'its certificate is one of an authority' };
  if (certificate.extension(EXTENDED_KEY_USAGE)?.value.includes(CODE_SIGNING) !== true)
    return { ok: false, reason: 'its certificate is not for signing code' };
  const subject = readSubject(certificate);
  if (subject === undefined) return { ok: false, reason: 'its certificate does not name exactly one URI or e-mail address' };
  const issuer = readIssuer(certificate);
  if (issuer === undefined) return { ok: false, reason: 'its certificate does not name the provider that vouched for its holder' };
  return { ok: true, issuer, subject };
}

/** One name and no other: with two it would depend on the reader who it is. */
function readSubject(certificate: X509Certificate): string | undefined {
  const value = certificate.extension(SUBJECT_NAMES)?.value;
  const names = value === undefined ? undefined : elements(value)?.[0];
  const [name, ...more] = names === undefined ? [] : (elements(names.content) ?? []);
  if (name === undefined || more.length > 0 || (name.tag !== URI && name.tag !== EMAIL)) return undefined;
  return printable(name.content);
}

function readIssuer(certificate: X509Certificate): string | undefined {
  const value = certificate.extension(ISSUER)?.value;
  if (value === undefined) return printable(certificate.extension(ISSUER_BEFORE)?.value);
  const [text, ...more] = elements(value) ?? [];
  return text?.tag === UTF8_STRING && more.length === 0 ? printable(text.content) : undefined;
}

/** Not by a decoder that drops the highest bit: other bytes would become the same letters. */
function printable(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined) return undefined;
  const text = Buffer.from(bytes).toString('latin1');
  return PRINTABLE.test(text) ? text : undefined;
}

/** The elements of DER that stand one after the other; undefined where it is cut off. */
function elements(bytes: Uint8Array): { tag: number; content: Uint8Array }[] | undefined {
  const found: { tag: number; content: Uint8Array }[] = [];
  for (let at = 0; at < bytes.length;) {
    const [tag, first] = [bytes[at], bytes[at + 1]];
    if (tag === undefined || first === undefined) return undefined;
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
    if (lengthBytes > 2) return undefined;
    let length = first < 0x80 ? first : 0;
    for (let index = 0; index < lengthBytes; index += 1) length = length * 256 + (bytes[at + 2 + index] ?? 0);
    const start = at + 2 + lengthBytes;
    if (start + length > bytes.length) return undefined;
    found.push({ tag, content: bytes.subarray(start, start + length) });
    at = start + length;
  }
  return found;
}
