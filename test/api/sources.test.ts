import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signDigest } from '../../host/domain/component-signature.ts';
import { sealIndex } from '../../host/domain/market-index.ts';
import { makeSigningKey, parseSigningKey, type SigningKey } from '../../host/domain/signing-key.ts';
import { freePort } from '../helpers/free-port.ts';
import { openApi, type Api, type ApiResponse } from '../helpers/api.ts';
import { startDockerRegistry, type DockerRegistry } from '../helpers/docker-registry.ts';
import { smallDatasource } from '../helpers/small-datasource.ts';
import { startRawUpstream, startUpstream, type Upstream } from '../helpers/upstream.ts';

const ASKS = 'capabilities: { http: [{ origin: https://api.example.com, reason: Reads. }] }\n';
let api: Api;
let registry: DockerRegistry;
let folder: string;
/** Serves the files of `served`; whatever else is asked of it never ends. */
let web: Upstream;
const served = new Map<string, Uint8Array>();
const waiting: ServerResponse[] = [];
const acme = newKey();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lorelai-sources-'));
  await mkdir(join(folder, 'allowed/inner'), { recursive: true });
  registry = await startDockerRegistry();
  web = await startUpstream((request, response) => {
    const bytes = served.get(request.url ?? '');
    if (bytes !== undefined) response.end(bytes);
    else if (/\.(sig|sigstore\.json)$/.test(request.url ?? '')) response.writeHead(404).end();
    else waiting.push(response);
  });
  api = await openApi({
    LORELAI_SOURCE_HOSTS: `${registry.host}, ${new URL(web.origin).host}`,
    LORELAI_SOURCE_FOLDERS: join(folder, 'allowed'),
  });
  await api.call('POST', '/api/v1/trusted-keys', {
    publisher: 'acme',
    publicKey: acme.publicKey.text,
    names: ['apricot', 'blueberry', 'quince'],
  });
});
afterAll(async () => {
  await Promise.all([api.close(), registry.close(), web.close(), rm(folder, { recursive: true, force: true })]);
});

function newKey(): SigningKey {
  const key = parseSigningKey(makeSigningKey().privatePem);
  if (key === undefined) throw new TypeError('a new key can be read');
  return key;
}

const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const post = (path: string, body?: unknown): Promise<ApiResponse> => api.call('POST', `/api/v1/${path}`, body);

async function push(name: string, version: string, manifest = '', key = acme): Promise<{ source: string; digest: string }> {
  const bytes = await smallDatasource({ name, version, manifest });
  const digest = digestOf(bytes);
  const source = `oci://${registry.host}/acme/${name}:${version}`;
  const component = { bytes, imports: [], exports: [], annotations: {}, signature: signDigest(digest, key, Date.now()) };
  await api.services.sources.publish(source, component);
  return { source, digest };
}

