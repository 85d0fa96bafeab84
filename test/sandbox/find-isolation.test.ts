import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { COMMAND_LINE } from '../../host/domain/caller.ts';
import { readConfig } from '../../host/config.ts';
import { EMPTY_GRANT } from '../../host/domain/grant.ts';
import { createLog } from '../../host/log.ts';
import { findIsolation } from '../../host/sandbox/find-isolation.ts';
import { findProgram } from '../../host/sandbox/find-program.ts';
import { openServices } from '../../host/services/open.ts';
import { command } from '../helpers/command.ts';
import { componentFile } from '../helpers/components.ts';

// Machines are told apart by what is in their PATH.
const own = process.env.PATH ?? '';
const SILENT = createLog({ level: 'silent', pretty: false, write: () => undefined });
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'path-'));
});

afterEach(async () => {
  process.env.PATH = own;
  await rm(folder, { recursive: true });
});

/** A machine whose `bwrap` is this shell script. `bwrap` in it is the real one. */
async function machineWhereBubblewrapIs(script: string): Promise<void> {
  const file = join(folder, 'bwrap');
  await writeFile(file, `#!/bin/sh\n${script.replaceAll('bwrap', findProgram('bwrap') ?? 'bwrap')}\n`);
  await chmod(file, 0o755);
  process.env.PATH = `${folder}${delimiter}${own}`;
}

/** A machine whose `bwrap` leaves a file in a folder for each script that it is put around. Gives the folder. */
async function machineThatTellsWhatItWraps(): Promise<string> {
  const wrapped = join(folder, 'wrapped');
  await mkdir(wrapped);
  // Empty files: the bounds on a sandbox process let nobody write a byte.
  await machineWhereBubblewrapIs(
    `for a; do case "$a" in */*.sandboxed.ts|*/*.sandboxed.mjs) : > "${wrapped}/\${a##*/}";; esac; done; exec bwrap "$@"`,
  );
  return wrapped;
}

/** A machine with all the programs of this one but bubblewrap. */
async function machineWithoutBubblewrap(): Promise<void> {
  const ldd = dirname(findProgram('ldd') ?? '');
  for (const name of await readdir(ldd)) if (name !== 'bwrap') await symlink(join(ldd, name), join(folder, name));
  process.env.PATH = folder;
}

const NO_NAMESPACES =
  'case "$*" in --version) exec bwrap --version;; esac; echo "bwrap: No permissions to create new namespace" >&2; exit 1';

describe('a program of the machine', () => {
  it.each(['', ':', '.', ':/nowhere:', 'relative'])('is not looked for where the host was started: PATH="%s"', async (path) => {
    const here = process.cwd();
    await mkdir(join(folder, 'relative'));
    for (const file of [join(folder, 'planted'), join(folder, 'relative/planted')]) {
      await writeFile(file, '#!/bin/sh\n', { mode: 0o755 });
    }
    process.chdir(folder);
    try {
      process.env.PATH = path;
      expect(findProgram('planted')).toBeUndefined();
      process.env.PATH = `${path}:${folder}`;
      expect(findProgram('planted')).toBe(join(folder, 'planted'));
    } finally {
      process.chdir(here);
    }
  });
});

describe('a host with namespaces', () => {
  it('puts them around all that it starts for a datasource', async () => {
    const wrapped = await machineThatTellsWhatItWraps();
    const dataDir = join(folder, 'data');
    const { services, close } = await openServices(readConfig({ DATA_DIR: dataDir, ISOLATION: 'namespace' }), SILENT);
    try {
      const installed = await services.registry.install(new Uint8Array(await readFile(componentFile('hello'))), EMPTY_GRANT, COMMAND_LINE);
      expect(installed).toMatchObject({ name: 'hello' });
    } finally {
      await close();
    }
    // The trial at the start, the examination, and the component that describes itself.
    expect((await readdir(wrapped)).sort()).toEqual(['examine.sandboxed.ts', 'probe.sandboxed.ts', 'runner.sandboxed.mjs']);
  });

  it('puts them around a file that is only inspected', async () => {
    const wrapped = await machineThatTellsWhatItWraps();
    expect(await command(['inspect', componentFile('hello')])).toMatchObject({ exitCode: 0 });
    expect((await readdir(wrapped)).sort()).toEqual(['examine.sandboxed.ts', 'probe.sandboxed.ts']);
  });
});

describe('findIsolation()', () => {
  it('takes namespaces with a filter where they work', async () => {
    const found = await findIsolation('auto');
    expect(found).toMatchObject({
      isolation: { kind: 'namespace' },
      description: expect.stringMatching(/^namespace \(bubblewrap \S+, seccomp\)$/),
    });
    expect(await findIsolation('namespace')).toEqual(found);
  });

  it('takes the process alone when that is asked for', async () => {
    expect(await findIsolation('process')).toEqual({ isolation: { kind: 'process' }, description: 'process (as set)' });
  });

  it.each<[string, () => Promise<void>, RegExp]>([
    ['has no bubblewrap', machineWithoutBubblewrap, /^bubblewrap is not installed$/],
    [
      'allows no namespaces',
      () => machineWhereBubblewrapIs(NO_NAMESPACES),
      /^a program in namespaces did not start: its process ended \(exit code 1\)/,
    ],
    [
      'has a bubblewrap that makes no namespace of processes',
      () =>
        machineWhereBubblewrapIs(
          'for a; do shift; [ "$a" = --unshare-pid ] || [ "$a" = --as-pid-1 ] || set -- "$@" "$a"; done; exec bwrap "$@"',
        ),
      /^a program in namespaces could still see other processes$/,
    ],
    ['has a bubblewrap that breaks', () => machineWhereBubblewrapIs('exit 3'), /^bubblewrap could not be tried: /],
  ])('on a machine that %s falls back, says why, and refuses when namespaces are a must', async (_, make, reason) => {
    await make();
    const { isolation, description } = await findIsolation('auto');
    expect(isolation).toEqual({ kind: 'process' });
    expect(/^process \(([^]*)\)$/.exec(description)?.[1]).toMatch(reason);
    await expect(findIsolation('namespace')).rejects.toMatchObject({
      code: 'INVALID_SETTING',
      message: expect.stringMatching(/^ISOLATION=namespace does not work on this machine: /),
      problems: [{ path: 'ISOLATION', reason: expect.stringMatching(reason) }],
    });
  });
});
