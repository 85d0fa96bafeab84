import { parse } from '@bytecodealliance/jco';
import { watDatasource } from '../helpers/wat-component.ts';

/** What both say of themselves, about as long as what `hello` says. */
const NAME = 'small';
const VERSION = '1.0.0';
const FEATURE = { name: 'items', description: 'Everything that there is, one document each.' };
const SCHEMA = JSON.stringify({
  type: 'object',
  properties: { greeting: { type: 'string', maxLength: 200 } },
  additionalProperties: false,
});

const RECORD_AT = 16;
const FEATURE_AT = 48;
const TEXT_AT = 64;

/** A component of the contract, written by hand: `describe` answers, everything else traps. */
export function describingComponent(): Promise<Uint8Array> {
  return watDatasource((wat) =>
    wat
      .replace('(memory (;0;) 0)', `(memory (;0;) 1)\n(data (i32.const ${RECORD_AT}) "${escape(recordBytes())}")`)
      .replace(/(\(func \(;8;\)[^\n]*\n)\s*unreachable/, `$1 i32.const ${RECORD_AT}`)
      .replace(/(\(func \(;9;\)[^\n]*\n)\s*unreachable/, '$1'),
  );
}

/** The same answer as JSON text, as a core module for Extism: written into its memory, eight bytes at a time. */
export function describingPlugin(): Promise<Uint8Array> {
  const text = JSON.stringify({ name: NAME, version: VERSION, features: [FEATURE], configSchema: SCHEMA });
  const length = Buffer.byteLength(text);
  const whole = length + 7 - ((length + 7) % 8);
  return parse(`(module
    (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
    (import "extism:host/env" "store_u64" (func $store (param i64 i64)))
    (import "extism:host/env" "output_set" (func $output (param i64 i64)))
    (memory (export "memory") 1)
    (data (i32.const 0) "${escape(Buffer.from(text))}")
    (func (export "describe") (result i32) (local $to i64) (local $at i32)
      (local.set $to (call $alloc (i64.const ${whole})))
      (loop $next
        (call $store (i64.add (local.get $to) (i64.extend_i32_u (local.get $at))) (i64.load (local.get $at)))
        (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const ${whole}))))
      (call $output (local.get $to) (i64.const ${length}))
      (i32.const 0)))`);
}

/** The memory from `RECORD_AT` on: the record `description`, its feature, and their strings. */
function recordBytes(): Buffer {
  const strings = [NAME, VERSION, SCHEMA, FEATURE.name, FEATURE.description].map((text) => Buffer.from(text));
  let end = TEXT_AT;
  const [name, version, schema, featureName, featureText] = strings.map(({ byteLength }) => {
    end += byteLength;
    return [end - byteLength, byteLength];
  });
  const head = Buffer.alloc(TEXT_AT - RECORD_AT);
  [name, version, [FEATURE_AT, 1], schema, featureName, featureText]
    .flatMap((pair) => pair ?? [])
    .forEach((word, index) => head.writeUInt32LE(word, 4 * index));
  return Buffer.concat([head, ...strings]);
}

function escape(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('');
}
