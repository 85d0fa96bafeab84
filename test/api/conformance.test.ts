import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMAND_LINE } from '../../host/domain/caller.ts';
import { EMPTY_GRANT } from '../../host/domain/grant.ts';
import { openApi, type Api } from '../helpers/api.ts';
import { startCarelessSource, type CarelessSource } from '../helpers/careless-source.ts';
import { command, type CommandResult } from '../helpers/command.ts';
import { componentFile } from '../helpers/components.ts';
import { smallDatasource } from '../helpers/small-datasource.ts';

let folder: string;
let source: CarelessSource;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lorelai-conformance-'));
  source = await startCarelessSource();
});
afterAll(async () => {
  await source.close();
  await rm(folder, { recursive: true, force: true });
});

const env = (): Record<string, string> => ({ DATA_DIR: join(folder, 'data'), TOKEN: 'a-token-of-a-test' });
const run = (args: string[], tty = false): Promise<CommandResult> => command(args, { env: env(), tty });

describe('datasources test', () => {
  it('tries a component, shows a person how far it is, and leaves nothing behind', async () => {
    const { exitCode, stdout, stderr } = await run(['test', componentFile('hello')], true);
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining('hello 1.0.0 does what it must: ')]);
    expect(stdout).toContain('pass  comes-to-an-end\n');
    expect(stderr).toContain('1/29 describes-itself-as-its-manifest-does');
    await expect(stat(join(folder, 'data'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('builds a folder', async () => {
    const { exitCode, stdout } = await run(['test', 'datasources/hello', '--rule', 'describes-itself-as-its-manifest-does', '--json']);
    expect([exitCode, JSON.parse(stdout)]).toMatchObject([0, { name: 'hello', passed: true, rules: [{ verdict: 'pass' }] }]);
  });

  it('ends with 1 and says what is wrong, why it matters and what to do', async () => {
    const args = [
      'test',
      componentFile('careless'),
      '--upstream',
      source.origin,
      '--config',
      '{"way": "forgets-an-id"}',
      '--rule',
      'lists-what-it-read',
    ];
    const { exitCode, stdout, stderr } = await run(args);
    expect([exitCode, stderr]).toEqual([1, '']);
    expect(stdout).toMatch(
      /^FAIL {2}lists-what-it-read\n[^]*leaves out 1 that read gave: a\.\n {6}remedy: List [^]*\n {6}contract: "Lists every id/,
    );
    expect(stdout).toContain('careless 1.0.0 does NOT do what it must: 0 passed, 1 failed');
  });

  it('records a cassette that only its owner reads, and plays it when the source is gone', async () => {
    const tape = join(folder, 'bug.jsonl');
    const other = await startCarelessSource();
    const rule = ['--rule', 'says-unauthorized-on-401'];
    const args = ['test', componentFile('careless'), '--config', '{"way": "always-unavailable"}', ...rule, '--json'];
    const live = await run([...args, '--upstream', other.origin, '--credential-env', 'TOKEN', '--record', tape]);
    await other.close();
    expect((await stat(tape)).mode & 0o777).toBe(0o600);
    expect(await readFile(tape, 'utf8')).not.toContain('a-token-of-a-test');
    const played = await run(['test', componentFile('careless'), '--replay', tape, ...rule, '--json']);
    expect([played.exitCode, played.stdout]).toEqual([1, live.stdout]);
  });

  it('asks nothing of any network without an upstream', async () => {
    const args = ['test', componentFile('careless'), '--config', JSON.stringify({ base_url: source.origin }), '--json'];
    const before = source.requests.length;
    const { exitCode, stdout } = await run(args);
    expect(exitCode, stdout).toBe(0);
    expect(source.requests).toHaveLength(before);
    expect(JSON.parse(stdout).rules).toContainEqual(
      expect.objectContaining({ name: 'comes-to-an-end', verdict: 'not-applicable', reason: expect.stringContaining('--upstream') }),
    );
  });

  it.each<[string, string[], number, string]>([
    ['a rule that does not exist', ['--rule', 'comes-to-the-end'], 2, 'Did you mean comes-to-an-end?'],
    ['a replay with an upstream', ['--replay', 'x', '--upstream', 'http://127.0.0.1:1'], 2, '--replay stands alone'],
    ['an upstream that is no URL', ['--upstream', 'nowhere'], 1, 'Name one: http://127.0.0.1:4001'],
    ['a cassette that is not there', ['--replay', '/nowhere.jsonl'], 1, 'there is no such file'],
    ['a feature that does not exist', ['--feature', 'greeting'], 1, 'Did you mean greetings?'],
    ['a config that does not fit', ['--config', '{"audiense": "x"}'], 1, 'audiense'],
    ['a credential that is not there', ['--credential-env', 'NO_SUCH'], 2, 'NO_SUCH is not set'],
  ])('refuses %s and says what to do', async (_, args, exitCode, text) => {
    const result = await run(['test', componentFile('hello'), ...args]);
    expect([result.exitCode, result.stdout]).toEqual([exitCode, '']);
    expect(result.stderr).toContain(text);
  });

  it('ends at Ctrl-C with 130', async () => {
    const stop = new AbortController();
    const { exitCode } = await command(['test', componentFile('hello')], {
      env: env(),
      tty: true,
      signal: stop.signal,
      onStderr: () => stop.abort(),
    });
    expect(exitCode).toBe(130);
  });
});

describe('a version at hand', () => {
  let api: Api;
  beforeAll(async () => {
    api = await openApi();
    await api.services.registry.install(await smallDatasource({ version: '1.0.0' }), EMPTY_GRANT, COMMAND_LINE);
    const broken = await smallDatasource({ version: '1.1.0', bodies: { search: 'unreachable' } });
    await api.services.versions.add(broken, 'a test', COMMAND_LINE);
  });
  afterAll(() => api.close());
  const verify = (named: string): Promise<CommandResult> => command(['verify', named, '--data-dir', api.dataDir]);

  it('that does not do what it must is not switched to, and the one before keeps running', async () => {
    const { status, body } = await api.call('POST', '/api/v1/datasources/small/upgrade', {});
    expect([status, body.code]).toEqual([502, 'DATASOURCE_FAULT']);
    expect(body.detail).toBe('small 1.1.0 does not do what every datasource must: answers-every-function.');
    expect(body.errors).toMatchObject([{ path: 'answers-every-function', reason: expect.stringContaining('search broke') }]);
    expect((await api.call('GET', '/api/v1/datasources/small')).body.version).toBe('1.0.0');
    const { body: versions } = await api.call('GET', '/api/v1/datasources/small/versions');
    expect(versions.items.map(({ version, state }: Record<string, string>) => `${version} ${state}`)).toEqual([
      '1.1.0 inspected',
      '1.0.0 enabled',
    ]);
  });

  it('is verified by command: the one that is named, or the one that runs', async () => {
    const broken = await verify('small@1.1.0');
    expect([broken.exitCode, broken.stdout]).toEqual([1, expect.stringContaining('FAIL  answers-every-function\n')]);
    // It never reads, which is tried too.
    expect((await verify('small')).stdout).toContain('pass  answers-every-function\n');
    expect(await verify('small@9.0.0')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('There is no version 9.0.0 of small'),
    });
    expect(await verify('small@')).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('github@1.2.0') });
    expect(await verify('nobody')).toMatchObject({ exitCode: 1 });
  });
});

it('a file that is no datasource is refused', async () => {
  await writeFile(join(folder, 'no.wasm'), 'hello');
  expect(await run(['test', join(folder, 'no.wasm')])).toMatchObject({ exitCode: 1, stdout: '' });
});
