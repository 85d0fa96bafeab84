import { cp, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { componentEmbed, componentNew, parse, print } from '@bytecodealliance/jco';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appendCustomSection } from '../../host/authoring/custom-section.ts';
import { MANIFEST_SECTION } from '../../host/domain/manifest.ts';
import { type Compiler, createCompiler, type Examined } from '../../host/sandbox/compile.ts';
import type { InspectionReport } from '../../host/sandbox/inspect.ts';
import { PROCESS_ISOLATION } from '../../host/sandbox/isolation.ts';
import { runThrowaway } from '../../host/sandbox/throwaway.ts';
import { SandboxProcess } from '../../host/sandbox/sandbox-process.ts';
import { limitsWith, readCall } from '../helpers/far-side.ts';
import { readArgs } from '../helpers/probe.ts';
import { childrenOf } from '../helpers/processes.ts';
import { SMALL_MANIFEST, watComponent, watDatasource } from '../helpers/wat-component.ts';

let scratch: string;
let good: Uint8Array;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'compile-'));
  good = await watDatasource();
});

afterAll(() => rm(scratch, { recursive: true }));

async function freshCompiler(): Promise<{ compiler: Compiler; cache: string }> {
  const cache = await mkdtemp(join(scratch, 'cache-'));
  return { compiler: compilerOver(cache), cache };
}

function compilerOver(cacheFolder: string): Compiler {
  return createCompiler({ cacheFolder, isolation: PROCESS_ISOLATION });
}

/** Where the files lie; throws for a component that is refused. */
async function compiledFolder(compiler: Compiler, component: Uint8Array): Promise<string> {
  const { report, folder } = await compiler.examine(component);
  if (folder === undefined) throw new Error(JSON.stringify(report.problems));
  return folder;
}

/** Why it is refused; throws for a component that is not. */
async function refusal(compiler: Compiler, component: Uint8Array): Promise<InspectionReport> {
  const { report, folder } = await compiler.examine(component);
  expect(folder).toBeUndefined();
  return report;
}

function withManifest(component: Uint8Array): Uint8Array {
  return appendCustomSection(component, MANIFEST_SECTION, Buffer.from(SMALL_MANIFEST));
}

/** The good component with one byte of its code replaced: its outline stays, its validity does not. */
function corrupted(seed: number): Uint8Array {
  const copy = new Uint8Array(good);
  const code = Buffer.from(copy.buffer).indexOf(Uint8Array.of(0x00, 0x00, 0x0b));
  copy.fill(0xff - seed, code, code + 2);
  return copy;
}

/** The good component as a contract would make it that somebody has changed. */
async function ofAnotherContract(change: (wit: string) => string): Promise<Uint8Array> {
  const wit = await mkdtemp(join(scratch, 'wit-'));
  await cp(join(import.meta.dirname, '../../wit'), wit, { recursive: true });
  const types = join(wit, 'types.wit');
  const before = await readFile(types, 'utf8');
  const after = change(before);
  expect(after).not.toBe(before);
  await writeFile(types, after);
  return withManifest(await componentNew(await componentEmbed({ dummy: true, witPath: wit, world: 'datasource-core' })));
}

