import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openOciRepository } from '../../host/capabilities/oci-registry.ts';
import { createRemoteFetch } from '../../host/capabilities/remote-fetch.ts';
import { COMMAND_LINE } from '../../host/domain/caller.ts';
import { signDigest } from '../../host/domain/component-signature.ts';
import { EMPTY_GRANT } from '../../host/domain/grant.ts';
import { sealIndex } from '../../host/domain/market-index.ts';
import { DEFAULT_WITNESSES, MAX_BUNDLE_BYTES, type Witnesses } from '../../host/domain/sigstore.ts';
import { makeSigningKey, parseSigningKey, type SigningKey } from '../../host/domain/signing-key.ts';
import { openApi, type Api } from '../helpers/api.ts';
import { command, type CommandResult } from '../helpers/command.ts';
import { startDockerRegistry, type DockerRegistry } from '../helpers/docker-registry.ts';
import { BUNDLE_TYPE, ISSUER, startSigstore, statementOf, SUBJECT, type HowToSign, type SigstoreInstance } from '../helpers/sigstore.ts';
import { smallDatasource } from '../helpers/small-datasource.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';

let api: Api;
let registry: DockerRegistry;
let folder: string;
let instance: SigstoreInstance;
let stranger: SigstoreInstance;
const files: Record<string, Uint8Array> = {};
let server: Upstream;

beforeAll(async () => {
  [api, registry, folder, instance, stranger, server] = await Promise.all([
    openApi(),
    startDockerRegistry(),
    mkdtemp(join(tmpdir(), 'lorelai-sigstore-')),
    startSigstore(),
    startSigstore('stranger'),
    startUpstream((request, response) => {
      const found = files[request.url ?? ''];
      // As stores of files say it that may not be listed.
      response.writeHead(found === undefined ? 403 : 200).end(found);
    }),
  ]);
  await putRoot(instance);
});
afterAll(async () => {
  await Promise.all([api.close(), registry.close(), server.close(), rm(folder, { recursive: true, force: true })]);
});

/** Names that cannot be taken for one another. */
const WORDS = [
  'anemone',
  'bluebell',
  'chrysanthemum',
  'daffodil',
  'edelweiss',
  'foxglove',
  'gladiolus',
  'hyacinth',
  'iris_reader',
  'jasmine',
];
const MORE_WORDS = ['kingcup', 'lavender', 'marigold', 'narcissus', 'orchid', 'peony', 'quaking_grass', 'rosemary', 'sunflower', 'tulip'];
let count = 0;
function fresh(): string {
  const word = [...WORDS, ...MORE_WORDS][count++];
  if (word === undefined) throw new TypeError('more words are needed');
  return word;
}

const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const putRoot = (of: SigstoreInstance, name = 'acme', witnesses: Witnesses = DEFAULT_WITNESSES): Promise<unknown> =>
  api.services.sigstore.putRoot({ name, text: of.root(), witnesses }, COMMAND_LINE);
const trust = (
  names: string[],
  identity: { subject?: string; issuer?: string; root?: string; publisher?: string } = {},
): Promise<{ id: string }> =>
  api.services.sigstore.addIdentity(
    { publisher: 'acme', root: 'acme', issuer: ISSUER, subject: SUBJECT, match: 'exact', ...identity, names },
    COMMAND_LINE,
  );
const install = (address: string): Promise<{ digest: string }> => api.services.sources.install(address, () => EMPTY_GRANT, COMMAND_LINE);
const versionsOf = async (name: string): Promise<unknown> => (await api.call('GET', `/api/v1/datasources/${name}/versions`)).body.items;

/** A component on the web server with a bundle beside it. Gives its address. */
async function serve(name: string, how: HowToSign = {}, by = instance): Promise<string> {
  const bytes = await smallDatasource({ name, version: '1.0.0' });
  const path = `/${randomUUID()}.wasm`;
  files[path] = bytes;
  files[`${path}.sigstore.json`] = Buffer.from(await by.sign(bytes, how));
  return `${server.origin}${path}#${digestOf(bytes)}`;
}
/** The same with the signature of a key as well. */
const serveWithKey = async (name: string, sign: (digest: string) => string): Promise<string> => {
  const address = await serve(name);
  const [path = '', digest = ''] = address.replace(server.origin, '').split('#');
  files[`${path}.sig`] = Buffer.from(sign(digest));
  return address;
};
const refusalOf = async (address: string): Promise<string> =>
  install(address).then(
    () => 'installed',
    (error: { code: string }) => error.code,
  );

