import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { componentEmbed, componentNew } from '@bytecodealliance/jco';
import { describe, expect, it } from 'vitest';
import { buildDatasource } from '../../../host/authoring/build.ts';
import { appendCustomSection } from '../../../host/authoring/custom-section.ts';
import { generateManifestModule } from '../../../host/authoring/generate.ts';
import { scaffoldDatasource } from '../../../host/authoring/scaffold.ts';
import { parseManifest } from '../../../host/domain/manifest-parse.ts';
import { MANIFEST_SECTION } from '../../../host/domain/manifest.ts';
import { outlineOf } from '../../../host/sandbox/component-binary.ts';
import { refusal } from '../../helpers/refusal.ts';
import { examineOnce } from '../../../host/sandbox/examine.ts';
import { PROCESS_ISOLATION } from '../../../host/sandbox/isolation.ts';
import { temporaryFolders } from './temporary-folder.ts';

const WIT_FOLDER = join(import.meta.dirname, '../../../wit');

const MANIFEST = `name: tiny
version: 1.0.0
author: Ada
description: Reads nothing.
framework_version: ^1.0.0
features: { things: {} }
`;
const GOOD_SOURCE = `import { defineDatasource } from '@lorelai/datasource-sdk';
import { manifest } from './datasource.generated.ts';
export const source = defineDatasource(manifest, { check: () => ({}), features: { things: { read: () => ({ state: 0, done: true }) } } });
`;

const temporaryFolder = temporaryFolders();

