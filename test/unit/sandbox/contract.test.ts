import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { declarationsOf, typeProblems, waitingFunctions, worldProblems } from '../../../host/sandbox/contract.ts';

const SOURCE = 'lorelai:datasource/source@1.0.0';
const TYPES_FOLDER = join(import.meta.dirname, '../../../host/generated/wit/interfaces');

/** The type files that the transpiler makes of a component of the released contract. */
function releasedTypes(): Map<string, string> {
  const files = readdirSync(TYPES_FOLDER).map((file) => [`interfaces/${file}`, readFileSync(join(TYPES_FOLDER, file), 'utf8')] as const);
  return new Map(files);
}

function changedTypes(name: string, change: (dts: string) => string): Map<string, string> {
  const file = `interfaces/lorelai-datasource-${name}.d.ts`;
  const files = releasedTypes();
  const before = files.get(file) ?? '';
  const after = change(before);
  expect(after).not.toBe(before);
  return files.set(file, after);
}

describe('worldProblems()', () => {
  it('finds nothing in a component that exports source and imports what the world has', () => {
    const imports = ['http-client', 'storage', 'log', 'metrics', 'types'].map((name) => `lorelai:datasource/${name}@1.0.0`);
    const wasi = [
      'wasi:io/poll@0.2.0',
      'wasi:http/outgoing-handler@0.2.12',
      'wasi:random/insecure-seed@0.2.3',
      'wasi:clocks/wall-clock@0.2.6',
    ];
    expect(worldProblems([...imports, ...wasi], [SOURCE])).toEqual([]);
    expect(worldProblems([], [SOURCE, 'init'])).toEqual([]);
  });

  it.each([
    'wasi:sockets/tcp@0.2.12',
    'wasi:sockets/ip-name-lookup@0.2.12',
    'wasi:cli/command@0.2.12',
    'wasi:http/incoming-handler@0.2.12',
    'lorelai:datasource/admin@1.0.0',
    'lorelai:datasource/source@1.0.0',
    'lorelai:datasource2/log@1.0.0',
    'LORELAI:datasource/log@1.0.0',
    'log',
    '',
    '@1.0.0',
    '__proto__',
    'constructor',
  ])('refuses an import of %j and says what to build for', (name) => {
    expect(worldProblems([name], [SOURCE])).toEqual([
      {
        path: `import ${name}`,
        reason: expect.stringContaining('no such import'),
        remedy: expect.stringContaining('Build the component for world'),
      },
    ]);
  });

  it.each([
    ['lorelai:datasource/log@1.0.1', '1.0.0'],
    ['lorelai:datasource/log@2.0.0', '1.0.0'],
    ['lorelai:datasource/log', '1.0.0'],
    ['wasi:io/poll@0.3.0', '0.2.x'],
    ['wasi:io/poll@0.2', '0.2.x'],
    ['wasi:io/poll@0.2.1-rc1', '0.2.x'],
    ['wasi:io/poll', '0.2.x'],
  ])('refuses an import of %s and names the version %s', (name, known) => {
    expect(worldProblems([name], [SOURCE])).toEqual([
      expect.objectContaining({ path: `import ${name}`, reason: expect.stringContaining(known) }),
    ]);
  });

  it.each(['then', 'run', 'wasi:cli/run@0.2.12', 'lorelai:datasource/types@1.0.0', 'INIT'])('refuses an export of %j', (name) => {
    expect(worldProblems([], [SOURCE, name])).toEqual([expect.objectContaining({ path: `export ${name}` })]);
  });

  it('refuses a component that does not export source, or another version of it', () => {
    expect(worldProblems([], [])).toEqual([
      expect.objectContaining({ path: `export ${SOURCE}`, reason: 'the component does not export it' }),
    ]);
    expect(worldProblems([], ['lorelai:datasource/source@1.1.0'])).toEqual([
      expect.objectContaining({ path: 'export lorelai:datasource/source@1.1.0', reason: expect.stringContaining('this host knows 1.0.0') }),
    ]);
  });
});

describe('waitingFunctions()', () => {
  it('names what suspends the guest as this component spells it', () => {
    const { asyncImports, asyncExports } = waitingFunctions(
      ['lorelai:datasource/log@1.0.0', 'lorelai:datasource/http-client@1.0.0', 'wasi:io/poll@0.2.3'],
      [SOURCE, 'init'],
    );
    expect(asyncImports).toEqual([
      'lorelai:datasource/http-client@1.0.0#send',
      'wasi:io/poll@0.2.3#poll',
      'wasi:io/poll@0.2.3#[method]pollable.block',
    ]);
    expect(asyncExports).toContain(`${SOURCE}#read`);
    expect(asyncExports).toHaveLength(8);
  });
});

describe('typeProblems()', () => {
  it('finds nothing in the types of the released contract, nor when imports are left out', () => {
    const types = releasedTypes();
    expect(typeProblems(types)).toEqual([]);
    for (const name of ['storage', 'http-client', 'log', 'metrics']) types.delete(`interfaces/lorelai-datasource-${name}.d.ts`);
    expect(typeProblems(types)).toEqual([]);
  });

  it('reads what a stranger wrote in time that grows with its length', () => {
    const beganMs = process.cpuUsage().user / 1_000;
    expect(declarationsOf('/** '.repeat(250_000))).toHaveLength(1);
    expect(process.cpuUsage().user / 1_000 - beganMs).toBeLessThan(2_000);
  });

  it('takes no notice of comments, white space and order', () => {
    const declarations = 'export function b(): void;\n/** why */\nexport interface A {\n  x: number,\n}\n';
    expect(declarationsOf(declarations)).toEqual(declarationsOf('export interface A { x: number, } export function b(): void;'));
  });

  it.each<[string, string, (dts: string) => string]>([
    ['a field of another type', 'types', (dts) => dts.replace('nowMs: TimestampMs', 'nowMs: string')],
    ['a field more', 'types', (dts) => dts.replace('connectionId: string,', 'connectionId: string,\n  secret: string,')],
    ['a function more', 'source', (dts) => `${dts}\nexport function steal(): string;`],
    ['a function less', 'source', (dts) => dts.replace(/export function listIds[^\n]*\n/, '')],
    [
      'another answer of a host function',
      'storage',
      (dts) => dts.replace('export function get(collection: string, key: string)', 'export function get(key: string)'),
    ],
  ])('refuses %s and names the interface', (_, name, change) => {
    expect(typeProblems(changedTypes(name, change))).toEqual([
      expect.objectContaining({
        path: `interface lorelai:datasource/${name}@1.0.0`,
        reason: expect.stringContaining('differ from the released ones at: '),
      }),
    ]);
  });

  it('refuses an interface that the contract does not have', () => {
    const types = releasedTypes().set('interfaces/lorelai-datasource-admin.d.ts', 'export function open(): void;');
    expect(typeProblems(types)).toEqual([expect.objectContaining({ path: 'interface lorelai:datasource/admin@1.0.0' })]);
  });

  it('refuses a component of which no types of source are known', () => {
    const types = releasedTypes();
    types.delete('interfaces/lorelai-datasource-source.d.ts');
    expect(typeProblems(types)).toEqual([expect.objectContaining({ path: 'interface lorelai:datasource/source@1.0.0' })]);
  });
});
