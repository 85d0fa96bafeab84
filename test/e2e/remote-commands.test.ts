import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answerOf, createHostClient, everyItem, HostError } from '../../clients/typescript/client.ts';
import { signDigest } from '../../host/domain/component-signature.ts';
import { sealIndex } from '../../host/domain/market-index.ts';
import { makeSigningKey, parseSigningKey } from '../../host/domain/signing-key.ts';
import { ADMIN_KEY } from '../helpers/admin-key.ts';
import { command, type CommandResult } from '../helpers/command.ts';
import { componentFile } from '../helpers/components.ts';
import { freePort } from '../helpers/free-port.ts';
import { startHostProcess, type HostProcess } from '../helpers/host-process.ts';
import { smallDatasource } from '../helpers/small-datasource.ts';

let folder: string;
let host: HostProcess;
let keyFile: string;
let everything = '';
/** Of a web server that the host's operator has listed. */
let marketPort: number;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lorelai-remote-'));
  const dataDir = join(folder, 'data');
  const installed = await command(['install', componentFile('hello'), '--grant-asked', '--storage', '--data-dir', dataDir]);
  expect(installed.exitCode, installed.stderr).toBe(0);
  keyFile = join(folder, 'key.txt');
  await writeFile(keyFile, `${ADMIN_KEY}\n`);
  marketPort = await freePort();
  const env = { LORELAI_SOURCE_HOSTS: `127.0.0.1:${marketPort}`, LORELAI_SOURCE_FOLDERS: join(folder, 'watched') };
  host = await startHostProcess({ dataDir, env });
});
afterAll(async () => {
  await host.stop();
  await rm(folder, { recursive: true, force: true });
});

/** A command that has no data folder to fall back on. */
async function remotely(args: readonly string[], env: Record<string, string> = {}): Promise<CommandResult> {
  const nowhere = { DATA_DIR: '/nowhere/at/all', LORELAI_HOST_URL: host.url, LORELAI_HOST_KEY_FILE: keyFile };
  const result = await command(args, { env: { ...nowhere, ...env } });
  everything += result.stdout + result.stderr;
  return result;
}

async function json(...args: string[]): Promise<unknown> {
  const { exitCode, stdout, stderr } = await remotely([...args, '--json']);
  expect(exitCode, `${args.join(' ')}: ${stderr}`).toBe(0);
  return JSON.parse(stdout);
}

