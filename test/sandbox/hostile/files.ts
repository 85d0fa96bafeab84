import { parse } from '@bytecodealliance/jco';
import { expect } from 'vitest';
import { appendCustomSection } from '../../../host/authoring/custom-section.ts';
import { MANIFEST_SECTION } from '../../../host/domain/manifest.ts';
import { MAX_COMPONENT_BYTES } from '../../../host/sandbox/inspect.ts';
import type { Hostile, HostileTable } from '../../helpers/hostile.ts';
import { leb128, section, sized } from '../../helpers/wasm-bytes.ts';
import { SMALL_MANIFEST, watComponent, watDatasource } from '../../helpers/wat-component.ts';

const COMPONENT = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];
const MODULE = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const CORE_MODULE = 1;
const NESTED = 4;

function file(name: string, make: () => Uint8Array | Promise<Uint8Array>, expected: object): Hostile {
  return { name, attempt: async () => ({ kind: 'file', component: await make() }), expected };
}

/** Refused for what it is, in words that name it. */
function broken(name: string, make: () => Uint8Array | Promise<Uint8Array>, reason: RegExp): Hostile {
  return file(name, make, {
    verdict: 'NOT_A_COMPONENT',
    problems: [{ path: 'file', reason: expect.stringMatching(reason), remedy: expect.any(String) }],
  });
}

function foreign(name: string, text: string, path: RegExp): Hostile {
  const problems = expect.arrayContaining([expect.objectContaining({ path: expect.stringMatching(path) })]);
  return file(name, async () => withManifest(await parse(text)), { verdict: 'WRONG_WORLD', problems });
}

function badManifest(name: string, manifest: string | Uint8Array, reason: RegExp): Hostile {
  const problems = expect.arrayContaining([expect.objectContaining({ reason: expect.stringMatching(reason) })]);
  return file(name, async () => withManifest(await watComponent(), manifest), { verdict: 'INVALID_MANIFEST', problems, manifest: false });
}

function withManifest(component: Uint8Array, manifest: string | Uint8Array = SMALL_MANIFEST): Uint8Array {
  return appendCustomSection(component, MANIFEST_SECTION, Buffer.from(manifest));
}

/** A component of these sections and nothing else. */
function component(...sections: Uint8Array[]): Uint8Array {
  return Buffer.concat([Buffer.from(COMPONENT), ...sections]);
}

/** A component around one core module of these sections. */
function aroundModule(...sections: Uint8Array[]): Uint8Array {
  return component(section(CORE_MODULE, Buffer.concat([Buffer.from(MODULE), ...sections])));
}

function nested(depth: number): Uint8Array {
  let inner = component();
  for (let at = 0; at < depth; at += 1) inner = component(section(NESTED, inner));
  return inner;
}

/** The good component with some text of it replaced by other text of the same length. */
async function renamed(text: string, other: string): Promise<Uint8Array> {
  const bytes = Buffer.from(await watDatasource());
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1))
    bytes.write(other.padEnd(text.length, 'x').slice(0, text.length), at, 'latin1');
  return bytes;
}

/** Every alias stands for ten of the last: ten to the power of eight in all. */
function bomb(): string {
  const levels = Array.from({ length: 8 }, (_, at) => `l${at + 1}: &l${at + 1} [${Array(10).fill(`*l${at}`).join(', ')}]`);
  return `${SMALL_MANIFEST}l0: &l0 x\n${levels.join('\n')}\n`;
}

const READ = 'lorelai:datasource/source@1|read';