describe('a datasource is installed over the API', () => {
  it('from a registry, with nothing but what is said', async () => {
    const { source, digest } = await push('apricot', '1.0.0', ASKS);
    const { status, body } = await post('datasources', { source });
    expect([status, body.name, body.digest, body.grant.http.origins]).toEqual([200, 'apricot', digest, []]);
    expect(body.asks.http).toEqual([{ origin: 'https://api.example.com', reason: 'Reads.' }]);
    const given = await post('datasources', { source, grantAsked: true, grant: { limits: { maxLogLines: 5 } } });
    expect(given.body.grant).toMatchObject({ http: { origins: ['https://api.example.com'] }, limits: { maxLogLines: 5 } });
  });

  it('in two steps, between which somebody looks at what it asks for', async () => {
    const { source, digest } = await push('blueberry', '1.0.0', ASKS);
    const { body } = await post('datasource-versions', { source });
    expect(body).toMatchObject({
      name: 'blueberry',
      version: '1.0.0',
      digest,
      askedGrant: { http: { origins: ['https://api.example.com'] } },
    });
    expect((await api.call('GET', '/api/v1/datasources/blueberry')).status).toBe(404);
    expect((await api.call('GET', '/api/v1/datasource-versions/blueberry')).body).toEqual(body);
    const install = 'datasources/blueberry/versions/1.0.0/install';
    expect((await post(install, { digest: `sha256:${'0'.repeat(64)}` })).body.code).toBe('DIGEST_CHANGED');
    expect((await post(install, { digest, grant: body.askedGrant })).body).toMatchObject({ version: '1.0.0', grant: body.askedGrant });
    expect((await post('datasources/blueberry/versions/9.0.0/install')).body.code).toBe('UNKNOWN_VERSION');
  });

  it('by an address with its digest', async () => {
    const bytes = await smallDatasource({ name: 'quince', version: '1.0.0' });
    served.set('/quince.wasm', bytes);
    served.set('/quince.wasm.sig', Buffer.from(signDigest(digestOf(bytes), acme, Date.now())));
    expect((await post('datasources', { source: `${web.origin}/quince.wasm` })).body.code).toBe('INVALID_REQUEST');
    const other = await post('datasources', { source: `${web.origin}/quince.wasm#sha256:${'0'.repeat(64)}` });
    expect([other.status, other.body.code]).toEqual([502, 'DIGEST_MISMATCH']);
    expect((await post('datasources', { source: `${web.origin}/quince.wasm#${digestOf(bytes)}` })).body.name).toBe('quince');
  });

  it('and refused as on the machine: unsigned, by a stranger, under a name that its publisher is not trusted for', async () => {
    const bytes = await smallDatasource({ name: 'apricot', version: '2.0.0' });
    served.set('/unsigned.wasm', bytes);
    const unsigned = await post('datasources', { source: `${web.origin}/unsigned.wasm#${digestOf(bytes)}` });
    expect([unsigned.status, unsigned.body.code]).toEqual([422, 'SIGNATURE_MISSING']);
    const stranger = await post('datasources', { source: (await push('apricot', '3.0.0', '', newKey())).source });
    expect([stranger.status, stranger.body.code]).toEqual([403, 'UNTRUSTED_PUBLISHER']);
    const beyond = await post('datasources', { source: (await push('durian', '1.0.0')).source });
    expect([beyond.status, beyond.body.code]).toEqual([403, 'PUBLISHER_NOT_ALLOWED']);
    expect((await post('datasources', { source: 'nothing_here' })).body.code).toBe('NOT_IN_MARKET');
  });

  it('two at a time: the next is told that the host is busy', async () => {
    const slow = `${web.origin}/never.wasm#sha256:${'0'.repeat(64)}`;
    const [first, second] = [post('datasource-versions', { source: slow }), post('datasource-versions', { source: slow })];
    await expect.poll(() => web.requests.filter(({ url }) => url === '/never.wasm').length).toBe(2);
    expect((await post('datasource-versions', { source: slow })).body.code).toBe('HOST_BUSY');
    for (const response of waiting) response.destroy();
    expect((await first).body.code).toBe('SOURCE_UNREACHABLE');
    expect((await second).body.code).toBe('SOURCE_UNREACHABLE');
  });
});

describe('a caller looks around in no network through the host', () => {
  let hidden: Upstream;
  let connections = 0;
  beforeAll(async () => {
    hidden = await startRawUpstream((socket) => {
      connections += 1;
      socket.destroy();
    });
  });
  afterAll(() => hidden.close());

  const digest = `#sha256:${'0'.repeat(64)}`;
  const places: [string, () => string][] = [
    ['a registry on this machine', () => `oci://127.0.0.1:${hidden.port}/acme/wiki:1.0.0`],
    ['a name that resolves to it', () => `oci://localhost:${hidden.port}/acme/wiki:1.0.0`],
    ['the same by a web address', () => `https://localhost:${hidden.port}/a.wasm${digest}`],
    ['a file on it', () => `http://127.0.0.1:${hidden.port}/a.wasm${digest}`],
    ['the same with TLS', () => `https://127.0.0.1:${hidden.port}/a.wasm${digest}`],
    ['another spelling of it', () => `https://2130706433:${hidden.port}/a.wasm${digest}`],
    ["the address of a cloud's metadata", () => `https://169.254.169.254/a.wasm${digest}`],
    ['a private network', () => `https://10.0.0.1/a.wasm${digest}`],
  ];

  it.each(places)('by what it would have installed: %s', async (_, place) => {
    for (const path of ['datasources', 'datasource-versions']) {
      const { status, body } = await post(path, { source: place() });
      expect([status, body.code], body.detail).toEqual([502, 'SOURCE_UNREACHABLE']);
      expect(body.detail).toMatch(/not a public one|over anything but https/);
    }
    expect(connections).toBe(0);
  });

  it.each(places)('by a market: %s', async (_, place) => {
    const market = { name: 'inner', url: place().split('#')[0], publicKey: acme.publicKey.text };
    expect((await post('markets', market)).body).toMatchObject({ code: 'SOURCE_UNREACHABLE' });
    expect(connections).toBe(0);
    expect((await api.call('GET', '/api/v1/markets')).body.items).toEqual([]);
  });
});

