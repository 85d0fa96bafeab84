import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command, type CommandOptions, type CommandResult } from '../helpers/command.ts';
import { componentFile } from '../helpers/components.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';

const SECRET = 'a-token-that-nobody-sees';
const PROBE = componentFile('probe');
let folder: string;
let upstream: Upstream;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lorelai-call-'));
  upstream = await startUpstream((request, response) => response.end(`you sent ${request.headers.authorization ?? 'nothing'}`));
});
afterAll(async () => {
  await upstream.close();
  await rm(folder, { recursive: true, force: true });
});

/** With a data folder that must never come to be. */
function call(args: string[], options: CommandOptions = {}): Promise<CommandResult> {
  return command(['call', ...args], { ...options, env: { DATA_DIR: join(folder, 'data'), ...options.env } });
}

// oxlint-disable-next-line typescript/no-explicit-any -- what it must be is said by `toMatchObject`
async function json(args: string[], options: CommandOptions = {}): Promise<any> {
  const { stdout, stderr } = await call([...args, '--json'], options);
  expect(stdout.trimEnd().split('\n'), stderr).toHaveLength(1);
  return JSON.parse(stdout);
}

async function file(name: string, value: unknown): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, typeof value === 'string' ? value : JSON.stringify(value));
  return path;
}

const stepsConfig = (...steps: unknown[]): string[] => ['--config', JSON.stringify({ steps, base_url: upstream.origin })];

