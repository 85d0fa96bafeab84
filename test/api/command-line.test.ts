import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command, type CommandOptions, type CommandResult } from '../helpers/command.ts';
import { componentFile } from '../helpers/components.ts';

let folder: string;
let dataDir: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lorelai-cli-'));
  dataDir = join(folder, 'data');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs a command on the data folder of this file. */
function run(args: string[], options: CommandOptions = {}): Promise<CommandResult> {
  return command([...args, '--data-dir', dataDir], options);
}

/** The one JSON value that a command prints. */
// oxlint-disable-next-line typescript/no-explicit-any -- what it must be is said by `toMatchObject`
async function json(args: string[], options: CommandOptions = {}): Promise<any> {
  const { stdout, stderr } = await run([...args, '--json'], options);
  expect(stdout.trimEnd().split('\n'), stderr).toHaveLength(1);
  return JSON.parse(stdout);
}

describe('the way of an operator, from a component file to an answer', () => {
  test('inspect tells what a file is, leaves nothing behind, and ends with 0', async () => {
    const before = await readdir(folder);
    const { exitCode, stdout } = await run(['inspect', componentFile('probe')]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('is accepted.');
    expect(stdout).toContain(`http to the origin of the connection's setting "base_url": Sends what a test asks for.`);
    expect(await readdir(folder)).toEqual(before);
    expect(await json(['inspect', componentFile('hello')])).toMatchObject({
      accepted: true,
      contract: 'lorelai:datasource@1.0.0',
      manifest: { name: 'hello' },
    });
  });

  test('inspect of another file says why it is refused, and ends with 1', async () => {
    const file = join(folder, 'not-a-component.wasm');
    await writeFile(file, 'hello');
    const { exitCode, stdout } = await run(['inspect', file]);
    expect([exitCode, stdout]).toEqual([1, expect.stringContaining('is refused: NOT_A_COMPONENT.')]);
    expect(await json(['inspect', file])).toMatchObject({
      accepted: false,
      code: 'NOT_A_COMPONENT',
      problems: [{ reason: expect.any(String) }],
    });
  });

  test('install grants nothing that is not said', async () => {
    const { exitCode, stdout } = await run(['install', componentFile('hello')]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/asks for\n {2}storage: .*\ngranted\n {2}nothing\n/);
    expect(await json(['list'])).toMatchObject({
      datasources: [{ name: 'hello', grant: { http: { origins: [], privateNetworks: [] }, storage: false } }],
    });
  });

  test('install grants what is asked for, or what is named', async () => {
    const origins = ['--allow', 'https://a.example', '--allow', 'https://*.b.example'];
    const named = [...origins, '--allow-private', '10.0.0.0/8', '--storage', '--limit', 'maxLogLines=7'];
    expect(await json(['install', componentFile('probe'), ...named])).toMatchObject({
      grant: {
        http: { origins: ['https://a.example', 'https://*.b.example'], privateNetworks: ['10.0.0.0/8'] },
        storage: true,
        limits: { maxLogLines: 7 },
      },
    });
    expect(await json(['install', componentFile('hello'), '--grant-asked'])).toMatchObject({
      grant: { http: { origins: [] }, storage: true },
    });
  });

  test.each([[['--allow', 'ftp://a.example']], [['--allow', 'a.example']], [['--allow-private', '10.0.0.0']]])(
    'install with %j is INVALID_GRANT and keeps the grant as it was',
    async (options) => {
      const { exitCode, stderr } = await run(['install', componentFile('hello'), ...options, '--json']);
      expect([exitCode, JSON.parse(stderr)]).toMatchObject([1, { code: 'INVALID_GRANT', errors: [{ path: expect.any(String) }] }]);
      expect((await json(['list'])).datasources[0].grant.storage).toBe(true);
    },
  );

  test('connect makes a connection, checks it and says how to go on', async () => {
    const { exitCode, stdout } = await run(['connect', 'hello', '--name', 'Guides', '--set', 'audience=7']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /^Connected hello for default: \w{26}\nThe check says that it works as nobody in particular\.\n\nIndex it with: datasources index \w{26}\n$/,
    );
    expect((await json(['list'])).connections).toMatchObject([{ name: 'Guides', config: { audience: '7' } }]);
  });

  test('index reads it to the end, and a second time finds nothing new', async () => {
    const first = await run(['index', 'Guides']);
    expect([first.exitCode, first.stderr]).toEqual([0, '']);
    expect(first.stdout).toMatch(/^Guides: succeeded\n {2}greetings {2}done {2}5 items {2}5 new or changed/);
    expect(await json(['index', '--all'])).toMatchObject({ runs: [{ state: 'succeeded', features: [{ upserted: 0, deleted: 0 }] }] });
  });

  test('index shows how far it is to whoever watches', async () => {
    const { stderr } = await run(['index', 'Guides'], { tty: true });
    expect(stderr).toContain('\r\u001b[2Kgreetings');
    expect(stderr.endsWith('\r\u001b[2K')).toBe(true);
  });

  test('search finds it, with its link', async () => {
    const { exitCode, stdout } = await run(['search', 'how', 'do', 'I', 'keep', 'small', 'things', '-k', '1']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^1\. Keeping small things between calls.* {2}0\.\d\d\n {3}https:\/\/hello\.example\/guides\/storage\n {3}\S/);
    expect(await json(['search', 'small things', '-k', '1', '--datasource', 'hello'])).toMatchObject({
      question: 'small things',
      hits: [{ datasource: 'hello' }],
    });
    expect((await run(['search', 'xylophonequux'])).stdout).toBe('Nothing that was indexed answers this.\n');
    // A variable that a script has not set, and a file in place of a question.
    for (const question of ['', 'x'.repeat(8_193)]) {
      const refused = await run(['search', question]);
      expect([refused.exitCode, refused.stderr]).toEqual([
        1,
        expect.stringContaining(`question has ${question.length} characters, and must have 1 to 8192 characters`),
      ]);
    }
  });
});

describe('connect', () => {
  const SECRET = 'cli-s3cret';

  test('takes a credential from a file, from stdin or from the environment, and never shows it', async () => {
    const file = join(folder, 'token.txt');
    await writeFile(file, `${SECRET}\n`);
    const ways: [string[], CommandOptions][] = [
      [['--credential-file', file], {}],
      [['--credential-stdin'], { stdin: `${SECRET}\r\n` }],
      [[], { env: { DATASOURCE_CREDENTIAL: SECRET } }],
    ];
    for (const [args, options] of ways) {
      const made = await json(['connect', 'probe', ...args], options);
      expect(made.connection.hasCredential).toBe(true);
      expect(JSON.stringify(made)).not.toContain(SECRET);
    }
    expect((await json(['connect', 'probe'])).connection.hasCredential).toBe(false);
  });

  test('takes settings from a file and single ones over them, as the schema wants them', async () => {
    const file = join(folder, 'config.json');
    await writeFile(file, JSON.stringify({ base_url: 'https://a.example', steps: [] }));
    const made = await json([
      'connect',
      'probe',
      '--config',
      `@${file}`,
      '--set',
      'other_url=https://b.example',
      '--feature',
      'others=off',
    ]);
    expect(made.connection).toMatchObject({
      config: { base_url: 'https://a.example', other_url: 'https://b.example' },
      features: { others: { enabled: false } },
    });
  });

  test('ends with 1 when the check says that it cannot work, and keeps the connection', async () => {
    const steps = [{ do: 'fail', failure: { tag: 'unauthorized', val: 'The token has expired.' }, in: 'check' }];
    const config = JSON.stringify({ steps });
    const { exitCode, stdout } = await run(['connect', 'probe', '--name', 'expired', '--config', config]);
    expect(exitCode).toBe(1);
    expect(stdout).toContain('The check says that it cannot work yet:\n  unauthorized: The token has expired.');
    expect((await json(['list'])).connections.some(({ name }: { name: string }) => name === 'expired')).toBe(true);
  });

  test.each([
    [['connect', 'nope'], 'UNKNOWN_DATASOURCE'],
    [['install', componentFile('hello'), '--limit', 'maxFiles=1'], 'INVALID_GRANT'],
    [['install', componentFile('hello'), '--limit', 'maxLogLines=many'], 'INVALID_GRANT'],
    [['connect', 'hello', '--organisation', 'nobody'], 'UNKNOWN_ORGANISATION'],
    [['connect', 'hello', '--set', 'audienc=x'], 'INVALID_CONFIG'],
    [['connect', 'hello', '--feature', 'greeting=on'], 'UNKNOWN_FEATURE'],
    [['index', 'nothing-called-this'], 'UNKNOWN_CONNECTION'],
    [['search', 'x', '--datasource', 'nope'], 'UNKNOWN_DATASOURCE'],
  ])('%j is %s', async (args, code) => {
    const { exitCode, stdout, stderr } = await run([...args, '--json']);
    expect([exitCode, stdout]).toEqual([1, '']);
    expect(JSON.parse(stderr)).toMatchObject({ code, detail: expect.any(String), remedy: expect.any(String) });
  });
});

describe('Ctrl-C', () => {
  test('ends index with 130 within a call that never ends, and the same command goes on from there', async () => {
    const steps = [
      { do: 'documents', count: 1, text: 'kept' },
      { do: 'go-on', batches: 2 },
      { do: 'spin', batch: 1 },
    ];
    await json(['connect', 'probe', '--name', 'endless', '--feature', 'others=off', '--config', JSON.stringify({ steps })]);
    const stop = new AbortController();
    const onStderr = (text: string) => {
      if (text.includes('items 1')) stop.abort();
    };
    const stopped = await run(['index', 'endless'], { signal: stop.signal, tty: true, onStderr });
    expect(stopped).toMatchObject({ exitCode: 130, stdout: '' });
    expect(stopped.stderr).toMatch(/Stopped\. What is committed stays; the same command goes on from there\.\n$/);
    const again = await run(['index', 'endless', '--json'], { signal: AbortSignal.abort() });
    expect([again.exitCode, JSON.parse(again.stderr)]).toMatchObject([130, { code: 'INTERRUPTED' }]);
    expect((await json(['list'])).connections.find(({ name }: { name: string }) => name === 'endless').documents).toBe(1);
  });
});

test('new, build and inspect work one after the other for a new author', async () => {
  const dir = join(folder, 'mine');
  const made = await json(['new', dir]);
  expect(made.files).toContain(join(dir, 'datasource.yaml'));
  const built = await json(['build', dir]);
  expect(built).toMatchObject({ file: join(dir, 'mine.wasm'), name: 'mine', digest: expect.stringMatching(/^sha256:/) });
  expect(await json(['inspect', built.file])).toMatchObject({ accepted: true, digest: built.digest, manifest: { name: 'mine' } });
  const again = await run(['new', dir]);
  expect([again.exitCode, again.stderr]).toEqual([1, expect.stringContaining('is not empty')]);
});