async function folderWith(files: Record<string, string>): Promise<string> {
  const folder = await temporaryFolder();
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

describe('buildDatasource()', () => {
  it('makes a component of the core module of another toolchain, and leaves a component as it is', async () => {
    const folder = await folderWith({ 'datasource.yaml': MANIFEST });
    const dummy = await componentEmbed({ dummy: true, witPath: WIT_FOLDER, world: 'datasource-core' });
    await writeFile(join(folder, 'core.wasm'), dummy);
    await writeFile(join(folder, 'whole.wasm'), await componentNew(dummy));
    const [ofCore, ofComponent] = [
      await buildDatasource(folder, { module: join(folder, 'core.wasm'), outFile: join(folder, 'a.wasm') }),
      await buildDatasource(folder, { module: join(folder, 'whole.wasm'), outFile: join(folder, 'b.wasm') }),
    ];
    expect([ofCore.manifest.name, ofComponent.manifest.name]).toEqual(['tiny', 'tiny']);
    const [whole, built] = await Promise.all([readFile(join(folder, 'whole.wasm')), readFile(ofComponent.file)]);
    expect(built.subarray(0, whole.byteLength)).toEqual(whole);
  });

  it('says what a module lacks, and which file is none', async () => {
    const folder = await folderWith({ 'datasource.yaml': MANIFEST, 'text.wasm': 'this is no module' });
    await writeFile(join(folder, 'empty.wasm'), Buffer.from('0061736d01000000', 'hex'));
    const refusalOf = (name: string): ReturnType<typeof refusal> => refusal(buildDatasource(folder, { module: join(folder, name) }));
    const reasons = await Promise.all(['empty.wasm', 'text.wasm'].map(async (name) => (await refusalOf(name)).problems?.[0]?.reason));
    expect(reasons).toEqual([expect.stringContaining('describe'), 'It is no WebAssembly file.']);
    expect(await refusalOf('missing.wasm')).toMatchObject({ code: 'FILE_NOT_READABLE' });
  });

  it('makes one file that carries the manifest as it was written', async () => {
    const folder = await folderWith({ 'datasource.yaml': `# Grüße\n${MANIFEST}`, 'source.ts': GOOD_SOURCE });
    const built = await buildDatasource(folder);
    const bytes = await readFile(built.file);
    const report = await examineOnce(bytes, { isolation: PROCESS_ISOLATION, types: false });
    expect(built.file).toBe(join(folder, 'tiny.wasm'));
    expect(report).toMatchObject({ problems: [], digest: built.digest, sizeBytes: built.sizeBytes, manifest: built.manifest });
    expect(report.imports.every((name) => name.startsWith('lorelai:datasource/'))).toBe(true);
    const sections = outlineOf(bytes).customSections.filter(({ name }) => name === MANIFEST_SECTION);
    expect(sections.map(({ contents }) => Buffer.from(contents).toString('utf8'))).toEqual([`# Grüße\n${MANIFEST}`]);
    expect((await readdir(folder)).toSorted()).toEqual(['datasource.generated.ts', 'datasource.yaml', 'source.ts', 'tiny.wasm']);
  });

  it('writes elsewhere when it is told to', async () => {
    const folder = await folderWith({ 'datasource.yaml': MANIFEST, 'source.ts': GOOD_SOURCE });
    const outFile = join(await temporaryFolder(), 'other.wasm');
    expect((await buildDatasource(folder, { outFile })).file).toBe(outFile);
    expect(await readdir(folder)).not.toContain('tiny.wasm');
  });

  it.each([
    ['a syntax error', 'const = 3;\n', 'source.ts:1:7', /Unexpected token/],
    ['a file that is not there', "import { x } from './nope.ts';\nexport const source = x;", 'source.ts:1:19', /'\.\/nope\.ts'/],
    ['a module of Node.js', "import fs from 'node:fs';\nexport const source = fs;", 'source.ts:1:16', /'node:fs'/],
    [
      'an interface that is not imported',
      "import x from 'lorelai:datasource/source@1.0.0';\nexport const source = x;",
      'source.ts:1:15',
      /lorelai:datasource\/source/,
    ],
    [
      'a name that the SDK does not have',
      "import { nope } from '@lorelai/datasource-sdk';\nexport const source = nope;",
      'source.ts:1:10',
      /"nope" is not exported by "@lorelai\/datasource-sdk"/,
    ],
    ['no source', 'export const other = 1;', 'source.ts', /"source" is not exported/],
    ['a source that is none', 'export const source = { describe() {} };', 'source.ts', /no datasource\. Make it with defineDatasource/],
    ['a top level that throws', 'const a = null;\nexport const source = a.b;', 'source.ts', /top level threw: .*null/],
    ['a top level that always throws', "throw new Error('x');\nexport const source = {};", 'source.ts', /throws before/],
    [
      'a top level that calls the host',
      `import { http } from '@lorelai/datasource-sdk';\nhttp.get('https://a.example');\n${GOOD_SOURCE}`,
      'source.ts',
      /calls the host \(http-client#send\)/,
    ],
  ])('refuses %s with the place and the reason', async (_what, source, path, reason) => {
    const folder = await folderWith({ 'datasource.yaml': MANIFEST, 'source.ts': source });
    const error = await refusal(buildDatasource(folder));
    expect(error.code).toBe('BUILD_FAILED');
    expect(error.problems[0]).toMatchObject({ path, reason: expect.stringMatching(reason) });
    expect(JSON.stringify([error.message, error.problems])).not.toMatch(/ {4}at |node_modules|\\u001b/);
    expect(await readdir(folder)).not.toContain('tiny.wasm');
  });

  it('ends a top level that does not end', async () => {
    const folder = await folderWith({ 'datasource.yaml': MANIFEST, 'source.ts': `${GOOD_SOURCE}\nfor (;;) Math.random();` });
    const error = await refusal(buildDatasource(folder, { timeoutMs: 3_000 }));
    expect(error.problems[0]?.reason).toBe('Its top level did not end within 3 s.');
  });

  it('refuses a bad manifest with line and column before it reads any code', async () => {
    const folder = await folderWith({ 'datasource.yaml': MANIFEST.replace('1.0.0', '1.0') });
    const error = await refusal(buildDatasource(folder));
    expect(error.code).toBe('INVALID_MANIFEST');
    expect(error.problems).toEqual([expect.objectContaining({ path: 'datasource.yaml:2:1 /version' })]);
  });

  it('refuses a folder without a manifest, and one without a source', async () => {
    expect((await refusal(buildDatasource(await temporaryFolder()))).code).toBe('FILE_NOT_READABLE');
    const error = await refusal(buildDatasource(await folderWith({ 'datasource.yaml': MANIFEST })));
    expect(error).toMatchObject({ code: 'BUILD_FAILED', message: expect.stringContaining('source.ts is not there') });
  });
});

describe('appendCustomSection()', () => {
  it.each([0, 1, 127, 128, 16_384, 300_000])('adds %i bytes that a reader finds again', (bytes) => {
    const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0);
    const content = new Uint8Array(bytes).fill(7);
    expect(outlineOf(appendCustomSection(empty, 'über', content)).customSections).toEqual([
      { name: 'über', contents: Buffer.from(content) },
    ]);
  });
});

describe('generateManifestModule()', () => {
  it('writes types that say what is always there and what may be missing', () => {
    const verdict = parseManifest(`${MANIFEST.replace('features: { things: {} }', '')}config_schema:
  type: object
  required: [a]
  properties:
    a: { type: string, description: "Ends */ here" }
    b: { type: integer }
    c: { type: boolean, default: true }
    d: { enum: [x, 1] }
    e: { type: array, items: { type: object, properties: { f: { type: number } } } }
features:
  things: { config: { days: 3, kinds: [] } }
`);
    if (!verdict.ok) throw new Error(JSON.stringify(verdict.problems));
    const text = generateManifestModule(verdict.manifest);
    for (const line of [
      '/** Ends * / here */',
      'readonly a: string;',
      'readonly b?: number | undefined;',
      'readonly c: boolean;',
      'readonly d?: "x" | 1 | undefined;',
      'readonly f?: number | undefined;',
      'readonly days: number;',
      'readonly kinds: readonly (unknown)[];',
      'collections: never;',
    ]) {
      expect(text).toContain(line);
    }
  });
});

describe('scaffoldDatasource()', () => {
  it('makes a folder that builds, and whose types are right', async () => {
    const folder = join(await temporaryFolder(), 'My Notes');
    const files = await scaffoldDatasource(folder);
    expect((await readdir(folder)).toSorted()).toEqual([
      '.gitignore',
      'README.md',
      'datasource.generated.ts',
      'datasource.yaml',
      'source.ts',
      'tsconfig.json',
    ]);
    expect(files).toContain(join(folder, 'source.ts'));
    expect(await readFile(join(folder, 'README.md'), 'utf8')).not.toContain('{{');
    const generated = await readFile(join(folder, 'datasource.generated.ts'), 'utf8');
    const built = await buildDatasource(folder);
    expect(built.manifest.name).toBe('my_notes');
    expect(await readFile(join(folder, 'datasource.generated.ts'), 'utf8')).toBe(generated);
    const tsc = join(import.meta.dirname, '../../../node_modules/.bin/tsc');
    await promisify(execFile)(tsc, ['-p', folder]);
    await writeFile(
      join(folder, 'wrong.ts'),
      "import { manifest } from './datasource.generated.ts';\nexport const name: number = manifest.name;\n",
    );
    await expect(promisify(execFile)(tsc, ['-p', folder])).rejects.toMatchObject({ stdout: expect.stringContaining('wrong.ts') });
  });

  it('takes a name of its own', async () => {
    const folder = await temporaryFolder();
    await scaffoldDatasource(folder, { name: 'company_wiki' });
    expect(await readFile(join(folder, 'datasource.yaml'), 'utf8')).toMatch(/^name: company_wiki\n/);
  });

  it('refuses a folder that holds anything, and leaves it alone', async () => {
    const folder = await folderWith({ 'notes.txt': 'mine' });
    expect((await refusal(scaffoldDatasource(folder))).code).toBe('CONFLICT');
    expect(await readdir(folder)).toEqual(['notes.txt']);
  });

  it('refuses a name that cannot be one, and a folder that is a file', async () => {
    const folder = await temporaryFolder();
    expect((await refusal(scaffoldDatasource(join(folder, '123')))).code).toBe('INVALID_REQUEST');
    expect((await refusal(scaffoldDatasource(folder, { name: 'Bad-Name' }))).code).toBe('INVALID_REQUEST');
    await mkdir(join(folder, 'sub'));
    await writeFile(join(folder, 'sub/file'), '');
    expect((await refusal(scaffoldDatasource(join(folder, 'sub/file')))).code).toBe('FILE_NOT_READABLE');
    expect((await readdir(folder)).toSorted()).toEqual(['sub']);
  });
});