describe('a compiled component', () => {
  it('is JavaScript and core modules in a folder of its own, and nothing else', async () => {
    const { compiler, cache } = await freshCompiler();
    const folder = await compiledFolder(compiler, good);
    expect(await readdir(cache)).toHaveLength(1);
    const files = await readdir(folder);
    expect(files.filter((file) => !/^component(\.core\d*)?\.(js|wasm)$/.test(file))).toEqual(['package.json']);
  });

  it('is compiled once, however many ask for it and however often', async () => {
    const { compiler, cache } = await freshCompiler();
    const first = compiler.examine(good);
    expect(compiler.examine(good)).toBe(first);
    const { report, folder } = await first;
    expect(await compiler.find(report.digest)).toBe(folder);
    expect(await compiler.find('sha256:another')).toBeUndefined();
    // Another host with the same folder.
    const file = join(cache, (await readdir(cache))[0] ?? '', 'component.js');
    const { mtimeMs } = await stat(file);
    expect(await compilerOver(cache).examine(good)).toEqual(await first);
    expect((await stat(file)).mtimeMs).toBe(mtimeMs);
  });

  it('is whole when two hosts make it at once', async () => {
    const { compiler, cache } = await freshCompiler();
    const [first, second] = await Promise.all([compiler.examine(good), compilerOver(cache).examine(good)]);
    expect(first).toMatchObject({ report: { verdict: 'accepted' }, folder: expect.any(String) } satisfies Record<keyof Examined, unknown>);
    expect(second).toEqual(first);
    expect(await readdir(cache)).toHaveLength(1);
  });

  it('runs from a cache that lies behind a link', async () => {
    const { cache } = await freshCompiler();
    await symlink(cache, `${cache}-link`);
    const folder = await compiledFolder(compilerOver(`${cache}-link`), good);
    const sandbox = new SandboxProcess({ folder, limits: limitsWith(), isolation: PROCESS_ISOLATION, onStderr: () => undefined });
    expect(await sandbox.call(readCall({ args: readArgs([]) }))).toMatchObject({ cause: 'trap' });
  });

  it('of the whole world links everything that it imports', async () => {
    const { compiler } = await freshCompiler();
    const folder = await compiledFolder(compiler, await watDatasource(undefined, { world: 'datasource' }));
    const sandbox = new SandboxProcess({ folder, limits: limitsWith(), isolation: PROCESS_ISOLATION, onStderr: () => undefined });
    // It got as far as its own code.
    expect(await sandbox.call(readCall({ args: readArgs([]) }))).toMatchObject({
      cause: 'trap',
      reason: expect.stringContaining('unreachable'),
    });
  });
});

describe('a component that the compiler refuses', () => {
  it('because it is malformed says so, leaves nothing behind and never breaks the next one', async () => {
    const { compiler, cache } = await freshCompiler();
    for (let seed = 0; seed < 3; seed += 1) {
      expect(await refusal(compiler, corrupted(seed))).toMatchObject({
        verdict: 'WRONG_WORLD',
        problems: [{ path: 'file', reason: expect.stringMatching(/^it could not be compiled: ./), remedy: expect.stringMatching(/./) }],
      });
    }
    expect(await readdir(cache)).toEqual([]);
    expect(await compiledFolder(compiler, good)).toMatch(/./);
    await expect.poll(() => childrenOf(process.pid)).toEqual([]);
  });

  it.each<[string, (wit: string) => string, string]>([
    ['a field more', (wit) => wit.replace('connection-id: string,', 'connection-id: string,\n        secret: string,'), 'secret'],
    ['a field of another type', (wit) => wit.replace('retry-after-ms: u64', 'retry-after-ms: u32'), 'retryAfterMs'],
    ['a case less', (wit) => wit.replace('unsupported,\n', ''), 'Failure'],
  ])('because its contract has %s names the interface', async (_, change, differing) => {
    const { compiler, cache } = await freshCompiler();
    const { problems } = await refusal(compiler, await ofAnotherContract(change));
    expect(problems.map(({ path }) => path)).toContain('interface lorelai:datasource/types@1.0.0');
    expect(JSON.stringify(problems)).toContain(differing);
    expect(await readdir(cache)).toEqual([]);
  });

  it('because source is something else under its name is refused', async () => {
    const component = withManifest(await parse('(component (instance $i) (export "lorelai:datasource/source@1.0.0" (instance $i)))'));
    const { compiler } = await freshCompiler();
    expect(await refusal(compiler, component)).toMatchObject({ verdict: 'WRONG_WORLD', contract: 'lorelai:datasource@1.0.0' });
  });
});

