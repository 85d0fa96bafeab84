import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

/** A self-signed certificate of an RSA key, as an operator uploads it to a source: made here, because Node.js makes none. */
export function makeCertificate(name: string): { privatePem: string; certificatePem: string } {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const der = certificate(name, publicKey, privateKey);
  const lines = (der.toString('base64').match(/.{1,64}/g) ?? []).join('\n');
  return {
    privatePem: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    certificatePem: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
  };
}

/** X.690: a tag, a length and what it holds. */
function der(tag: number, ...parts: Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const SEQUENCE = 0x30;
const SHA256_WITH_RSA = der(SEQUENCE, der(0x06, Buffer.from('2a864886f70d01010b', 'hex')), der(0x05));

/** RFC 5280, section 4.1. */
function certificate(name: string, publicKey: KeyObject, privateKey: KeyObject): Buffer {
  const commonName = der(SEQUENCE, der(0x06, Buffer.from('550403', 'hex')), der(0x0c, Buffer.from(name)));
  const subject = der(SEQUENCE, der(0x31, commonName));
  const validity = der(SEQUENCE, der(0x17, Buffer.from('250101000000Z')), der(0x17, Buffer.from('491231235959Z')));
  const key = publicKey.export({ type: 'spki', format: 'der' });
  const version = der(0xa0, der(0x02, Buffer.from([2])));
  const serial = der(0x02, Buffer.from([1]));
  const signed = der(SEQUENCE, version, serial, SHA256_WITH_RSA, subject, validity, subject, key);
  return der(SEQUENCE, signed, SHA256_WITH_RSA, der(0x03, Buffer.from([0]), sign('sha256', signed, privateKey)));
}
