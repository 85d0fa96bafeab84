import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { command } from '../../helpers/command.ts';

const BIN = join(import.meta.dirname, '../../../bin/datasources.js');
const COMMANDS = ['new', 'build', 'inspect', 'install', 'list', 'connect', 'index', 'search', 'serve'];

describe('help', () => {
  test.each(COMMANDS)('%s --help explains itself with examples and ends with 0', async (name) => {
    const { exitCode, stdout, stderr } = await command([name, '--help']);
    expect(exitCode).toBe(0);
    expect(stderr).toBe('');
    expect(stdout).toContain(`Usage: datasources ${name}`);
    expect(stdout).toMatch(/\nExamples:\n {2}\$ datasources /);
    expect(stdout).toContain('--json');
    expect(stdout).toContain('--data-dir');
    expect(stdout).toContain('Exit codes:');
  });

  test('without a command is shown on stderr and ends with 2', async () => {
    const { exitCode, stdout, stderr } = await command([]);
    expect([exitCode, stdout]).toEqual([2, '']);
    for (const name of COMMANDS) expect(stderr).toContain(`\n  ${name} `);
  });

  test('serve --help names every variable that the host reads', async () => {
    const { stdout } = await command(['serve', '--help']);
    for (const name of ['HOST', 'PORT', 'DATA_DIR', 'LOG_LEVEL', 'LORELAI_MASTER_KEY', 'LORELAI_RUN_LEASE_MS'])
      expect(stdout).toContain(name);
  });

  test('--version prints it', async () => {
    expect(await command(['--version'])).toEqual({ exitCode: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), stderr: '' });
  });
});

describe('a group without a command', () => {
  test.each(['people', 'keys', 'vault', 'vectors', 'trust', 'market', 'sources'])(
    '%s shows its help on stderr and ends with 2',
    async (group) => {
      const { exitCode, stdout, stderr } = await command([group]);
      expect([exitCode, stdout]).toEqual([2, '']);
      expect(stderr).toContain(`Usage: datasources ${group}`);
      expect(stderr).not.toContain('error:');
      const asJson = await command([group, '--json']);
      expect([asJson.exitCode, asJson.stdout]).toEqual([2, '']);
      expect(JSON.parse(asJson.stderr)).toMatchObject({ code: 'USAGE', remedy: expect.any(String) });
    },
  );
});

describe('a command line that cannot be understood ends with 2', () => {
  test.each([
    [['insatll', 'x'], /unknown command 'insatll'.*install/],
    [['list', '--nope'], /unknown option '--nope'/],
    [['install'], /missing required argument 'file'/],
    [['list', 'extra'], /too many arguments/],
    [['search', 'x', '-k', '0'], /whole number from 1 to 100/],
    [['search', 'x', '-k', 'ten'], /whole number from 1 to 100/],
    [['index'], /name connections or give --all/],
    [['index', 'x', '--all'], /name connections or give --all/],
    [['connect', 'x', '--feature', 'issues'], /has no "="/],
    [['connect', 'x', '--feature', 'issues=maybe'], /neither on nor off/],
    [['connect', 'x', '--config', '{'], /not a JSON object/],
    [['connect', 'x', '--config', '[]'], /not a JSON object/],
    [['connect', 'x', '--credential-stdin', '--credential-file', 'y'], /both given/],
    [['connect', 'x', '--credential-stdin'], /stdin is empty/],
  ])('%j', async (args, reason) => {
    const forPeople = await command(args);
    expect(forPeople.exitCode).toBe(2);
    expect(forPeople.stdout).toBe('');
    expect(forPeople.stderr).toMatch(/^error: /);
    expect(forPeople.stderr).toMatch(reason);
    expect(forPeople.stderr).toMatch(/\n {2}remedy: \S/);
    expect(forPeople.stderr).not.toMatch(/\n\s+at /);
    const forPrograms = await command([...args, '--json']);
    expect([forPrograms.exitCode, forPrograms.stdout]).toEqual([2, '']);
    expect(JSON.parse(forPrograms.stderr)).toMatchObject({
      code: 'USAGE',
      detail: expect.stringMatching(reason),
      remedy: expect.any(String),
    });
  });
});

describe('what a command cannot do ends with 1 and names thing, reason and remedy', () => {
  test.each([
    [['inspect', '/nowhere/x.wasm'], {}, 'FILE_NOT_READABLE', /\/nowhere\/x\.wasm cannot be read: there is no such file/],
    [['inspect', '/'], {}, 'FILE_NOT_READABLE', /it is a folder/],
    [['inspect', '/dev/zero'], {}, 'FILE_NOT_READABLE', /\/dev\/zero has more than \d+ bytes/],
    [['connect', 'x', '--credential-file', '/dev/zero'], {}, 'FILE_NOT_READABLE', /\/dev\/zero has more than \d+ bytes/],
    [['list'], { PORT: 'x' }, 'INVALID_SETTING', /PORT/],
    [['list'], { LORELAI_PORT: '1' }, 'INVALID_SETTING', /LORELAI_PORT/],
    [['connect', 'x', '--credential-file', '/nowhere/token'], {}, 'FILE_NOT_READABLE', /\/nowhere\/token/],
    [['connect', 'x', '--config', '@/nowhere/config'], {}, 'FILE_NOT_READABLE', /\/nowhere\/config/],
    [['serve', '--port', '70000'], {}, 'INVALID_SETTING', /70000/],
  ])('%j', async (args, env, code, reason) => {
    const { exitCode, stdout, stderr } = await command(args, { env });
    expect([exitCode, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^error: /);
    expect(stderr).toMatch(reason);
    expect(stderr).toMatch(/\n +remedy: \S/);
    const asJson = await command([...args, '--json'], { env });
    expect(JSON.parse(asJson.stderr)).toMatchObject({ code });
  });
});

test('words behind -- are no options', async () => {
  const { stderr } = await command(['inspect', '--', '--json']);
  expect(stderr).toContain('--json cannot be read');
});

/** Runs the program itself under a Node that says it is of another version. */
function runUnder(version: string): Promise<{ code: number; stderr: string }> {
  const pretend = `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'${version}'}})`;
  return new Promise((resolve) => {
    execFile(process.execPath, ['--import', pretend, BIN, '--version'], (error, _stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stderr });
    });
  });
}

describe('the program', () => {
  test.each(['20.18.1', '22.12.0', '25.9.0'])('under Node %s prints one clear sentence and ends with 1', async (version) => {
    const { code, stderr } = await runUnder(version);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: datasources needs Node 26 or newer/);
    expect(stderr).toContain(version);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  test.each(['26.0.0', '30.1.0'])('starts under Node %s', async (version) => {
    expect((await runUnder(version)).code).toBe(0);
  });
});
