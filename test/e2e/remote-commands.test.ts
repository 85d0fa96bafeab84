import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answerOf, createHostClient, everyItem, HostError } from '../../clients/typescript/client.ts';
import { ADMIN_KEY } from '../helpers/admin-key.ts';
import { command, type CommandResult } from '../helpers/command.ts';
import { componentFile } from '../helpers/components.ts';
import { startHostProcess, type HostProcess } from '../helpers/host-process.ts';

let folder: string;
let host: HostProcess;
let keyFile: string;
let everything = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lorelai-remote-'));
  const dataDir = join(folder, 'data');
  const installed = await command(['install', componentFile('hello'), '--grant-asked', '--storage', '--data-dir', dataDir]);
  expect(installed.exitCode, installed.stderr).toBe(0);
  keyFile = join(folder, 'key.txt');
  await writeFile(keyFile, `${ADMIN_KEY}\n`);
  host = await startHostProcess({ dataDir });
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
  ])('%j', async (args, expected) => {
    const found = await json(...args);
    if (args[1] === 'changes')
      expect(found).toMatchObject({ items: expect.arrayContaining([expect.objectContaining({ action: 'connection.create' })]) });
    else expect(found).toMatchObject(expected);
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

  test('what the host refuses is told in its own words', async () => {
    const { exitCode, stderr } = await remotely(['connect', 'nothing', '--json']);
    expect([exitCode, JSON.parse(stderr)]).toMatchObject([1, { code: 'UNKNOWN_DATASOURCE', remedy: expect.any(String) }]);
  });

  test('what needs the machine of the host says so', async () => {
    const { exitCode, stderr } = await remotely(['vault', 'status']);
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
