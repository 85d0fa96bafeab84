import { parse } from '@bytecodealliance/jco';
import { beforeAll, describe, expect, it } from 'vitest';
import { appendCustomSection } from '../../../host/authoring/custom-section.ts';
import { type ComponentOutline, outlineOf } from '../../../host/sandbox/component-binary.ts';
import { BinaryError } from '../../../host/sandbox/wasm-cursor.ts';
import { seededRandom } from '../../helpers/random.ts';
import { watComponent } from '../../helpers/wat-component.ts';

const PREAMBLE = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00);

function bytes(...parts: (Uint8Array | readonly number[])[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts.map((part) => Uint8Array.from(part))));
}

/** The outline, or the message of the BinaryError; anything else that is thrown fails the test. */
function read(component: Uint8Array): ComponentOutline | string {
  try {
    return outlineOf(component);
  } catch (error) {
    if (error instanceof BinaryError) return error.message;
    throw error;
  }
}

function section(id: number, length: number): Uint8Array {
  const leb = [];
  let rest = length;
  for (; rest > 0x7f; rest >>>= 7) leb.push((rest & 0x7f) | 0x80);
  return Uint8Array.from([id, ...leb, rest]);
}

describe('the outline of a component', () => {
  let component: Uint8Array;
  beforeAll(async () => {
    component = await watComponent();
  });

  it('has its imports and exports by name, and counts modules and memories', () => {
    expect(outlineOf(component)).toMatchObject({
      imports: ['http-client', 'storage', 'log', 'metrics', 'types'].map((name) => `lorelai:datasource/${name}@1.0.0`),
      exports: ['lorelai:datasource/source@1.0.0'],
      memories: 1,
    });
  });

  it('counts what its core modules hold, and says how far their memories reach', async () => {
    const module = `module
      (memory 2 5) (table 1 funcref) (table 2 funcref)
      (func $a) (func) (start $a)
      (data (i32.const 0) "x") (data (i32.const 9) "y") (data "z")`;
    const two = await parse(`(component (core ${module}) (core module (memory 1)))`);
    expect(outlineOf(two)).toMatchObject({ coreModules: 2, functions: 2, tables: 2, dataSegments: 3, startFunctions: 1, memories: 2 });
    expect(outlineOf(two).memory).toEqual({ largestInitialBytes: 2 * 65_536, maximumBytes: undefined });
    expect(outlineOf(await parse(`(component (core ${module}))`)).memory.maximumBytes).toBe(5 * 65_536);
  });

  it('has custom sections with their contents', () => {
    const contents = Buffer.from('name: ä\n');
    const finished = appendCustomSection(component, 'lorelai:datasource-manifest', contents);
    const section = outlineOf(finished).customSections.at(-1);
    expect(section?.name).toBe('lorelai:datasource-manifest');
    expect(Buffer.from(section?.contents ?? []).toString()).toBe('name: ä\n');
  });

  it('names its producers once each', () => {
    expect(outlineOf(component).producers).toEqual([expect.stringMatching(/^wit-component \d/)]);
  });

  it('has nothing of what nested components import and export', async () => {
    const nested = await parse('(component (component (import "inner" (func)) (export "also" (func 0))) (core module (memory 1)))');
    expect(outlineOf(nested)).toMatchObject({ imports: [], exports: [], coreModules: 1, memories: 1 });
  });

  it('reads every kind of import and export', async () => {
    const wat = `(component
      (import "f" (func $f)) (import "m" (core module)) (import "c" (component)) (import "i" (instance $i))
      (import "t" (type $t (sub resource))) (import "e" (type (eq $t)))
      (export "f2" (func $f)) (export "i2" (instance $i)))`;
    expect(outlineOf(await parse(wat))).toMatchObject({ imports: ['f', 'm', 'c', 'i', 't', 'e'], exports: ['f2', 'i2'] });
  });
});

describe('what is no component', () => {
  it.each<[string, Uint8Array, RegExp]>([
    ['an empty file', bytes(), /ends early/],
    ['text', Buffer.from('name: hello\n'), /does not begin with the bytes/],
    ['the bytes of a WebAssembly file alone', PREAMBLE.subarray(0, 4), /ends early/],
    ['a core module', bytes([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]), /core module, not a component/],
    ['an unknown layer', bytes([0, 0x61, 0x73, 0x6d, 0x0d, 0, 2, 0]), /unknown layer 2/],
    ['an older component format', bytes([0, 0x61, 0x73, 0x6d, 0x0c, 0, 1, 0]), /format 12/],
    ['a section longer than the file', bytes(PREAMBLE, [1, 100]), /longer than the file/],
    ['a section length of more than 32 bits', bytes(PREAMBLE, [1, 0xff, 0xff, 0xff, 0xff, 0x7f]), /longer than 32 bits/],
    ['a section length that never ends', bytes(PREAMBLE, [1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80]), /longer than 32 bits/],
    ['a name that is not UTF-8', bytes(PREAMBLE, [0, 2, 1, 0xff]), /not UTF-8/],
    ['an import of an unknown name kind', bytes(PREAMBLE, [10, 2, 1, 9]), /unknown kind 9/],
    ['four billion imports in six bytes', bytes(PREAMBLE, [10, 5, 0xff, 0xff, 0xff, 0xff, 0x0f]), /ends early/],
  ])('%s is a BinaryError that says so', (_, file, message) => {
    expect(read(file)).toMatch(message);
  });

  it('a real core module is told from a component', async () => {
    expect(read(await parse('(module)'))).toMatch(/core module, not a component/);
  });
});

