import { describe, expect, it } from 'vitest';
import { parseComponentSignature, signDigest, signerOf } from '../../../host/domain/component-signature.ts';
import { isSignedBy, parseEnvelope, sealEnvelope } from '../../../host/domain/envelope.ts';
import { openIndex, parseIndex, refuseExpired, sealIndex } from '../../../host/domain/market-index.ts';
import { makeSigningKey, parsePublicKey, parseSigningKey, type SigningKey } from '../../../host/domain/signing-key.ts';
import { parseSourceLocation } from '../../../host/domain/source-location.ts';

const DIGEST = `sha256:${'ab'.repeat(32)}`;
const [key, other] = [newKey(), newKey()];

function newKey(): SigningKey {
  const found = parseSigningKey(makeSigningKey().privatePem);
  if (found === undefined) throw new TypeError('a new key can be read');
  return found;
}

describe('a key', () => {
  it('has one spelling and one id', () => {
    const { publicKey } = makeSigningKey();
    expect(publicKey.text).toMatch(/^lorelai-ed25519 [A-Za-z0-9+/]{43}=$/);
    expect(parsePublicKey(`${publicKey.text}\n`)).toMatchObject({ id: publicKey.id, text: publicKey.text });
    const respelled = publicKey.text.replace(/.=$/, (end) => `${String.fromCodePoint((end.codePointAt(0) ?? 0) + 1)}=`);
    expect(parsePublicKey(respelled)).toBeUndefined();
    for (const text of ['', 'ssh-ed25519 AAAA', `${publicKey.text} acme`]) expect(parsePublicKey(text)).toBeUndefined();
  });

  it('that is no Ed25519 key does not sign', () => {
    expect(parseSigningKey('nonsense')).toBeUndefined();
    expect(parseSigningKey(key.publicKey.text)).toBeUndefined();
  });
});

describe('a signature', () => {
  it('is by its key and by no other, whichever it names', () => {
    const signature = parseComponentSignature(signDigest(DIGEST, key, 0));
    expect(signature?.digest).toBe(DIGEST);
    if (signature === undefined) throw new TypeError('it can be read');
    expect(signerOf(signature, [other, key])).toBe(key);
    expect(signerOf(signature, [other])).toBeUndefined();
    const renamed = parseComponentSignature(signDigest(DIGEST, key, 0).replace(key.publicKey.id, other.publicKey.id));
    expect(renamed !== undefined && signerOf(renamed, [other])).toBe(undefined);
  });

  it('is broken by any change of what is signed, of its type or of itself', () => {
    const text = sealEnvelope('a/b', Buffer.from('payload'), key);
    const envelope = parseEnvelope(text);
    if (envelope === undefined) throw new TypeError('it can be read');
    expect(isSignedBy(envelope, key.publicKey)).toBe(true);
    expect(isSignedBy({ ...envelope, payload: Buffer.from('Payload') }, key.publicKey)).toBe(false);
    expect(isSignedBy({ ...envelope, payloadType: 'a/c' }, key.publicKey)).toBe(false);
    const signature = envelope.signatures[0]?.signature ?? new Uint8Array();
    for (const changed of [signature.with(0, (signature[0] ?? 0) ^ 1), signature.subarray(1), new Uint8Array()]) {
      expect(isSignedBy({ ...envelope, signatures: [{ keyId: key.publicKey.id, signature: changed }] }, key.publicKey)).toBe(false);
    }
    expect(isSignedBy({ ...envelope, signatures: [] }, key.publicKey)).toBe(false);
  });

  it('of something else is none of a component', () => {
    expect(parseComponentSignature(sealEnvelope('a/b', Buffer.from(JSON.stringify({ digest: DIGEST })), key))).toBeUndefined();
    for (const text of ['', '{}', 'null', '[]', '{"payloadType":1}']) expect(parseComponentSignature(text)).toBeUndefined();
  });
});

describe('an index', () => {
  const entry = {
    name: 'wiki',
    version: '1.0.0',
    description: '',
    location: `oci://registry.example.com/acme/wiki@${DIGEST}`,
    digest: DIGEST,
  };
  const text = (fields: object): string => JSON.stringify({ version: 1, expires: '2026-12-01T00:00:00Z', datasources: [entry], ...fields });

  it('says what it was made with', () => {
    const { envelope } = sealIndex(text({}), key);
    expect(openIndex(envelope, key.publicKey).index).toEqual({
      version: 1,
      expiresAtMs: Date.parse('2026-12-01T00:00:00Z'),
      datasources: [entry],
    });
    expect(() => openIndex(envelope, other.publicKey)).toThrow(expect.objectContaining({ code: 'INDEX_SIGNATURE_INVALID' }));
  });

  it('is good until it expires and not a millisecond longer', () => {
    refuseExpired({ expiresAtMs: 1_000 }, 'acme', 999);
    expect(() => refuseExpired({ expiresAtMs: 1_000 }, 'acme', 1_000)).toThrow(expect.objectContaining({ code: 'INDEX_EXPIRED' }));
  });

  it.each([
    [{ version: 0 }, 'version'],
    [{ version: 1.5 }, 'version'],
    [{ expires: 'tomorrow' }, 'expires'],
    [{ datasources: {} }, 'datasources'],
    [{ datasources: [{ ...entry, name: 'Wiki' }] }, 'datasources/0: name'],
    [{ datasources: [{ ...entry, version: 'one' }] }, 'datasources/0: version'],
    [{ datasources: [{ ...entry, digest: 'sha256:1' }] }, 'datasources/0: digest'],
    [{ datasources: [{ ...entry, location: 'file:///etc/passwd' }] }, 'datasources/0: location'],
    [{ datasources: [{ ...entry, location: 'wiki' }] }, 'datasources/0: location'],
    [{ datasources: [entry, entry] }, 'datasources/1: it is listed twice'],
  ])('with %j is refused', (fields, reason) => {
    expect(parseIndex(text(fields))).toEqual(expect.stringContaining(reason));
  });
});

describe('an address', () => {
  it.each([
    ['oci://registry.example.com/acme/wiki:1.0.0', { kind: 'oci', host: 'registry.example.com', repository: 'acme/wiki', tag: '1.0.0' }],
    [`oci://localhost:5000/wiki@${DIGEST}`, { kind: 'oci', host: 'localhost:5000', repository: 'wiki', digest: DIGEST }],
    [`https://example.com/wiki.wasm#${DIGEST}`, { kind: 'web', url: 'https://example.com/wiki.wasm', digest: DIGEST }],
    ['wiki@1.0.0', { kind: 'market', name: 'wiki', version: '1.0.0' }],
  ])('%s is understood', (text, expected) => {
    expect(parseSourceLocation(text)).toMatchObject(expected);
  });

  it.each([
    'oci://registry.example.com/acme/wiki',
    'oci://user:secret@registry.example.com/acme/wiki:1.0.0',
    'oci://registry.example.com/../wiki:1.0.0',
    'oci://registry.example.com/acme/wiki:1.0.0?x=1',
    'https://example.com/wiki.wasm',
    `https://user:secret@example.com/wiki.wasm#${DIGEST}`,
    `http://example.com/wiki.wasm#${DIGEST}`,
    `file:///etc/wiki.wasm#${DIGEST}`,
    'Wiki',
    '',
  ])('%s is not', (text) => {
    expect(() => parseSourceLocation(text)).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST' }));
  });
});
