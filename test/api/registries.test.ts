import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMAND_LINE } from '../../host/domain/caller.ts';
import { signDigest } from '../../host/domain/component-signature.ts';
import { EMPTY_GRANT } from '../../host/domain/grant.ts';
import { sealIndex } from '../../host/domain/market-index.ts';
import { makeSigningKey, parseSigningKey, type SigningKey } from '../../host/domain/signing-key.ts';
import { openApi, type Api } from '../helpers/api.ts';
import { command, type CommandResult } from '../helpers/command.ts';
import { startDockerRegistry, type DockerRegistry } from '../helpers/docker-registry.ts';
import { smallDatasource, type SmallVersion } from '../helpers/small-datasource.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';

let api: Api;
let registry: DockerRegistry;
let folder: string;
let count = 0;
const acme = newKey();
const mallory = newKey();

beforeAll(async () => {
  [api, registry, folder] = await Promise.all([openApi(), startDockerRegistry(), mkdtemp(join(tmpdir(), 'lorelai-sources-'))]);
});
afterAll(async () => {
  await Promise.all([api.close(), registry.close(), rm(folder, { recursive: true, force: true })]);
});

function newKey(): SigningKey {
  const key = parseSigningKey(makeSigningKey().privatePem);
  if (key === undefined) throw new TypeError('a new key can be read');
  return key;
}

/** Names that cannot be taken for one another. */
const WORDS = [
  'apricot',
  'blueberry',
  'cherimoya',
  'durian',
  'elderflower',
  'fig_tree',
  'grapefruit',
  'huckleberry',
  'jackfruit',
  'kumquat',
  'lychee',
  'mango',
  'nectarine',
  'papaya',
  'quince',
  'raspberry',
  'starfruit',
  'tangerine',
  'ugli_fruit',
  'watermelon',
];
function fresh(): string {
  const word = WORDS[count++];
  if (word === undefined) throw new TypeError('more words are needed');
  return word;
}

const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const trust = (names: string[], key = acme, publisher = 'acme'): Promise<unknown> =>
  api.services.trust.add({ publisher, publicKey: key.publicKey.text, names }, COMMAND_LINE);

interface Pushed {
  /** `oci://HOST/REPOSITORY:TAG` and the same by digest. */
  tagged: string;
  pinned: string;
  digest: string;
  artifact: string;
}

async function push(small: SmallVersion & { name: string }, key = acme): Promise<Pushed> {
  const bytes = await smallDatasource(small);
  const digest = digestOf(bytes);
  const repository = `oci://${registry.host}/acme/${small.name}`;
  const tagged = `${repository}:${small.version}`;
  const component = { bytes, imports: [], exports: [], annotations: {}, signature: signDigest(digest, key, Date.now()) };
  const artifact = await api.services.sources.publish(tagged, component);
  return { tagged, pinned: `${repository}@${artifact}`, digest, artifact };
}

const take = (address: string): Promise<{ digest: string }> => api.services.sources.take(address, COMMAND_LINE);
const install = (address: string): Promise<{ digest: string; origin: string }> =>
  api.services.sources.install(address, () => EMPTY_GRANT, COMMAND_LINE);
const versionsOf = async (name: string): Promise<{ version: string; trust: unknown; origin: string }[]> => {
  const found = (await api.services.versions.matrix(name)).map(({ version }) => version);
  return found.length === 0 ? [] : ((await api.services.versions.list(name).catch(() => [])) as never);
};