/** In their order: each goes on from the one before. */
describe('commands on a host elsewhere', () => {
  test('connect, index, search and list do what they do beside it', async () => {
    expect(await json('connect', 'hello', '--name', 'greeter')).toMatchObject({ connection: { name: 'greeter' }, check: { ready: true } });
    expect(await json('index', 'greeter')).toMatchObject({ runs: [{ kind: 'content', state: 'succeeded', progress: { seen: 5 } }] });
    expect(await json('search', 'keeping', 'small', 'things')).toMatchObject({
      hits: expect.arrayContaining([expect.objectContaining({ datasource: 'hello', score: expect.any(Number) })]),
    });
    expect(await json('list')).toMatchObject({ datasources: [{ name: 'hello' }], connections: [{ name: 'greeter', documents: 5 }] });
    expect((await remotely(['list'])).stdout).toContain('greeter');
    expect(await json('runs', 'greeter', '--kind', 'content')).toMatchObject({ runs: [{ state: 'succeeded' }] });
  });

  test('--url and --key-file say the same as the environment', async () => {
    const { exitCode, stdout } = await command(['list', '--json', '--url', host.url, '--key-file', keyFile]);
    expect([exitCode, JSON.parse(stdout)]).toMatchObject([0, { connections: [{ name: 'greeter' }] }]);
    const ofGroup = await command(['people', 'list', '--json', '--url', host.url, '--key-file', keyFile]);
    expect([ofGroup.exitCode, JSON.parse(ofGroup.stdout)]).toEqual([0, { items: [] }]);
  });

  test.each([
    [['versions', 'hello'], { items: [{ state: 'enabled' }] }],
    [['graph'], { nodes: [{ name: 'hello' }] }],
    [['matrix'], { items: [{ name: 'hello' }] }],
    [['schedule', 'greeter', '--prune', 'off'], { prune: { cron: 'off', from: 'connection' } }],
    [['pause', 'greeter', '--reason', 'It moves.'], { paused: { reason: 'It moves.' } }],
    [['resume', 'greeter'], { failedRuns: 0 }],
    [['disable', 'hello'], { enabled: false }],
    [['enable', 'hello'], { enabled: true }],
    [['grant', 'hello', '--allow', 'https://a.example.com'], { grant: { http: { origins: ['https://a.example.com'] } } }],
    [['revoke', 'hello', '--allow', 'https://a.example.com'], { grant: { http: { origins: [] } } }],
    [['audit', 'greeter', '--limit', '5'], { items: expect.any(Array) }],
    [['audit', 'changes', '--organisation', 'default'], { items: [{ action: expect.any(String) }, ...Array(5).fill(expect.anything())] }],
    [['audit', 'verify', '--organisation', 'default'], { items: [{ intact: true }] }],
    [['webhook', 'greeter', '--show'], { open: false }],
    [['people', 'add', 'ada@acme.example'], { email: 'ada@acme.example' }],
    [['people', 'set', 'ada@acme.example', '--name', 'Ada'], { name: 'Ada' }],
    [['people', 'list'], { items: [{ name: 'Ada' }] }],
    [['people', 'principals', 'ada@acme.example'], { items: expect.any(Array) }],
    [['people', 'remove', 'ada@acme.example'], { removed: 'ada@acme.example' }],
    [['failed', 'greeter'], { items: [] }],
    [['vectors', 'status'], { sets: [] }],
    [['trust', 'list'], { items: [] }],
    [['market', 'list'], { items: [] }],
    [['market', 'search', 'nothing'], { items: [] }],
    [['sources', 'list'], { items: [] }],
    [['lock'], { lockVersion: 1, datasources: [] }],
  ])('%j', async (args, expected) => {
    const found = await json(...args);
    if (args[1] === 'changes')
      expect(found).toMatchObject({ items: expect.arrayContaining([expect.objectContaining({ action: 'connection.create' })]) });
    else expect(found).toMatchObject(expected);
  });

  test('an organisation is made and listed', async () => {
    expect(await json('organisations', 'create', 'afar', '--name', 'Far Ltd.')).toMatchObject({ id: 'afar', name: 'Far Ltd.' });
    expect(await json('organisations', 'list')).toMatchObject({ items: expect.arrayContaining([expect.objectContaining({ id: 'afar' })]) });
  });

  test('keys are made, rotated and revoked, and the log is exported', async () => {
    const made = await remotely(['keys', 'create', 'me', '--scope', 'reader', '--organisation', 'default', '--json']);
    const { key, secret } = JSON.parse(made.stdout);
    expect([made.exitCode, key.name, secret]).toEqual([0, 'me', expect.stringMatching(/^lorelai_/)]);
    expect(await json('keys', 'revoke', key.id)).toMatchObject({ revokedAt: expect.any(String) });
    const refused = await remotely(['list', '--json'], { LORELAI_HOST_KEY_FILE: '', LORELAI_HOST_KEY: secret });
    expect([refused.exitCode, JSON.parse(refused.stderr).code]).toEqual([1, 'UNAUTHENTICATED']);
    expect((await remotely(['audit', 'export', '--organisation', 'default'])).stdout.split('\n')[0]).toContain('"sequence":1');
  });

  test('a publisher is trusted, and its datasource found, looked for, installed, upgraded and pinned', async () => {
    const web = await startMarket();
    try {
      const key = join(folder, 'acme.pub');
      await writeFile(key, `${web.publicKey}\n`);
      expect(await json('trust', 'add', 'acme', '--key', key, '--name', 'apricot')).toMatchObject({
        publisher: 'acme',
        names: ['apricot'],
      });
      expect(await json('market', 'add', 'fruit', `${web.origin}/index.json`, '--key', key)).toMatchObject({ items: [{ name: 'fruit' }] });
      expect(await json('market', 'search', 'apr')).toMatchObject({ items: [{ version: '1.1.0' }, { version: '1.0.0' }] });
      expect(await json('market', 'refresh')).toMatchObject({ items: [{ indexVersion: 1 }] });
      const asked = ['--grant-asked', '--limit', 'maxLogLines=9'];
      expect(await json('install', 'apricot@1.0.0', ...asked)).toMatchObject({
        version: '1.0.0',
        grant: { http: { origins: ['https://api.example.com'] }, limits: { maxLogLines: 9 } },
      });
      expect(await json('upgrade', 'apricot', '--from', 'apricot@1.1.0')).toMatchObject({ steps: [{ to: '1.1.0' }] });
      const lock = join(folder, 'datasources.lock');
      expect(await json('lock', '--out', lock)).toMatchObject({ datasources: [{ version: '1.0.0' }, { version: '1.1.0' }] });
      expect(await json('lock', '--from', lock, '--release', 'apricot@1.0.0')).toMatchObject({ datasources: [{ version: '1.1.0' }] });
      expect(await json('market', 'remove', 'fruit')).toMatchObject({ removed: true });
      expect(await json('trust', 'list')).toMatchObject({ items: [{ publisher: 'acme' }] });
      const [{ id }] = ((await json('trust', 'list')) as { items: [{ id: string }] }).items;
      expect(await json('trust', 'remove', id)).toMatchObject({ removed: true });
    } finally {
      await web.close();
    }
  });

  test('a folder of the host is watched, where its operator allows that', async () => {
    const watched = join(folder, 'watched');
    await mkdir(watched);
    await writeFile(join(watched, 'meadow.wasm'), await smallDatasource({ name: 'meadow', version: '1.0.0' }));
    expect(await json('sources', 'add', watched)).toMatchObject({ items: [{ folder: watched, files: [{ name: 'meadow' }] }] });
    expect(await json('sources', 'refresh')).toMatchObject({ items: [{ files: [{ file: 'meadow.wasm' }] }] });
    expect(await json('install', 'meadow', '--found')).toMatchObject({ name: 'meadow', version: '1.0.0' });
    expect(await json('sources', 'remove', watched)).toMatchObject({ removed: true });
    const { exitCode, stderr } = await remotely(['sources', 'add', folder, '--json']);
    expect([exitCode, JSON.parse(stderr).code]).toEqual([1, 'FOLDER_NOT_ALLOWED']);
  });

  test('what the host refuses is told in its own words', async () => {
    const { exitCode, stderr } = await remotely(['connect', 'nothing', '--json']);
    expect([exitCode, JSON.parse(stderr)]).toMatchObject([1, { code: 'UNKNOWN_DATASOURCE', remedy: expect.any(String) }]);
  });

  test.each([
    [['vault', 'status']],
    [['vectors', 'make']],
    [['install', componentFile('hello')]],
    [['publish', componentFile('hello'), 'oci://registry.example.com/hello:1.0.0', '--key', 'signing.key']],
  ])('what needs the machine of the host says so: %j', async (args) => {
    await writeFile(join(folder, 'signing.key'), makeSigningKey().privatePem, { mode: 0o600 });
    const { exitCode, stderr } = await remotely(args.map((arg) => (arg === 'signing.key' ? join(folder, arg) : arg)));
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('This needs the machine of the host.')]);
  });

  test.each([
    ['http://datasources.example.com', 'The key would be sent in the clear.'],
    ['https://a.example.com/path', 'It is not the address of a host.'],
  ])('%s is refused', async (url, reason) => {
    const { exitCode, stderr } = await remotely(['list', '--json', '--url', url]);
    expect([exitCode, JSON.parse(stderr)]).toMatchObject([1, { code: 'INVALID_SETTING', errors: [{ path: 'LORELAI_HOST_URL', reason }] }]);
  });

  test('nothing that was printed holds the key', () => {
    expect(everything.length).toBeGreaterThan(1_000);
    expect(everything).not.toContain(ADMIN_KEY);
    expect(host.log()).not.toContain(ADMIN_KEY);
  });
});