describe('a manifest that takes seconds to check', () => {
  it('costs the host none of them', async () => {
    const names = Array.from({ length: 30_000 }, (_, at) => `a${at}`).join(',');
    const manifest = SMALL_MANIFEST.replace('items: {}', `items: {depends_on: [${names}]}`);
    const { compiler } = await freshCompiler();
    const component = appendCustomSection(await watComponent(), MANIFEST_SECTION, Buffer.from(manifest));
    const before = process.cpuUsage();
    const report = await refusal(compiler, component);
    const { user, system } = process.cpuUsage(before);
    expect(report).toMatchObject({
      verdict: 'INVALID_MANIFEST',
      problems: [{ reason: expect.stringMatching(/^checking it takes \d+ ms of a processor$/) }],
    });
    expect((user + system) / 1_000).toBeLessThan(500);
  });
});

describe('components that come all at once', () => {
  it('are examined two at a time, and those that are too many are told so', async () => {
    const { compiler } = await freshCompiler();
    let most = 0;
    const watch = setInterval(() => void childrenOf(process.pid).then(({ length }) => (most = Math.max(most, length))), 5);
    const files = Array.from({ length: 40 }, (_, at) => Uint8Array.of(0, at));
    const outcomes = await Promise.allSettled(files.map((file) => compiler.examine(file)));
    clearInterval(watch);
    const told = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    expect(told).toHaveLength(40 - 2 - 32);
    for (const error of told) expect(error).toMatchObject({ code: 'HOST_BUSY' });
    expect(most).toBeGreaterThan(0);
    // One that has been ended may not be gone yet.
    expect(most).toBeLessThanOrEqual(4);
    expect(await compiledFolder(compiler, good)).toMatch(/./);
  });
});

describe('a name inside of a component', () => {
  it('that would be code in the generated JavaScript is refused before it is compiled', async () => {
    const text = await print(await watComponent());
    const hostile = `x'];process.exit(1);//`;
    const component = withManifest(await parse(text.replaceAll('cm32p2|lorelai:datasource/source@1|read"', `${hostile}"`)));
    const { compiler } = await freshCompiler();
    expect(await refusal(compiler, component)).toMatchObject({
      verdict: 'NOT_A_COMPONENT',
      problems: [{ reason: expect.stringContaining('holds characters that no toolchain uses') }],
    });
  });
});

describe('a program that runs once', () => {
  const program = {
    script: 'examine.sandboxed',
    isolation: PROCESS_ISOLATION,
    args: [],
    readable: [],
    maxMemoryBytes: 64 * 1024 * 1024,
    maxProcessMemoryBytes: 512 * 1024 * 1024,
    maxHeapMib: 64,
  };

  it('that does not end is ended, with a reason', async () => {
    expect(await runThrowaway({ ...program, input: { nothing: true }, timeoutMs: 1, maxOutputBytes: 1_000 })).toEqual({
      ok: false,
      reason: 'it took more than 1 ms',
    });
    await expect.poll(() => childrenOf(process.pid)).toEqual([]);
  });

  it('that holds more memory than it may is ended, with a reason', async () => {
    const input = { ask: 'outline', component: await watDatasource() };
    const asked = { ...program, input, timeoutMs: 20_000, maxOutputBytes: 1_000_000 };
    expect(await runThrowaway({ ...asked, maxProcessMemoryBytes: 16 * 1024 * 1024 })).toEqual({
      ok: false,
      reason: 'it took more than 16 MiB of memory',
    });
    await expect.poll(() => childrenOf(process.pid)).toEqual([]);
  });

  it('that breaks says how', async () => {
    expect(await runThrowaway({ ...program, script: 'nowhere', input: {}, timeoutMs: 20_000, maxOutputBytes: 1_000 })).toEqual({
      ok: false,
      reason: expect.stringMatching(/^its process ended \(exit code 1\)/),
    });
  });
});