describe('a name that would be code in what the transpiler makes of it', () => {
  const NAMES = [`x'];steal();//`, '"', '`${steal()}`', 'a\\', 'a\nb', 'a\u2028b', '*/', 'caf\u00e9', 'x'.repeat(257)];

  it.each(NAMES.map((name) => [JSON.stringify(name).slice(1, -1).replaceAll("'", '\\27').replace('\\u2028', '\\u{2028}')]))(
    'is refused wherever it stands: "%s"',
    async (name) => {
      const places = [
        `(core module (func (export "${name}")))`,
        `(core module (import "${name}" "f" (func)))`,
        `(core module (import "m" "${name}" (func)))`,
        `(core module $m (import "a" "f" (func))) (core module $n (func (export "f"))) (core instance $i (instantiate $n)) (core instance (instantiate $m (with "a" (instance (export "f" (func $i "f")) (export "${name}" (func $i "f"))))))`,
        `(component (core module (func (export "${name}"))))`,
      ];
      for (const place of places) expect(read(await parse(`(component ${place})`))).toMatch(/holds characters that no toolchain uses/);
    },
  );

  it('is told from names that real toolchains give', async () => {
    const names = [
      'cm32p2|lorelai:datasource/source@1|read_post',
      '[method]pollable.block',
      '[resource-drop]x',
      'GOT.mem',
      '$imports',
      'utf8-to-utf8 (mem1 => mem0)',
      '0',
      '',
    ];
    const wat = `(component (core module ${names.map((name) => `(func (export "${name}"))`).join(' ')}))`;
    expect(read(await parse(wat))).toMatchObject({ coreModules: 1 });
  });

  it('is looked for behind every kind of import', async () => {
    const kinds = ['(func)', '(table 1 2 funcref)', '(memory 1 2)', '(global (mut i64))', '(tag)', '(table 0 externref)'];
    const module = (name: string) =>
      `(component (core module ${kinds.map((kind) => `(import "m" "n" ${kind})`).join(' ')} (import "m" "${name}" (func))))`;
    expect(read(await parse(module('fine')))).toMatchObject({ memories: 1 });
    expect(read(await parse(module("x';")))).toMatch(/holds characters that no toolchain uses/);
  });
});

describe('a hostile component', () => {
  it('is refused for nesting, before the stack is spent', () => {
    let component: Uint8Array = PREAMBLE;
    for (let depth = 0; depth < 40; depth += 1) component = bytes(PREAMBLE, section(4, component.byteLength), component);
    expect(read(component)).toMatch(/nested deeper than 16/);
  });

  it.each<[string, Uint8Array]>([
    [
      'sections',
      bytes(
        PREAMBLE,
        new Uint8Array(3_000_000).map((_, at) => (at % 3 === 1 ? 1 : 0)),
      ),
    ],
    ['core modules', bytes(PREAMBLE, ...Array.from({ length: 20_000 }, () => [1, 8, 0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]))],
    [
      'sections of one core module',
      bytes(
        PREAMBLE,
        section(1, 60_008),
        new Uint8Array(60_008).map((_, at) => (at > 7 && at % 3 === 0 ? 1 : 0)),
      ),
    ],
    ['imports', bytes(PREAMBLE, section(10, 4_000_004), [0x80, 0x89, 0x7a, 0x00], new Uint8Array(4_000_000))],
  ])('is refused for too many %s, before they are kept', (_, component) => {
    expect(read(component)).toMatch(/more than [\d,]+ (sections|imports)/);
  });

  it('cut off anywhere is an outline or a BinaryError', async () => {
    const component = await watComponent();
    for (let length = 0; length < component.byteLength; length += 1) read(component.subarray(0, length));
  });

  it('with any bytes changed is an outline or a BinaryError', async () => {
    const component = await watComponent();
    const random = seededRandom(4_711);
    for (let round = 0; round < 3_000; round += 1) {
      const changed = component.slice();
      for (let changes = 1 + random.below(8); changes > 0; changes -= 1) changed[random.below(changed.byteLength)] = random.below(256);
      read(changed);
    }
  });
});
