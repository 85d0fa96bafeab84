import { createServer } from 'node:http';
import { once } from 'node:events';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { TokenSettings } from '../../../../host/domain/token-settings.ts';
import { createLog } from '../../../../host/log.ts';
import { createTokens, type Tokens } from '../../../../host/services/callers/tokens.ts';
import { startUpstream } from '../../../helpers/upstream.ts';

/** A provider as far as a resource server sees it: a discovery document and keys, over HTTP. */
const provider = { keys: new Array<JWK>(), requests: new Map<string, number>(), down: false, issuer: '' };
const server = createServer((request, response) => {
  const path = request.url ?? '';
  provider.requests.set(path, (provider.requests.get(path) ?? 0) + 1);
  if (provider.down) return void response.writeHead(503).end();
  const discovery = { issuer: provider.issuer, jwks_uri: `${provider.issuer}/keys` };
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(path === '/keys' ? { keys: provider.keys } : discovery));
});
const logged: string[] = [];
const log = createLog({ level: 'debug', pretty: false, write: (line) => void logged.push(line) });

interface Signer {
  key: CryptoKey;
  kid: string;
}

async function newKey(kid: string): Promise<Signer> {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  provider.keys.push({ ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' });
  return { key: privateKey, kid };
}

let signer: Signer;

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  provider.issuer = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
});
afterAll(() => void server.close());
beforeEach(async () => {
  provider.keys = [];
  provider.down = false;
  provider.requests.clear();
  signer = await newKey('one');
});

function settings(more: Partial<TokenSettings> = {}): TokenSettings {
  return {
    issuer: provider.issuer,
    audience: 'datasources',
    jwksUrl: undefined,
    algorithms: ['ES256'],
    scopesClaim: ['scope'],
    scopesOf: new Map([
      ['bots', ['reader', 'on-behalf-of']],
      ['staff', ['operator']],
    ]),
    organisation: { from: 'claim', claim: ['org', 'id'] },
    ...more,
  };
}

function tokens(more?: Partial<TokenSettings>): Tokens {
  return createTokens(settings(more), log);
}

interface Claims {
  by?: Signer;
  issuer?: string;
  audience?: string;
  expiresInS?: number;
  claims?: Record<string, unknown>;
}

function sign({ by = signer, issuer = provider.issuer, audience = 'datasources', expiresInS = 300, claims }: Claims = {}): Promise<string> {
  const nowS = Math.floor(Date.now() / 1000);
  return new SignJWT({ sub: 'alice', scope: 'openid bots', org: { id: 'acme' }, ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: by.kid })
    .setIssuer(issuer)
    .setAudience(audience)
    .setIssuedAt(nowS)
    .setExpirationTime(nowS + expiresInS)
    .sign(by.key);
}