describe('a component in a registry', () => {
  it('comes back by tag and by digest as it was published, with who vouches for it', async () => {
    const name = fresh();
    await trust([name]);
    const { tagged, pinned, digest, artifact } = await push({ name, version: '1.0.0' });
    const taken = await install(tagged);
    expect(taken.digest).toBe(digest);
    expect(taken.origin).toBe(`oci://${registry.host}/acme/${name}@${artifact}`);
    expect((await take(pinned)).digest).toBe(digest);
    const { body } = await api.call('GET', `/api/v1/datasources/${name}/versions`);
    expect(body.items).toMatchObject([
      { version: '1.0.0', state: 'enabled', digest, trust: { kind: 'signed', publisher: 'acme', keyId: acme.publicKey.id } },
    ]);
  });

  it('lies there in the layout of the CNCF', async () => {
    const name = fresh();
    const { digest } = await push({ name, version: '1.0.0' });
    const base = `http://${registry.host}/v2/acme/${name}`;
    const accept = { headers: { accept: 'application/vnd.oci.image.manifest.v1+json' } };
    const manifest = (await (await fetch(`${base}/manifests/1.0.0`, accept)).json()) as {
      config: { mediaType: string; digest: string };
      layers: unknown[];
    };
    expect(manifest).toMatchObject({
      schemaVersion: 2,
      config: { mediaType: 'application/vnd.wasm.config.v0+json' },
      layers: [{ mediaType: 'application/wasm', digest }],
    });
    const config = await (await fetch(`${base}/blobs/${manifest.config.digest}`)).json();
    expect(config).toMatchObject({ architecture: 'wasm', os: 'wasip2', layerDigests: [digest], component: { imports: [], exports: [] } });
  });

  it('is refused with a layer that somebody changed: DIGEST_MISMATCH', async () => {
    const name = fresh();
    await trust([name]);
    const { tagged, pinned, digest } = await push({ name, version: '1.0.0' });
    await registry.tamper(digest, (bytes) => {
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
      return bytes;
    });
    await expect(take(tagged)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    await expect(take(pinned)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    expect(await versionsOf(name)).toEqual([]);
  });

  it('is refused with a layer that somebody cut off or made longer', async () => {
    const name = fresh();
    await trust([name]);
    const { tagged, digest } = await push({ name, version: '1.0.0' });
    await registry.tamper(digest, (bytes) => bytes.subarray(0, 10));
    await expect(take(tagged)).rejects.toMatchObject({ code: expect.stringMatching(/^(DIGEST_MISMATCH|SOURCE_UNREACHABLE)$/) });
    await registry.tamper(digest, (bytes) => Buffer.concat([bytes, Buffer.alloc(1_000_000)]));
    await expect(take(tagged)).rejects.toMatchObject({ code: 'SOURCE_UNUSABLE', message: expect.stringContaining('sends more than') });
  });

  it('is refused with a manifest that somebody changed: DIGEST_MISMATCH by digest', async () => {
    const name = fresh();
    await trust([name]);
    const { pinned, artifact } = await push({ name, version: '1.0.0' });
    await registry.tamper(artifact, (bytes) => Buffer.from(bytes.toString('utf8').replace('wasm', 'wAsm')));
    await expect(take(pinned)).rejects.toMatchObject({ code: expect.stringMatching(/^(DIGEST_MISMATCH|SOURCE_UNREACHABLE)$/) });
  });

  it('is refused where there is none, and where no registry answers', async () => {
    await expect(take(`oci://${registry.host}/acme/nothing:1.0.0`)).rejects.toMatchObject({ code: 'SOURCE_UNUSABLE' });
    await expect(take('oci://127.0.0.1:1/acme/nothing:1.0.0')).rejects.toMatchObject({ code: 'SOURCE_UNREACHABLE' });
    await expect(take('oci://127.0.0.1:1/acme/nothing')).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
  });
});

describe('nothing comes from elsewhere', () => {
  it('that nobody signed: SIGNATURE_MISSING', async () => {
    const name = fresh();
    await trust([name]);
    const bytes = await smallDatasource({ name, version: '1.0.0' });
    const upstream = await serve({ '/a.wasm': bytes });
    try {
      await expect(take(`${upstream.origin}/a.wasm#${digestOf(bytes)}`)).rejects.toMatchObject({ code: 'SIGNATURE_MISSING' });
    } finally {
      await upstream.close();
    }
  });

  it('that a stranger signed: UNTRUSTED_PUBLISHER', async () => {
    const name = fresh();
    await trust([name]);
    const { tagged } = await push({ name, version: '1.0.0' }, mallory);
    await expect(take(tagged)).rejects.toMatchObject({ code: 'UNTRUSTED_PUBLISHER' });
  });

  it('that a stranger signed in the name of another: SIGNATURE_INVALID', async () => {
    const name = fresh();
    await trust([name]);
    const bytes = await smallDatasource({ name, version: '1.0.0' });
    const forged = signDigest(digestOf(bytes), mallory, Date.now()).replace(mallory.publicKey.id, acme.publicKey.id);
    const upstream = await serve({ '/a.wasm': bytes, '/a.wasm.sig': Buffer.from(forged) });
    try {
      await expect(take(`${upstream.origin}/a.wasm#${digestOf(bytes)}`)).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' });
    } finally {
      await upstream.close();
    }
  });

  it('with the signature of something else: SIGNATURE_INVALID', async () => {
    const name = fresh();
    await trust([name]);
    const bytes = await smallDatasource({ name, version: '1.0.0' });
    const other = signDigest(digestOf(Buffer.from('another')), acme, Date.now());
    const upstream = await serve({ '/a.wasm': bytes, '/a.wasm.sig': Buffer.from(other) });
    try {
      await expect(take(`${upstream.origin}/a.wasm#${digestOf(bytes)}`)).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' });
    } finally {
      await upstream.close();
    }
  });

  it('with another digest than the address names: DIGEST_MISMATCH; with it, it comes', async () => {
    const name = fresh();
    await trust([name]);
    const bytes = await smallDatasource({ name, version: '1.0.0' });
    const upstream = await serve({ '/a.wasm': bytes, '/a.wasm.sig': Buffer.from(signDigest(digestOf(bytes), acme, Date.now())) });
    try {
      await expect(take(`${upstream.origin}/a.wasm#sha256:${'0'.repeat(64)}`)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
      await expect(take(`${upstream.origin}/a.wasm`)).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
      expect((await take(`${upstream.origin}/a.wasm#${digestOf(bytes)}`)).digest).toBe(digestOf(bytes));
    } finally {
      await upstream.close();
    }
  });

  it('under a name that its publisher is not trusted for: PUBLISHER_NOT_ALLOWED', async () => {
    const [name, other] = [fresh(), fresh()];
    const key = newKey();
    await trust([name], key, 'narrow');
    const { tagged } = await push({ name: other, version: '1.0.0' }, key);
    await expect(take(tagged)).rejects.toMatchObject({ code: 'PUBLISHER_NOT_ALLOWED' });
  });

  it('under a name that another publisher has: PUBLISHER_CHANGED', async () => {
    const name = fresh();
    const key = newKey();
    await trust([name]);
    await take((await push({ name, version: '1.0.0' })).tagged);
    await trust(['*'], key, 'everything');
    const { tagged } = await push({ name, version: '1.1.0' }, key);
    await expect(take(tagged)).rejects.toMatchObject({ code: 'PUBLISHER_CHANGED' });
    await api.services.trust.remove(key.publicKey.id, COMMAND_LINE);
  });

  it('under a name that could be taken for another one: LOOK_ALIKE_NAME', async () => {
    const key = newKey();
    await trust(['confluence']);
    await take((await push({ name: 'confluence', version: '1.0.0' })).tagged);
    await trust(['*'], key, 'everything');
    // Which names are alike is for test/unit/domain/look-alike.test.ts.
    for (const name of ['confluense']) {
      const { tagged } = await push({ name, version: '1.0.0' }, key);
      await expect(take(tagged), name).rejects.toMatchObject({ code: 'LOOK_ALIKE_NAME' });
      await expect(trust([name], key, 'everything'), name).rejects.toMatchObject({ code: 'LOOK_ALIKE_NAME' });
    }
    // Who has read it letter by letter may mean it.
    await api.services.trust.add(
      { publisher: 'everything', publicKey: key.publicKey.text, names: ['confluense'], allowLookAlike: true },
      COMMAND_LINE,
    );
    await take((await push({ name: 'confluense', version: '1.0.0' }, key)).tagged);
    await api.services.trust.remove(key.publicKey.id, COMMAND_LINE);
  });

  it('with other bytes than a version had once: DIGEST_CHANGED, also after it was removed', async () => {
    const name = fresh();
    await trust([name]);
    await install((await push({ name, version: '1.0.0' })).tagged);
    const other = await push({ name, version: '1.0.0', features: ['others'] });
    await expect(take(other.tagged)).rejects.toMatchObject({ code: 'DIGEST_CHANGED' });
    expect((await api.call('DELETE', `/api/v1/datasources/${name}`)).status).toBe(200);
    await expect(take(other.tagged)).rejects.toMatchObject({ code: 'DIGEST_CHANGED' });
    await api.services.trust.release(name, '1.0.0', COMMAND_LINE);
    expect((await take(other.tagged)).digest).toBe(other.digest);
  });

  it('from a private address that somebody else named', async () => {
    const name = fresh();
    await trust([name]);
    const hidden = await serve({ '/a.wasm': Buffer.from('secret') });
    const upstream = await startUpstream((_, response) => response.writeHead(302, { location: `${hidden.origin}/a.wasm` }).end());
    try {
      await expect(take(`${upstream.origin}/a.wasm#sha256:${'0'.repeat(64)}`)).rejects.toMatchObject({ code: 'SOURCE_UNREACHABLE' });
      expect(hidden.requests).toEqual([]);
    } finally {
      await Promise.all([upstream.close(), hidden.close()]);
    }
  });
});

const inAnHour = (): string => new Date(Date.now() + 3_600_000).toISOString();
const refresh = (): Promise<unknown> => api.services.markets.refresh('strict', COMMAND_LINE);

describe('a market', () => {
  const market = newKey();
  const index = (fields: object): Buffer =>
    Buffer.from(sealIndex(JSON.stringify({ expires: inAnHour(), datasources: [], ...fields }), market).envelope);

  it('offers what it lists, by name, and what it lists is still proved', async () => {
    const name = fresh();
    const bytes = await smallDatasource({ name, version: '1.2.0' });
    const files: Record<string, Uint8Array> = {
      '/a.wasm': bytes,
      '/a.wasm.sig': Buffer.from(signDigest(digestOf(bytes), acme, Date.now())),
    };
    const upstream = await serve(files);
    const entry = {
      name,
      version: '1.2.0',
      description: 'Reads fruit.',
      location: `${upstream.origin}/a.wasm#${digestOf(bytes)}`,
      digest: digestOf(bytes),
    };
    files['/index.json'] = index({ version: 1, datasources: [entry] });
    try {
      await addMarket(upstream, 'fruit');
      expect(await api.services.markets.search('FRUIT')).toMatchObject([{ name, version: '1.2.0', market: 'fruit' }]);
      const bare = newKey();
      await expect(take(name)).rejects.toMatchObject({ code: 'PUBLISHER_NOT_ALLOWED' });
      await trust([name], bare, 'someone');
      await expect(take(name)).rejects.toMatchObject({ code: 'PUBLISHER_NOT_ALLOWED' });
      await trust([name]);
      expect((await take(`${name}@1.2.0`)).digest).toBe(digestOf(bytes));
      await expect(take(`${name}@9.9.9`)).rejects.toMatchObject({ code: 'NOT_IN_MARKET' });
    } finally {
      await api.services.markets.remove('fruit', COMMAND_LINE);
      await upstream.close();
    }
  });

  it('is refused with an index that is out of date, older than one that was seen, or signed by somebody else', async () => {
    const files: Record<string, Uint8Array> = {};
    const upstream = await serve(files);
    try {
      files['/index.json'] = index({ version: 5, expires: '2020-01-01T00:00:00Z' });
      await expect(addMarket(upstream, 'strict')).rejects.toMatchObject({ code: 'INDEX_EXPIRED' });
      files['/index.json'] = index({ version: 5 });
      await addMarket(upstream, 'strict');
      files['/index.json'] = index({ version: 4 });
      await expect(refresh()).rejects.toMatchObject({ code: 'INDEX_DOWNGRADED' });
      files['/index.json'] = index({ version: 5, expires: '2099-01-01T00:00:00Z' });
      await expect(refresh()).rejects.toMatchObject({ code: 'INDEX_DOWNGRADED' });
      files['/index.json'] = Buffer.from(sealIndex(JSON.stringify({ version: 6, expires: inAnHour(), datasources: [] }), mallory).envelope);
      await expect(refresh()).rejects.toMatchObject({ code: 'INDEX_SIGNATURE_INVALID' });
      // The signature of a component is none of an index.
      files['/index.json'] = Buffer.from(signDigest(`sha256:${'0'.repeat(64)}`, market, Date.now()));
      await expect(refresh()).rejects.toMatchObject({ code: 'INDEX_SIGNATURE_INVALID' });
      files['/index.json'] = Buffer.from('no JSON');
      await expect(refresh()).rejects.toMatchObject({ code: 'INDEX_SIGNATURE_INVALID' });
      expect(await api.services.markets.list()).toMatchObject([{ name: 'strict', indexVersion: 5 }]);
      files['/index.json'] = index({ version: 6 });
      await refresh();
      expect(await api.services.markets.list()).toMatchObject([{ indexVersion: 6 }]);
    } finally {
      await api.services.markets.remove('strict', COMMAND_LINE);
      await upstream.close();
    }
  });

  it('that names other bytes than its own server has: DIGEST_MISMATCH', async () => {
    const name = fresh();
    await trust([name]);
    const bytes = await smallDatasource({ name, version: '1.0.0' });
    const files: Record<string, Uint8Array> = {
      '/a.wasm': bytes,
      '/a.wasm.sig': Buffer.from(signDigest(digestOf(bytes), acme, Date.now())),
    };
    const upstream = await serve(files);
    const entry = { name, version: '1.0.0', location: `${upstream.origin}/a.wasm#${digestOf(bytes)}`, digest: `sha256:${'1'.repeat(64)}` };
    files['/index.json'] = index({ version: 1, datasources: [entry] });
    try {
      await addMarket(upstream, 'wrong');
      await expect(take(name)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    } finally {
      await api.services.markets.remove('wrong', COMMAND_LINE);
      await upstream.close();
    }
  });

  it('does not lead the host into a network that the operator has not named', async () => {
    const name = fresh();
    await trust([name]);
    const bytes = await smallDatasource({ name, version: '1.0.0' });
    const { pinned } = await push({ name, version: '1.0.0' });
    const entry = { name, version: '1.0.0', location: pinned, digest: `sha256:${'1'.repeat(64)}` };
    const upstream = await serve({ '/index.json': index({ version: 1, datasources: [entry] }), '/a.wasm': bytes });
    try {
      await addMarket(upstream, 'liar');
      // The registry is not the market's own host, and lies in a private network.
      await expect(take(name)).rejects.toMatchObject({ code: 'SOURCE_UNREACHABLE' });
    } finally {
      await api.services.markets.remove('liar', COMMAND_LINE);
      await upstream.close();
    }
  });

  const addMarket = (upstream: Upstream, name: string): Promise<unknown> =>
    api.services.markets.add({ name, url: `${upstream.origin}/index.json`, publicKey: market.publicKey.text }, COMMAND_LINE);
});

describe('a new user', () => {
  it('makes a key, publishes, trusts, installs, upgrades from a market in a registry, by commands', async () => {
    const dataDir = join(folder, 'data');
    const run = async (...args: string[]): Promise<CommandResult> => {
      const result = await command([...args], { env: { DATA_DIR: dataDir } });
      expect(result, result.stderr).toMatchObject({ exitCode: 0 });
      return result;
    };
    const at = (name: string): string => join(folder, name);
    await run('keygen', at('acme'));
    expect((await stat(at('acme.key'))).mode & 0o777).toBe(0o600);
    await writeFile(at('one.wasm'), await smallDatasource({ name: 'orchard', version: '1.0.0' }));
    await writeFile(at('two.wasm'), await smallDatasource({ name: 'orchard', version: '1.1.0' }));
    await run('sign', at('one.wasm'), '--key', at('acme.key'));
    const repository = `oci://${registry.host}/acme/orchard`;
    await run('publish', at('one.wasm'), `${repository}:1.0.0`);
    const refused = await command(['install', `${repository}:1.0.0`, '--json'], { env: { DATA_DIR: dataDir } });
    expect(JSON.parse(refused.stderr)).toMatchObject({ code: 'UNTRUSTED_PUBLISHER' });
    await run('trust', 'add', 'acme', '--key', at('acme.pub'), '--name', 'orchard');
    expect((await run('trust', 'list')).stdout).toContain('orchard');
    await run('install', `${repository}:1.0.0`);
    const published = JSON.parse((await run('publish', at('two.wasm'), `${repository}:1.1.0`, '--key', at('acme.key'), '--json')).stdout);
    const entry = { name: 'orchard', version: '1.1.0', location: published.pinned, digest: published.digest };
    await writeFile(at('index.json'), JSON.stringify({ version: 1, expires: '2099-01-01T00:00:00Z', datasources: [entry] }));
    const marketAddress = `oci://${registry.host}/acme/market:latest`;
    await run('market', 'sign', at('index.json'), '--key', at('acme.key'), '--publish', marketAddress);
    await run('market', 'add', 'acme', marketAddress, '--key', at('acme.pub'));
    expect((await run('market', 'search')).stdout).toContain('orchard');
    await run('upgrade', 'orchard', '--from', 'orchard');
    expect((await run('versions', 'orchard')).stdout).toMatch(/1\.1\.0 +enabled +signed by acme/);
    await run('lock', '--out', at('datasources.lock'));
    expect(JSON.parse(await readFile(at('datasources.lock'), 'utf8')).datasources).toMatchObject([
      { name: 'orchard', version: '1.0.0' },
      { name: 'orchard', version: '1.1.0', digest: published.digest },
    ]);
    // Another host that is given the lock takes these bytes and no others.
    const elsewhere = { env: { DATA_DIR: join(folder, 'elsewhere') } };
    const wrong = {
      lockVersion: 1,
      datasources: [{ name: 'orchard', version: '1.0.0', digest: `sha256:${'2'.repeat(64)}`, origin: 'a test' }],
    };
    await writeFile(at('wrong.lock'), JSON.stringify(wrong));
    await command(['lock', '--from', at('wrong.lock')], elsewhere);
    await command(['trust', 'add', 'acme', '--key', at('acme.pub'), '--name', 'orchard'], elsewhere);
    const changed = await command(['install', `${repository}:1.0.0`, '--json'], elsewhere);
    expect(JSON.parse(changed.stderr)).toMatchObject({ code: 'DIGEST_CHANGED' });
  });

  it('has a folder watched', async () => {
    const watched = await mkdtemp(join(tmpdir(), 'lorelai-watched-'));
    try {
      await writeFile(join(watched, 'a.wasm'), await smallDatasource({ name: 'meadow', version: '1.0.0' }));
      await writeFile(join(watched, 'b.wasm'), 'no component');
      const added = await api.services.folders.add(watched, COMMAND_LINE);
      expect(added.files).toMatchObject([
        { file: 'a.wasm', name: 'meadow', version: '1.0.0' },
        { file: 'b.wasm', problem: expect.stringContaining('NOT_A_COMPONENT') },
      ]);
      expect(await api.services.versions.matrix('meadow')).toMatchObject([{ version: '1.0.0', state: 'inspected' }]);
      await writeFile(join(watched, 'c.wasm'), await smallDatasource({ name: 'meadow', version: '1.1.0' }));
      await rm(join(watched, 'b.wasm'));
      expect((await api.services.folders.scan(watched, COMMAND_LINE))[0]?.files).toMatchObject([
        { file: 'a.wasm' },
        { file: 'c.wasm', version: '1.1.0' },
      ]);
      await api.services.sources.installFound({ name: 'meadow' }, () => EMPTY_GRANT, COMMAND_LINE);
      expect((await api.call('GET', '/api/v1/datasources/meadow/versions')).body.items[0]).toMatchObject({
        version: '1.1.0',
        state: 'enabled',
        trust: { kind: 'local' },
      });
      await api.services.folders.remove(watched, COMMAND_LINE);
      await expect(api.services.folders.scan(watched, COMMAND_LINE)).rejects.toMatchObject({ code: 'UNKNOWN_SOURCE' });
    } finally {
      await rm(watched, { recursive: true, force: true });
    }
  });
});

describe('trusted keys', () => {
  it('are listed, added and removed over the API, by admins alone', async () => {
    const key = newKey();
    const input = { publisher: 'overapi', publicKey: key.publicKey.text, names: ['overapi_*'] };
    const operator = await api.keyWith(['operator']);
    expect((await api.call('POST', '/api/v1/trusted-keys', input, { as: operator })).status).toBe(403);
    expect((await api.call('POST', '/api/v1/trusted-keys', input)).body).toMatchObject({ id: key.publicKey.id, names: ['overapi_*'] });
    expect((await api.call('GET', '/api/v1/trusted-keys')).body.items).toContainEqual(expect.objectContaining({ publisher: 'overapi' }));
    expect((await api.call('POST', '/api/v1/trusted-keys', { ...input, publisher: 'other' })).body.code).toBe('CONFLICT');
    expect((await api.call('POST', '/api/v1/trusted-keys', { ...input, publicKey: 'nonsense' })).body.code).toBe('INVALID_SIGNING_KEY');
    expect((await api.call('DELETE', `/api/v1/trusted-keys/${key.publicKey.id}`)).status).toBe(204);
    expect((await api.call('DELETE', `/api/v1/trusted-keys/${key.publicKey.id}`)).body.code).toBe('UNKNOWN_PUBLISHER_KEY');
  });
});

/** A web server of this machine with these files. */
function serve(files: Record<string, Uint8Array>): Promise<Upstream> {
  return startUpstream((request, response) => {
    const found = files[request.url ?? ''];
    response.writeHead(found === undefined ? 404 : 200).end(found);
  });
}