describe('markets', () => {
  it('are added, searched, installed from, got anew and forgotten', async () => {
    const bytes = await smallDatasource({ name: 'apricot', version: '1.5.0' });
    served.set('/apricot.wasm', bytes);
    served.set('/apricot.wasm.sig', Buffer.from(signDigest(digestOf(bytes), acme, Date.now())));
    const entry = {
      name: 'apricot',
      version: '1.5.0',
      description: 'Fruit.',
      location: `${web.origin}/apricot.wasm#${digestOf(bytes)}`,
      digest: digestOf(bytes),
    };
    const seal = (version: number, expires: string): void => {
      const text = JSON.stringify({ version, expires, datasources: [entry, { ...entry, version: '1.4.0' }] });
      served.set('/index.json', Buffer.from(sealIndex(text, acme).envelope));
    };
    seal(2, '2099-01-01T00:00:00Z');
    const market = { name: 'acme', url: `${web.origin}/index.json`, publicKey: acme.publicKey.text };
    expect((await post('markets', { ...market, publicKey: newKey().publicKey.text })).body.code).toBe('INDEX_SIGNATURE_INVALID');
    expect((await post('markets', { ...market, publicKey: 'nonsense' })).body.code).toBe('INVALID_SIGNING_KEY');
    expect((await post('markets', market)).body).toMatchObject({ name: 'acme', indexVersion: 2, expires: '2099-01-01T00:00:00.000Z' });
    const page = await api.call('GET', '/api/v1/market-offers?text=fruit&limit=1');
    expect(page.body).toEqual({ items: [{ market: 'acme', ...entry }], next: '1' });
    const rest = await api.call('GET', `/api/v1/market-offers?text=fruit&after=${page.body.next}`);
    expect(rest.body).toMatchObject({ items: [{ version: '1.4.0' }] });
    expect((await api.call('GET', '/api/v1/market-offers?after=x')).body.code).toBe('INVALID_REQUEST');
    expect((await post('datasources', { source: 'apricot' })).body).toMatchObject({ name: 'apricot', version: '1.5.0' });
    seal(1, '2099-01-01T00:00:00Z');
    const older = await post('markets/acme/refresh');
    expect([older.status, older.body.code]).toEqual([502, 'INDEX_DOWNGRADED']);
    seal(3, '2099-02-01T00:00:00Z');
    expect((await post('markets/acme/refresh')).body.indexVersion).toBe(3);
    expect((await post('markets/other/refresh')).body.code).toBe('UNKNOWN_MARKET');
    expect((await api.call('DELETE', '/api/v1/markets/acme')).status).toBe(204);
    expect((await api.call('GET', '/api/v1/markets')).body.items).toEqual([]);
  });
});