describe('datasources call', () => {
  test('runs one function and says what it gave and used, and leaves nothing behind', async () => {
    const before = await readdir(folder);
    const { exitCode, stdout } = await call([componentFile('hello'), 'describe']);
    expect([exitCode, stdout]).toEqual([
      0,
      expect.stringMatching(/^describe gave\n\{\n {2}"name": "hello",[^]*\nused\n {2}\d+ ms.*\n {2}0 host calls/),
    ]);
    expect(await readdir(folder)).toEqual(before);
    const printed = await json([componentFile('hello'), 'describe']);
    expect(printed).toMatchObject({ ok: true, value: { name: 'hello' }, refusals: [], spend: { hostCalls: 0, breaches: [] } });
  });

  test('grants nothing of its own accord, and prints what would allow it', async () => {
    const steps = stepsConfig({ do: 'http', url: upstream.origin }, { do: 'put', collection: 'notes', key: 'a', value: 'b' });
    const { exitCode, stdout } = await call([PROBE, 'read', ...steps]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`was refused\n  http-client.send denied: ${upstream.origin} is not granted: an operator allows it with`);
    expect(stdout).toContain('  storage.put quota-exceeded: storage is not granted');
    expect(upstream.requests).toEqual([]);
  });

  test('lends what a grant says, with a credential that is never shown', async () => {
    const grant = await file('grant.json', { http: { origins: [upstream.origin], privateNetworks: ['127.0.0.0/8'] }, storage: true });
    const steps = stepsConfig(
      { do: 'http', url: `${upstream.origin}/me` },
      { do: 'put', collection: 'notes', key: 'a', value: 'b' },
      { do: 'get', collection: 'notes', key: 'a' },
      { do: 'add', metric: 'steps_done', value: 2 },
      { do: 'log', lines: 1, message: 'hello' },
    );
    const args = [PROBE, 'read', '--grant', grant, '--credential-env', 'TOKEN', ...steps];
    const printed = await json(args, { env: { TOKEN: SECRET } });
    expect(upstream.requests.at(-1)?.headers.authorization).toBe(`Bearer ${SECRET}`);
    expect(printed).toMatchObject({
      ok: true,
      refusals: [],
      requests: [{ method: 'GET', path: '/me', outcome: '200' }],
      storage: [{ collection: 'notes', key: 'a', value: 'b' }],
      metrics: [{ name: 'steps_done', value: 2 }],
      lines: [{ level: 'info', message: 'hello 0' }],
      spend: { requests: 1 },
    });
    expect(JSON.stringify(printed)).toContain('you sent Bearer [secret]');
    expect(JSON.stringify(printed)).not.toContain(SECRET);
  });

  test('holds it to the limits of the grant, says which one it went over, and ends with 1', async () => {
    const grant = await file('spin.json', { limits: { maxCpuMs: 200 } });
    const { exitCode, stdout } = await call([PROBE, 'read', '--grant', grant, ...stepsConfig({ do: 'spin' })]);
    expect(exitCode).toBe(1);
    expect(stdout).toContain('read failed\n{\n  "kind": "failed",\n  "message": "read went over the limit maxCpuMs of 200 ms: it used');
    expect(stdout).toMatch(/went over\n {2}the limit maxCpuMs of 200 ms: it used \d+ ms/);
  });

  test('says what in a batch breaks the contract, and what is over the limit of changes', async () => {
    const broken = await json([
      PROBE,
      'read',
      ...stepsConfig({ do: 'documents', count: 1, text: 'x' }, { do: 'document', fields: { link: 'no link' } }),
    ]);
    expect(broken).toMatchObject({
      ok: false,
      failure: { kind: 'failed', message: expect.stringContaining('breaks the contract: changes[0].upsert.link') },
    });
    const grant = await file('few.json', { limits: { maxChangesPerBatch: 2 } });
    const many = await json([PROBE, 'read', '--grant', grant, ...stepsConfig({ do: 'documents', count: 3, text: 'x' })]);
    expect(many.failure.message).toContain('over the limit maxChangesPerBatch of 2: it used 3');
  });

  test('takes back the checkpoint that it printed', async () => {
    const steps = stepsConfig({ do: 'go-on', batches: 2 }, { do: 'documents', count: 1, text: 'x' });
    const first = await json([PROBE, 'read', ...steps]);
    expect(first.value).toMatchObject({ done: false, changes: [{ val: { id: 'document-0' } }] });
    const second = await json([PROBE, 'read', JSON.stringify(first.value.next), ...steps]);
    expect(second.value).toMatchObject({ done: true, changes: [{ val: { id: 'document-1' } }] });
  });

  test('reads the feature that is named, also one that is off', async () => {
    const steps = stepsConfig({ do: 'documents', count: 1, text: 'x', feature: 'others' });
    expect((await json([PROBE, 'read', ...steps])).value.changes).toEqual([]);
    expect((await json([PROBE, 'read', '--feature', 'others', ...steps])).value.changes).toHaveLength(1);
  });

  test.each<[string, string[], number, string]>([
    ['a function that does not exist', [PROBE, 'reed'], 2, 'Did you mean read?'],
    ['an argument that is no JSON', [PROBE, 'search', 'how'], 2, 'not JSON'],
    ['no query', [PROBE, 'search'], 2, '{"text": "…", "limit": 10}'],
    ['an argument of the wrong shape', [PROBE, 'search', '{"limit": 1}'], 2, '{"text": "…", "limit": 10}'],
    ['an argument too many', [PROBE, 'describe', '{}'], 2, 'takes no argument'],
    ['a credential that is not there', [PROBE, 'read', '--credential-env', 'NO_SUCH'], 2, 'NO_SUCH is not set'],
    ['a feature that does not exist', [PROBE, 'read', '--feature', 'item'], 1, 'Did you mean items?'],
    ['a config that does not fit', [PROBE, 'read', '--config', '{"stepz": []}'], 1, 'stepz'],
    ['a file that is not there', ['/nowhere.wasm', 'read'], 1, 'there is no such file'],
    ['a grant that is not there', [PROBE, 'read', '--grant', '/nowhere.json'], 1, 'there is no such file'],
  ])('refuses %s and says what to do', async (_, args, exitCode, text) => {
    const result = await call(args);
    expect([result.exitCode, result.stdout]).toEqual([exitCode, '']);
    expect(result.stderr).toContain(text);
    expect(result.stderr).toContain('remedy: ');
  });

  test('refuses a grant that means nothing, with the place', async () => {
    const grant = await file('bad.json', { limits: { maxLogLines: 0, maxFiles: 1 } });
    const { exitCode, stderr } = await call([PROBE, 'read', '--grant', grant, '--json']);
    expect([exitCode, JSON.parse(stderr)]).toMatchObject([
      1,
      { code: 'INVALID_GRANT', errors: [{ path: '/limits/maxFiles' }, { path: '/limits/maxLogLines' }] },
    ]);
    const { stderr: unparsed } = await call([PROBE, 'read', '--grant', await file('text.json', 'limits: {}')]);
    expect(unparsed).toContain('text.json is not JSON');
  });

  test('refuses a file that is no datasource', async () => {
    const { exitCode, stderr } = await call([await file('no.wasm', 'hello'), 'describe', '--json']);
    expect([exitCode, JSON.parse(stderr)]).toMatchObject([1, { code: 'NOT_A_COMPONENT', remedy: expect.any(String) }]);
  });

  test('ends at Ctrl-C with 130', async () => {
    const stop = new AbortController();
    setImmediate(() => stop.abort());
    expect((await call([PROBE, 'read', ...stepsConfig({ do: 'spin' })], { signal: stop.signal })).exitCode).toBe(130);
  });
});