describe('a token of the provider', () => {
  test('becomes a caller: its subject, the organisation of its claim, the scopes that its values give', async () => {
    expect(await tokens().authenticate(await sign())).toEqual({
      kind: 'token',
      id: `${provider.issuer}|alice`,
      organisation: 'acme',
      scopes: ['reader', 'on-behalf-of'],
    });
  });

  test('may hold its roles as a list somewhere inside', async () => {
    const caller = await tokens({
      scopesClaim: ['realm_access', 'roles'],
      organisation: { from: 'setting', organisation: undefined },
    }).authenticate(await sign({ claims: { realm_access: { roles: ['staff', 'other', 7] } } }));
    expect(caller).toMatchObject({ scopes: ['operator'], organisation: undefined });
  });

  test('gets no scope by the name of one: only what the settings give', async () => {
    expect((await tokens().authenticate(await sign({ claims: { scope: 'admin operator constructor __proto__' } }))).scopes).toEqual([]);
  });

  test.each<[string, Claims, string]>([
    ['of another issuer', { issuer: 'https://evil.example' }, '"iss"'],
    ['for somebody else', { audience: 'payroll' }, '"aud"'],
    ['that has expired', { expiresInS: -120 }, 'expired'],
    ['without an organisation', { claims: { org: {} } }, 'org.id'],
    ['with a star for an organisation that is no text', { claims: { org: { id: ['acme'] } } }, 'org.id'],
    ['without a subject', { claims: { sub: '' } }, 'subject'],
    ['not valid before tomorrow', { claims: { nbf: Math.floor(Date.now() / 1000) + 86_400 } }, '"nbf"'],
  ])('%s is UNAUTHENTICATED', async (_name, claims, reason) => {
    await expect(tokens().authenticate(await sign(claims))).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      message: expect.stringContaining(reason),
    });
  });

  test('that expired within the tolerance of the clocks is taken', async () => {
    expect(await tokens().authenticate(await sign({ expiresInS: -20 }))).toMatchObject({ kind: 'token' });
  });

  test.each(['exp', 'sub'])('without the claim %s is UNAUTHENTICATED', async (missing) => {
    const claims = {
      iss: provider.issuer,
      aud: 'datasources',
      sub: 'alice',
      org: { id: 'acme' },
      exp: Math.floor(Date.now() / 1000) + 300,
    };
    const token = new SignJWT({ ...claims, [missing]: undefined }).setProtectedHeader({ alg: 'ES256', kid: signer.kid }).sign(signer.key);
    await expect(tokens().authenticate(await token)).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      message: expect.stringContaining(`"${missing}"`),
    });
  });

  test('signed by somebody else with the name of a key of the provider is UNAUTHENTICATED', async () => {
    const { privateKey } = await generateKeyPair('ES256');
    const forged = await sign({ by: { key: privateKey, kid: 'one' } });
    await expect(tokens().authenticate(forged)).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      message: expect.stringContaining('signature'),
    });
  });

  test('unsigned, or signed with the public key as a shared secret, is UNAUTHENTICATED', async () => {
    const payload = (await sign()).split('.')[1] ?? '';
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`;
    await expect(tokens().authenticate(none)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    const secret = new TextEncoder().encode(JSON.stringify(provider.keys[0]));
    const confused = await new SignJWT({ sub: 'alice' })
      .setProtectedHeader({ alg: 'HS256', kid: 'one' })
      .setExpirationTime('5m')
      .sign(secret);
    await expect(tokens().authenticate(confused)).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      message: expect.stringContaining('algorithm'),
    });
  });

  test.each(['x', 'x.y', 'x.y.z', '....', 'e30.e30.e30'])('that is %s is UNAUTHENTICATED', async (text) => {
    await expect(tokens().authenticate(text)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });
});

describe('the keys of the provider', () => {
  test('are read once for many tokens', async () => {
    const own = tokens();
    for (let index = 0; index < 20; index += 1) await own.authenticate(await sign());
    expect(provider.requests.get('/keys')).toBe(1);
  });

  test('come from the address that is set, without discovery', async () => {
    await tokens({ jwksUrl: `${provider.issuer}/keys` }).authenticate(await sign());
    expect([...provider.requests.keys()]).toEqual(['/keys']);
  });

  test('may not be those that another issuer says are its own', async () => {
    const own = tokens({ issuer: `${provider.issuer}/tenant` });
    await expect(own.authenticate(await sign({ issuer: `${provider.issuer}/tenant` }))).rejects.toMatchObject({ code: 'NOT_READY' });
  });

  test('are looked for nowhere else than at the issuer, wherever it sends whoever asks', async () => {
    const other = await startUpstream((_, response) =>
      response.end(JSON.stringify({ issuer: moved.origin, jwks_uri: `${provider.issuer}/keys` })),
    );
    const moved = await startUpstream((_, response) => response.writeHead(302, { location: other.origin }).end());
    const token = await sign({ issuer: moved.origin });
    await expect(tokens({ issuer: moved.origin }).authenticate(token)).rejects.toMatchObject({ code: 'NOT_READY' });
    expect(other.requests).toEqual([]);
    await Promise.all([other.close(), moved.close()]);
  });

  test('that cannot be read are no fault of the token, and are asked for again', async () => {
    const own = tokens();
    const token = await sign();
    provider.down = true;
    await expect(own.authenticate(token)).rejects.toMatchObject({ code: 'NOT_READY' });
    provider.down = false;
    expect(await own.authenticate(token)).toMatchObject({ kind: 'token' });
    expect(logged.join('')).not.toContain(token);
  });

  test('are read again for a key that has come since, and one that was taken away counts no more', async () => {
    const own = createTokens(settings(), log, { keysCooldownMs: 0 });
    const before = signer;
    await own.authenticate(await sign());
    provider.keys = [];
    const after = await newKey('two');
    expect(await own.authenticate(await sign({ by: after }))).toMatchObject({ kind: 'token' });
    await expect(own.authenticate(await sign({ by: before }))).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });
});