describe('folders of the machine', () => {
  it('are watched when the operator lists them, or one around them', async () => {
    const inner = join(folder, 'allowed/inner');
    await writeFile(join(inner, 'meadow.wasm'), await smallDatasource({ name: 'meadow', version: '1.0.0' }));
    await writeFile(join(inner, 'no.wasm'), 'nothing');
    const added = await post('source-folders', { folder: inner });
    expect(added.body).toMatchObject({
      folder: inner,
      files: [{ name: 'meadow' }, { file: 'no.wasm', problem: expect.stringContaining('NOT_A_COMPONENT') }],
    });
    await writeFile(join(inner, 'meadow-2.wasm'), await smallDatasource({ name: 'meadow', version: '1.1.0' }));
    expect((await post('source-folders/scan', { folder: inner })).body.items[0].files).toHaveLength(3);
    expect((await post('source-folders/scan')).body.items).toHaveLength(1);
    expect((await api.call('GET', '/api/v1/source-folders')).body.items[0].files).toHaveLength(3);
    expect((await post('datasources/meadow/versions/1.1.0/install')).body.version).toBe('1.1.0');
    expect((await api.call('DELETE', `/api/v1/source-folders?folder=${encodeURIComponent(inner)}`)).status).toBe(204);
    expect((await post('source-folders/scan', { folder: inner })).body.code).toBe('UNKNOWN_SOURCE');
  });

  it('give everybody who looks into one at the same time what lies in it', async () => {
    const shared = join(folder, 'allowed/shared');
    await mkdir(shared);
    await writeFile(join(shared, 'hill.wasm'), await smallDatasource({ name: 'hill', version: '1.0.0' }));
    const looks = await Promise.all(Array.from({ length: 12 }, () => post('source-folders', { folder: shared })));
    expect(looks.map(({ body }) => body.files)).toEqual(looks.map(() => [expect.objectContaining({ name: 'hill', version: '1.0.0' })]));
    expect((await api.call('DELETE', `/api/v1/source-folders?folder=${encodeURIComponent(shared)}`)).status).toBe(204);
  });

  it('are looked into again where the host itself failed to keep what lies in them', async () => {
    const later = join(folder, 'allowed/later');
    await mkdir(later);
    await writeFile(join(later, 'brook.wasm'), await smallDatasource({ name: 'brook', version: '1.0.0' }));
    const kept = join(api.dataDir, 'components');
    await rename(kept, `${kept}-aside`);
    await writeFile(kept, 'no folder');
    const first = await post('source-folders', { folder: later });
    await rm(kept);
    await rename(`${kept}-aside`, kept);
    expect(first.body.files).toMatchObject([{ problem: 'it cannot be read' }]);
    const { body } = await post('source-folders/scan', { folder: later });
    expect(body.items[0].files).toEqual([expect.objectContaining({ name: 'brook' })]);
    expect((await api.call('DELETE', `/api/v1/source-folders?folder=${encodeURIComponent(later)}`)).status).toBe(204);
  });

  it('that the operator does not list cannot be named, and nobody learns which there are', async () => {
    await symlink('/', join(folder, 'allowed/out'));
    const answers: unknown[] = [];
    const names = [
      '/etc',
      folder,
      `${folder}/allowed-not`,
      '/nowhere/at/all',
      `${folder}/allowed/../`,
      `${folder}/allowed/out/etc`,
      'relative',
      `${folder}/allowed/missing`,
    ];
    for (const name of names) {
      const { status, body } = await post('source-folders', { folder: name });
      expect(status, name).toBe(403);
      answers.push({ ...body, requestId: '' });
    }
    expect(answers).toEqual(answers.map(() => answers[0]));
    expect(answers[0]).toMatchObject({ code: 'FOLDER_NOT_ALLOWED' });
    expect((await api.call('GET', '/api/v1/source-folders')).body.items).toEqual([]);
  });
});

describe('the lock', () => {
  it('is shown, taken over whole or not at all, and let go', async () => {
    const { body } = await api.call('GET', '/api/v1/lock');
    expect(body).toMatchObject({
      lockVersion: 1,
      datasources: expect.arrayContaining([expect.objectContaining({ name: 'apricot', version: '1.0.0' })]),
    });
    const pin = { name: 'wiki', version: '1.0.0', digest: `sha256:${'a'.repeat(64)}`, origin: 'another host' };
    const changed = { ...body.datasources[0], digest: `sha256:${'b'.repeat(64)}` };
    const refused = await post('lock', { lockVersion: 1, datasources: [pin, changed] });
    expect([refused.status, refused.body.code]).toEqual([409, 'DIGEST_CHANGED']);
    expect((await api.call('GET', '/api/v1/lock')).body).toEqual(body);
    expect((await post('lock', { lockVersion: 1, datasources: [...body.datasources, pin] })).body.datasources).toContainEqual(pin);
    expect((await api.call('DELETE', '/api/v1/lock/wiki/1.0.0')).status).toBe(204);
    expect((await api.call('DELETE', '/api/v1/lock/wiki/1.0.0')).body.code).toBe('UNKNOWN_VERSION');
  });
});

it('a host without these settings takes nothing that callers name in its own networks', async () => {
  const closed = await openApi();
  try {
    const port = await freePort();
    const { body } = await closed.call('POST', '/api/v1/datasources', { source: `oci://127.0.0.1:${port}/acme/wiki:1.0.0` });
    expect(body.code).toBe('SOURCE_UNREACHABLE');
    expect((await closed.call('POST', '/api/v1/source-folders', { folder })).body.code).toBe('FOLDER_NOT_ALLOWED');
  } finally {
    await closed.close();
  }
});