export const HOSTILE_FILES: HostileTable = {
  'a malformed file is refused with its reason and breaks nothing but its own inspection': [
    broken('is empty', () => new Uint8Array(0), /ends early/),
    broken('is text', () => Buffer.from(SMALL_MANIFEST), /does not begin with/),
    broken('is a core module', () => Buffer.from(MODULE), /core module/),
    broken('is of a format that nobody knows', () => Buffer.from([...COMPONENT.slice(0, 4), 0x99, 0x00, 0x01, 0x00]), /format/),
    broken('ends in its header', () => Buffer.from(COMPONENT.slice(0, 6)), /ends early/),
    broken('ends in the middle', async () => (await watDatasource()).subarray(0, 7_000), /longer than the file|ends early/),
    broken(
      'has a section of four gigabytes',
      () => component(Buffer.from([CORE_MODULE, 0xff, 0xff, 0xff, 0xff, 0x0f])),
      /longer than the file/,
    ),
    broken('has a length that never ends', () => component(Buffer.from([CORE_MODULE, ...Array(20).fill(0x80)])), /longer than 32 bits/),
    broken('nests components a thousand deep', () => nested(1_000), /nested deeper/),
    broken(
      'has a hundred thousand sections',
      () => component(...Array.from({ length: 100_000 }, () => section(6, new Uint8Array(0)))),
      /more than 10000 sections/,
    ),
    broken('has a module with a million memories', () => aroundModule(section(5, leb128(1_000_000))), /1000000 memories/),
    broken('counts more exports than it has', () => aroundModule(section(7, leb128(0xffff_fff0))), /ends early|longer than/),
    broken(
      'imports something of an unknown kind',
      () => aroundModule(section(2, Buffer.concat([leb128(1), sized('a'), sized('b'), Buffer.from([9])]))),
      /unknown kind 9/,
    ),
    broken(
      'has a name that is no UTF-8',
      () => aroundModule(section(7, Buffer.concat([leb128(1), leb128(2), Buffer.from([0xff, 0xfe, 0x00, 0x00])]))),
      /not UTF-8/,
    ),
    file('is larger than any component', () => new Uint8Array(MAX_COMPONENT_BYTES + 1), { verdict: 'COMPONENT_TOO_LARGE' }),
    file(
      'begins with more memory than a machine has',
      () => aroundModule(section(5, Buffer.concat([leb128(1), Buffer.from([0]), leb128(0xffff_ffff)]))),
      { verdict: 'COMPONENT_TOO_LARGE', problems: [{ path: 'memory' }] },
    ),
    file('claims four billion functions', () => aroundModule(section(3, leb128(0xffff_ffff))), { verdict: 'WRONG_WORLD' }),
    file(
      'has code that is none, which only the compiler finds',
      async () => {
        const bytes = Buffer.from(await watDatasource());
        bytes.fill(0xff, bytes.indexOf(Uint8Array.of(0x00, 0x00, 0x0b)), bytes.indexOf(Uint8Array.of(0x00, 0x00, 0x0b)) + 2);
        return bytes;
      },
      { verdict: 'WRONG_WORLD', problems: [{ path: 'file', reason: expect.stringMatching(/^it could not be compiled: /) }] },
    ),
  ],
  'a name is never code': [
    broken('has a name that ends a string', () => renamed(READ, `x');process.exit(1);//`), /holds characters that no toolchain uses/),
    broken('has a name that begins a template', () => renamed(READ, '`${process.exit(1)}`'), /holds characters that no toolchain uses/),
    broken('has a name with a line end in it', () => renamed(READ, 'a\nprocess.exit(1)\n'), /holds characters that no toolchain uses/),
    broken('has a name with a backslash in it', () => renamed(READ, 'a\\'), /holds characters that no toolchain uses/),
    broken('has a name that ends a comment', () => renamed(READ, '*/process.exit(1)/*'), /holds characters that no toolchain uses/),
    broken(
      'has a name of another script that looks alike',
      () => aroundModule(section(7, Buffer.concat([leb128(1), sized('re\u0430d'), Buffer.from([0, 0])]))),
      /holds characters that no toolchain uses/,
    ),
  ],
  'a component has the imports and exports of the contract and no others': [
    foreign('exports `then`', '(component (instance $i) (export "then" (instance $i)))', /^export then$/),
    foreign('exports `constructor`', '(component (instance $i) (export "constructor" (instance $i)))', /^export constructor$/),
    file(
      'exports `__proto__`',
      async () => {
        const bytes = Buffer.from(withManifest(await parse('(component (instance $i) (export "aaprotoaa" (instance $i)))')));
        bytes.write('__proto__', bytes.indexOf('aaprotoaa'), 'latin1');
        return bytes;
      },
      { verdict: 'WRONG_WORLD', problems: expect.arrayContaining([expect.objectContaining({ path: 'export __proto__' })]) },
    ),
    foreign(
      'exports a way to run it as a program',
      '(component (instance $i) (export "wasi:cli/run@0.2.0" (instance $i)))',
      /^export wasi:cli\/run/,
    ),
    foreign('imports sockets', '(component (import "wasi:sockets/tcp@0.2.0" (instance)))', /^import wasi:sockets\/tcp/),
    foreign(
      'imports what it makes up',
      '(component (import "lorelai:datasource/secrets@1.0.0" (instance)))',
      /^import lorelai:datasource\/secrets/,
    ),
    foreign(
      'imports another version of the contract',
      '(component (import "lorelai:datasource/storage@9.0.0" (instance)))',
      /^import lorelai:datasource\/storage@9/,
    ),
    foreign('exports nothing', '(component)', /^export lorelai:datasource\/source@1\.0\.0$/),
    file(
      'exports something else under the name of source',
      async () => withManifest(await parse('(component (instance $i) (export "lorelai:datasource/source@1.0.0" (instance $i)))')),
      { verdict: 'WRONG_WORLD' },
    ),
  ],
  'a manifest is read by a process that can be lost': [
    badManifest('has no text in its manifest', new Uint8Array([0xff, 0xfe, 0x00]), /./),
    badManifest('has a manifest of half a megabyte', `${SMALL_MANIFEST}# ${'x'.repeat(600_000)}`, /larger than 256 KiB/),
    badManifest('has aliases of aliases of aliases', bomb(), /aliases|additional|unknown|not allowed|does not know/i),
    badManifest('has fifty thousand lists in each other', `${SMALL_MANIFEST}x: ${'['.repeat(50_000)}`, /nested more than/),
    badManifest('has a key `__proto__`', `${SMALL_MANIFEST}__proto__: {}\n`, /__proto__/),
    badManifest(
      'has a manifest that takes seconds to check',
      SMALL_MANIFEST.replace('items: {}', `items: {depends_on: [${Array.from({ length: 30_000 }, (_, at) => `a${at}`).join(',')}]}`),
      /ms of a processor/,
    ),
    badManifest(
      'asks for a pattern of its own, which could take for ever',
      `${SMALL_MANIFEST}config_schema: {type: object, properties: {a: {type: string, pattern: "(a+)+$"}}}\n`,
      /./,
    ),
    file('carries two manifests', async () => withManifest(await watDatasource()), {
      verdict: 'INVALID_MANIFEST',
      problems: [{ reason: expect.stringContaining('has 2 of them') }],
    }),
  ],
};