describe('a component with a sigstore bundle', () => {
  it('comes from an address with the bundle beside it, and who vouches for it is on record', async () => {
    const name = fresh();
    await trust([name]);
    const address = await serve(name);
    await install(address);
    expect(await versionsOf(name)).toMatchObject([
      { state: 'enabled', trust: { kind: 'signed', publisher: 'acme', root: 'acme', issuer: ISSUER, subject: SUBJECT } },
    ]);
    expect(await api.services.trust.pins()).toContainEqual(expect.objectContaining({ name, version: '1.0.0' }));
  });

  it('comes by its name in a market', async () => {
    const name = fresh();
    await trust([name]);
    const location = await serve(name);
    const market = newKey();
    const entry = { name, version: '1.0.0', location, digest: location.replace(/.*#/, '') };
    const index = JSON.stringify({ version: 1, expires: '2099-01-01T00:00:00Z', datasources: [entry] });
    files['/index.json'] = Buffer.from(sealIndex(index, market).envelope);
    await api.services.markets.add({ name: 'flowers', url: `${server.origin}/index.json`, publicKey: market.publicKey.text }, COMMAND_LINE);
    await install(name);
    expect(await versionsOf(name)).toMatchObject([{ state: 'enabled', trust: { publisher: 'acme' } }]);
  });

  it('comes from a registry by tag, with the bundle in the list that belongs to its manifest', async () => {
    const name = fresh();
    await trust([name]);
    const address = await publish(name, async (bytes) => instance.sign(bytes));
    await install(address.tagged);
    const tag = address.artifact.replace(':', '-');
    const list = await fetch(`http://${registry.host}/v2/acme/${name}/manifests/${tag}`, {
      headers: { accept: 'application/vnd.oci.image.index.v1+json' },
    });
    expect(await list.json()).toMatchObject({ schemaVersion: 2, manifests: [{ artifactType: BUNDLE_TYPE }] });
  });

  it('may be signed as cosign signs what is in a registry: the digest of its manifest, beside bundles of others', async () => {
    const name = fresh();
    await trust([name]);
    const { tagged, artifact } = await publish(name, async (bytes) => stranger.sign(bytes));
    await attach(name, artifact, await instance.sign(Buffer.from('no matter'), { statement: statementOf(digestOf(Buffer.from('other'))) }));
    expect(await refusalOf(tagged)).toBe('UNTRUSTED_ROOT');
    const bundle = await instance.sign(Buffer.from('no matter'), {
      statement: statementOf(artifact, 'https://sigstore.dev/cosign/sign/v1'),
    });
    // As some versions of cosign list it.
    await attach(name, artifact, bundle, 'application/vnd.oci.empty.v1+json');
    expect(await refusalOf(tagged)).toBe('installed');
  });

  it('comes from a registry that has the referrers API', async () => {
    const name = fresh();
    await trust([name]);
    const { artifact } = await publish(name, async (bytes) => instance.sign(bytes));
    const modern = await startUpstream(
      (request, response) =>
        void relay(request.url ?? '', name).then(({ status, type, body }) =>
          response.writeHead(status, { 'content-type': type }).end(body),
        ),
    );
    try {
      await install(`oci://${modern.origin.replace('http://', '')}/acme/${name}@${artifact}`);
      expect(modern.requests.map(({ url }) => url)).toContain(`/v2/acme/${name}/referrers/${artifact}`);
    } finally {
      await modern.close();
    }
  });

  it('may have the signature of a key as well; one of the two is enough, and a false one is too much', async () => {
    const [first, second, third] = [fresh(), fresh(), fresh()];
    await trust([first, second, third]);
    expect(await refusalOf(await serveWithKey(first, (digest) => signDigest(digest, newKey(), Date.now())))).toBe('installed');
    expect(await refusalOf(await serveWithKey(third, () => 'MEUCIQDx, as other tools write it'))).toBe('installed');
    const acme = newKey();
    await api.services.trust.add({ publisher: 'acme', publicKey: acme.publicKey.text, names: [second] }, COMMAND_LINE);
    const forged = (digest: string): string =>
      signDigest(digest, newKey(), Date.now()).replace(/"keyid":"[0-9a-f]+"/, `"keyid":"${acme.publicKey.id}"`);
    expect(await refusalOf(await serveWithKey(second, forged))).toBe('SIGNATURE_INVALID');
  });

  // Which bundles are good is for test/sandbox/bundles.test.ts.
  it('is refused with the code of what is wrong with it', async () => {
    const name = fresh();
    await trust([name]);
    const cases: Record<string, HowToSign> = {
      BUNDLE_DIGEST_MISMATCH: { statement: statementOf(digestOf(Buffer.from('another'))) },
      SIGNATURE_INVALID: {
        change: ({ messageSignature }) => {
          if (messageSignature !== undefined) messageSignature.signature = Buffer.alloc(70, 1).toString('base64');
        },
      },
      CERTIFICATE_EXPIRED: { loggedAt: new Date(Date.now() + 3_600_000) },
      CERTIFICATE_NOT_LOGGED: { certificate: { logged: false } },
      LOG_ENTRY_MISSING: { change: (bundle) => void (bundle.verificationMaterial.tlogEntries = []), timestamps: 'authority' },
      TIMESTAMP_MISSING: { timestamps: 'none' },
      LOG_ENTRY_INVALID: {
        change: ({ verificationMaterial: { tlogEntries } }) => {
          for (const entry of tlogEntries) entry.integratedTime = String(Number(entry.integratedTime) + 1);
        },
      },
      UNTRUSTED_ISSUER: { issuer: 'https://issuer.example' },
      UNTRUSTED_SUBJECT: { subject: SUBJECT.replace('acme', 'mallory') },
      BUNDLE_UNUSABLE: {
        statement: statementOf(digestOf(await smallDatasource({ name, version: '1.0.0' })), 'https://in-toto.io/attestation/vulns/v0.1'),
      },
    };
    for (const [code, how] of Object.entries(cases)) expect(await refusalOf(await serve(name, how)), code).toBe(code);
    const other = JSON.parse(await instance.sign(Buffer.from('another')));
    const change: HowToSign['change'] = (bundle) => void (bundle.verificationMaterial.tlogEntries = other.verificationMaterial.tlogEntries);
    expect(await refusalOf(await serve(name, { change }))).toBe('LOG_ENTRY_MISMATCH');
    expect(await refusalOf(await serve(name, {}, stranger))).toBe('UNTRUSTED_ROOT');
    const address = await serve(name);
    files[`${address.replace(server.origin, '').split('#')[0]}.sigstore.json`] = Buffer.alloc(MAX_BUNDLE_BYTES + 1, ' ');
    expect(await refusalOf(address)).toBe('SOURCE_UNUSABLE');
    expect((await api.call('GET', `/api/v1/datasources/${name}/versions`)).status).toBe(404);
  });

  it('under a name that its identity is not trusted for, or that could be taken for another one, is refused', async () => {
    const [own, other] = [fresh(), fresh()];
    const subject = SUBJECT.replace('wiki', own);
    await trust([own], { subject });
    expect(await refusalOf(await serve(other, { subject }))).toBe('PUBLISHER_NOT_ALLOWED');
    await trust(['confluence']);
    await install(await serve('confluence'));
    const everything = SUBJECT.replace('acme', 'everything');
    await trust(['*'], { subject: everything, publisher: 'everything' });
    expect(await refusalOf(await serve('confluense', { subject: everything }))).toBe('LOOK_ALIKE_NAME');
    await expect(trust(['confluense'], { subject: everything, publisher: 'everything' })).rejects.toMatchObject({
      code: 'LOOK_ALIKE_NAME',
    });
    expect(await refusalOf(await serve('confluence', { subject: everything }))).toBe('PUBLISHER_CHANGED');
  });

  it('is believed of the instance that its identity was trusted of, and of no other that says the same', async () => {
    const name = fresh();
    await putRoot(stranger, 'stranger');
    await trust([name]);
    expect(await refusalOf(await serve(name, {}, stranger))).toBe('UNTRUSTED_ISSUER');
    await trust([name], { root: 'stranger' });
    await api.services.sigstore.removeRoot('stranger', COMMAND_LINE);
    expect(await refusalOf(await serve(name, {}, stranger))).toBe('UNTRUSTED_ROOT');
    expect(await refusalOf(await serve(name))).toBe('installed');
  });

  it('is held to the witnesses that its root asks for', async () => {
    const name = fresh();
    await trust([name]);
    await putRoot(instance, 'acme', { ...DEFAULT_WITNESSES, timestamps: 2 });
    expect(await refusalOf(await serve(name))).toBe('TIMESTAMP_MISSING');
    expect(await refusalOf(await serve(name, { timestamps: 'both' }))).toBe('installed');
    await putRoot(instance);
  });
});

describe('sigstore roots and identities', () => {
  it('are listed, added and removed over the API, by admins alone', async () => {
    const operator = await api.keyWith(['operator']);
    const root = { trustedRoot: stranger.root() };
    expect((await api.call('PUT', '/api/v1/sigstore-roots/overapi', root, { as: operator })).status).toBe(403);
    expect((await api.call('PUT', '/api/v1/sigstore-roots/overapi', root)).body).toMatchObject({
      name: 'overapi',
      digest: digestOf(Buffer.from(root.trustedRoot)),
      witnesses: DEFAULT_WITNESSES,
    });
    for (const trustedRoot of ['no JSON', '{}', instance.root({ certificateAuthorities: [] }), instance.root({ tlogs: [{}] })])
      expect((await api.call('PUT', '/api/v1/sigstore-roots/bad', { trustedRoot })).body.code, trustedRoot.slice(0, 20)).toBe(
        'INVALID_SIGSTORE_ROOT',
      );
    const identity = {
      publisher: 'overapi',
      root: 'overapi',
      issuer: ISSUER,
      subject: 'https://github.example/overapi/*',
      match: 'pattern',
      names: ['overapi_*'],
    };
    expect((await api.call('POST', '/api/v1/trusted-identities', identity, { as: operator })).status).toBe(403);
    const added = (await api.call('POST', '/api/v1/trusted-identities', identity)).body;
    expect(added).toMatchObject(identity);
    expect((await api.call('GET', '/api/v1/trusted-identities')).body.items).toContainEqual(
      expect.objectContaining({ publisher: 'overapi' }),
    );
    expect((await api.call('POST', '/api/v1/trusted-identities', { ...identity, publisher: 'other' })).body.code).toBe('CONFLICT');
    expect((await api.call('POST', '/api/v1/trusted-identities', { ...identity, subject: 'https://github.example/*' })).body.code).toBe(
      'INVALID_REQUEST',
    );
    expect((await api.call('POST', '/api/v1/trusted-identities', { ...identity, root: 'none' })).body.code).toBe('UNKNOWN_SIGSTORE_ROOT');
    expect((await api.call('DELETE', `/api/v1/trusted-identities/${added.id}`)).status).toBe(204);
    expect((await api.call('DELETE', `/api/v1/trusted-identities/${added.id}`)).body.code).toBe('UNKNOWN_IDENTITY');
    expect((await api.call('DELETE', '/api/v1/sigstore-roots/overapi')).status).toBe(204);
    expect((await api.call('DELETE', '/api/v1/sigstore-roots/overapi')).body.code).toBe('UNKNOWN_SIGSTORE_ROOT');
    const actions = (await api.call('GET', '/api/v1/changes')).body.items.map(({ action }: { action: string }) => action);
    expect(actions).toEqual(expect.arrayContaining(['trust.put-root', 'trust.add', 'trust.remove', 'trust.remove-root']));
  });

  it('show when a root has come to its end, and a host that serves says so in its log', async () => {
    const ended = { validFor: { start: '2020-01-01T00:00:00Z', end: '2021-01-01T00:00:00Z' } };
    const [authority] = (JSON.parse(instance.root()) as { certificateAuthorities: object[] }).certificateAuthorities;
    const trustedRoot = instance.root({ certificateAuthorities: [{ ...authority, ...ended }] });
    const { body } = await api.call('PUT', '/api/v1/sigstore-roots/ended', { trustedRoot });
    expect(body.authorities).toContainEqual({ kind: 'certificateAuthorities', count: 1, endsAt: '2021-01-01T00:00:00.000Z', ended: true });
    const stop = new AbortController();
    const kept = api.keepAuthorisations(stop.signal);
    await expect.poll(() => api.logged(), { timeout: 20_000 }).toMatch(/authorities of a sigstore root end or have ended.*"root":"ended"/);
    stop.abort();
    await kept;
    await api.services.sigstore.removeRoot('ended', COMMAND_LINE);
  });
});

describe('a new user', () => {
  it('trusts an instance and an identity, and installs a file that was brought, by commands', async () => {
    const env = { DATA_DIR: join(folder, 'data') };
    const run = async (...args: string[]): Promise<CommandResult> => {
      const result = await command(args, { env });
      expect(result, result.stderr).toMatchObject({ exitCode: 0 });
      return result;
    };
    const at = (name: string): string => join(folder, name);
    const bytes = await smallDatasource({ name: 'garden', version: '1.0.0' });
    await writeFile(at('garden.wasm'), bytes);
    await writeFile(at('garden.wasm.sigstore.json'), await instance.sign(bytes));
    await writeFile(at('trusted_root.json'), instance.root());
    const refused = async (...args: string[]): Promise<string> => JSON.parse((await command([...args, '--json'], { env })).stderr).code;
    expect(await refused('install', at('garden.wasm'), '--signed')).toBe('UNTRUSTED_ROOT');
    await run('trust', 'add-root', 'acme', at('trusted_root.json'));
    expect(await refused('install', at('garden.wasm'), '--signed')).toBe('UNTRUSTED_ISSUER');
    const pattern = SUBJECT.replace('v1.0.0', '*');
    await run('trust', 'add', 'acme', '--issuer', ISSUER, '--subject-pattern', pattern, '--name', 'garden');
    await run('install', at('garden.wasm'), '--signed');
    expect((await run('versions', 'garden')).stdout).toMatch(/1\.0\.0 +enabled +signed by acme/);
    await run('publish', at('garden.wasm'), `oci://${registry.host}/acme/garden:1.0.0`);
    const listed = await run('trust', 'list');
    expect(listed.stdout).toContain(pattern);
    expect(listed.stdout).toContain(digestOf(Buffer.from(instance.root())));
    expect(listed.stdout).not.toContain('WARNING');
    const [authority] = (JSON.parse(instance.root()) as { certificateAuthorities: object[] }).certificateAuthorities;
    const ended = { ...authority, validFor: { start: '2020-01-01T00:00:00Z', end: '2021-01-01T00:00:00Z' } };
    await writeFile(at('old_root.json'), instance.root({ certificateAuthorities: [ended] }));
    expect((await run('trust', 'add-root', 'acme', at('old_root.json'))).stdout).toContain('WARNING');
    expect((await run('trust', 'list')).stdout).toMatch(/WARNING: all certificate authorities of acme ended by 2021/);
    const [id] = JSON.parse((await run('trust', 'list', '--json')).stdout).identities.map((identity: { id: string }) => identity.id);
    await run('trust', 'remove', id);
    await run('trust', 'remove-root', 'acme');
    expect(await refused('trust', 'add', 'acme', '--issuer', ISSUER, '--subject', SUBJECT, '--name', 'garden')).toBe('USAGE');
  });
});

interface Published {
  tagged: string;
  artifact: string;
}

async function publish(name: string, sign: (bytes: Uint8Array) => Promise<string>): Promise<Published> {
  const bytes = await smallDatasource({ name, version: '1.0.0' });
  const tagged = `oci://${registry.host}/acme/${name}:1.0.0`;
  const component = { bytes, imports: [], exports: [], annotations: {}, bundle: await sign(bytes) };
  return { tagged, artifact: await api.services.sources.publish(tagged, component) };
}

/** Lists one more bundle as belonging to an artifact. */
async function attach(name: string, artifact: string, bundle: string, artifactType = BUNDLE_TYPE): Promise<void> {
  const { host } = registry;
  const repository = openOciRepository({ host, repository: `acme/${name}`, fetch: createRemoteFetch([host]), credentials: undefined });
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const config = await repository.putBlob('application/vnd.oci.empty.v1+json', Buffer.from('{}'));
  const layers = [await repository.putBlob(BUNDLE_TYPE, Buffer.from(bundle))];
  await repository.putReferrer({ mediaType, digest: artifact, size: 0 }, artifactType, { schemaVersion: 2, mediaType, config, layers });
}

/** What Debian's registry answers, and for it what one of the newer ones would. */
async function relay(url: string, name: string): Promise<{ status: number; type: string; body: Buffer }> {
  const path = url.replace(`/v2/acme/${name}/referrers/sha256:`, `/v2/acme/${name}/manifests/sha256-`);
  // The list is nowhere else than where it was asked for.
  if (path === url && url.includes('/manifests/sha256-')) return { status: 404, type: 'application/json', body: Buffer.from('{}') };
  const accept = ['application/vnd.oci.image.index.v1+json', 'application/vnd.oci.image.manifest.v1+json'].join(', ');
  const answer = await fetch(`http://${registry.host}${path}`, { headers: { accept } });
  return { status: answer.status, type: answer.headers.get('content-type') ?? '', body: Buffer.from(await answer.arrayBuffer()) };
}

function newKey(): SigningKey {
  const key = parseSigningKey(makeSigningKey().privatePem);
  if (key === undefined) throw new TypeError('a new key can be read');
  return key;
}