describe('the client', () => {
  test('goes through a list page by page', async () => {
    const client = createHostClient({ url: host.url, key: ADMIN_KEY });
    const actions: string[] = [];
    const pages = everyItem((after) =>
      answerOf(
        client.GET('/api/v1/changes', {
          params: { query: { organisation: 'default', limit: 2, ...(after === undefined ? {} : { after }) } },
        }),
      ),
    );
    for await (const { action } of pages) actions.push(action);
    expect(actions.length).toBeGreaterThan(4);
    expect(actions).toContain('connection.create');
  });

  test('throws the problem of whatever fails', async () => {
    const client = createHostClient({ url: host.url, key: ADMIN_KEY });
    const failed = answerOf(client.GET('/api/v1/runs/{id}', { params: { path: { id: 'nothing' } } }));
    await expect(failed).rejects.toBeInstanceOf(HostError);
    await expect(failed).rejects.toMatchObject({ problem: { code: 'UNKNOWN_RUN', status: 404, requestId: expect.any(String) } });
  });

  test('makes a POST that is sent twice with one Idempotency-Key take effect once', async () => {
    const client = createHostClient({ url: host.url, key: ADMIN_KEY });
    const header = { 'Idempotency-Key': 'a-key-for-this-very-test' };
    const make = () => answerOf(client.POST('/api/v1/organisations', { params: { header }, body: { id: 'twice' } }));
    expect(await make()).toEqual(await make());
  });

  test('goes where it was sent and to no other server', async () => {
    const asked: string[] = [];
    const other = createServer((_request, response) => {
      asked.push('other');
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
    const elsewhere = await listening(other);
    const first = createServer((_request, response) => {
      asked.push('first');
      response.writeHead(307, { location: elsewhere }).end();
    });
    const client = createHostClient({ url: await listening(first), key: ADMIN_KEY });
    await expect(answerOf(client.GET('/healthz', {}))).rejects.toThrow();
    expect(asked).toEqual(['first']);
    first.close();
    other.close();
  });
});

async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
}

/** Serves two signed versions of `apricot` and an index of them. */
async function startMarket(): Promise<{ origin: string; publicKey: string; close(): Promise<void> }> {
  const key = parseSigningKey(makeSigningKey().privatePem);
  if (key === undefined) throw new TypeError('a new key can be read');
  const origin = `http://127.0.0.1:${marketPort}`;
  const files = new Map<string, Uint8Array | string>();
  const entries: unknown[] = [];
  for (const version of ['1.0.0', '1.1.0']) {
    const manifest = 'capabilities: { http: [{ origin: https://api.example.com, reason: Reads. }] }\n';
    const bytes = await smallDatasource({ name: 'apricot', version, manifest });
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    files.set(`/${version}.wasm`, bytes).set(`/${version}.wasm.sig`, signDigest(digest, key, Date.now()));
    entries.push({ name: 'apricot', version, description: 'Fruit.', location: `${origin}/${version}.wasm#${digest}`, digest });
  }
  files.set('/index.json', sealIndex(JSON.stringify({ version: 1, expires: '2099-01-01T00:00:00Z', datasources: entries }), key).envelope);
  const server = createServer((request, response) => {
    const found = files.get(request.url ?? '');
    response.writeHead(found === undefined ? 404 : 200).end(found);
  });
  server.listen(marketPort, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin,
    publicKey: key.publicKey.text,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
