import { watDatasource } from './wat-component.ts';

const RESULT_AT = 1_024;
const CHANGE_AT = 3_000;
const ID_AT = 4_000;

/** A datasource, as any toolchain may make one, whose every `read` deletes a document with an id that it has drawn by lot. */
export function chancyDatasource(): Promise<Uint8Array> {
  return watDatasource(
    (text) => {
      const number = (place: RegExp): string => place.exec(text)?.[1] ?? unchanged(place);
      const draw = number(/import "[^"]*wasi:random\/random[^"]*" "get-random-u64" \(func \(;(\d+);\)/);
      const letters = `(i64.or (i64.and (call ${draw}) (i64.const 0x0f0f0f0f0f0f0f0f)) (i64.const 0x6060606060606060))`;
      const edits: [RegExp, string][] = [
        [/\(memory \(;0;\) 0\)/, '(memory (;0;) 2)'],
        [
          bodyOf(number(/export "[^"]*source@1\|read" \(func (\d+)\)/)),
          `(i64.store (i32.const ${ID_AT}) ${letters}) (i32.const ${RESULT_AT})`,
        ],
        [
          bodyOf(number(/export "cm32p2_realloc" \(func (\d+)\)/)),
          '(global.get $free) (global.set $free (i32.and (i32.add (i32.add (global.get $free) (local.get 3)) (i32.const 7)) (i32.const -8)))',
        ],
        [
          /\)\s*$/,
          // A batch of one change, done; the change is a `delete` of eight letters. As the component model lays them out.
          `(global $free (mut i32) (i32.const 8192))
          ${word(RESULT_AT + 8, CHANGE_AT)} ${word(RESULT_AT + 12, 1)} ${word(RESULT_AT + 24, 1)}
          ${word(CHANGE_AT, 1)} ${word(CHANGE_AT + 8, ID_AT)} ${word(CHANGE_AT + 12, 8)})`,
        ],
      ];
      return edits.reduce((wat, [place, instead]) => (place.test(wat) ? wat.replace(place, () => instead) : unchanged(place)), text);
    },
    { world: 'datasource' },
  );
}

function unchanged(place: RegExp): never {
  throw new Error(`the module has no ${place}: wit-component has changed`);
}

function bodyOf(func: string): RegExp {
  return new RegExp(`(?<=\\(func \\(;${func};\\)[^\\n]*\\n\\s*)unreachable`);
}

/** A number of 32 bits in the memory. */
function word(at: number, value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return `(data (i32.const ${at}) "${[...bytes].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('')}")`;
}
