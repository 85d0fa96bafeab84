import { SOURCE_FUNCTIONS, type SourceFunction } from '../../host/sandbox/protocol.ts';
import { SMALL_MANIFEST, watDatasource } from './wat-component.ts';

/** What is written by hand into a component of the contract; everything else in it traps. */
export interface CoreEdit {
  /** Whose `body` it is: `describe` when left out. */
  function?: 'describe' | 'validate-config' | 'check';
  /** Instructions that leave the address of the result. */
  body?: string;
  /** Of further functions likewise. */
  bodies?: Partial<Record<SourceFunction, string>>;
  /** Instructions that run when the host has taken the result. */
  afterwards?: string;
  /** Instructions of a function that a start section names. */
  start?: string;
  initialise?: string;
  /** Instructions that leave an address; by default memory is given out from 8 KiB on. */
  realloc?: string;
  /** Pages that the memory begins with. */
  memory?: string;
  /** Further items of the module. */
  items?: string;
}

/** The numbers of functions in the module that `wit-component` makes of the contract. */
const FUNCTIONS: Readonly<Record<SourceFunction, number>> = {
  describe: 8,
  'validate-config': 10,
  check: 12,
  read: 14,
  'list-ids': 16,
  'list-groups': 18,
  search: 20,
  receive: 22,
};
const REALLOC = 24;
const GIVE_OUT = `(global.get $free)
  (global.set $free (i32.and (i32.add (i32.add (global.get $free) (local.get 3)) (i32.const 7)) (i32.const -8)))`;

/** A datasource whose core module is edited. */
export function hostileCore(edit: CoreEdit, manifest: string = SMALL_MANIFEST): Promise<Uint8Array> {
  const func = edit.function ?? 'describe';
  const bodies = SOURCE_FUNCTIONS.flatMap((name) => (edit.bodies?.[name] === undefined ? [] : [{ name, body: edit.bodies[name] }]));
  const items = `(global $free (mut i32) (i32.const 8192)) ${edit.items ?? ''} ${edit.start === undefined ? '' : `(func $start ${edit.start}) (start $start)`}`;
  return watDatasource(
    (text) => {
      const edits: [RegExp, string][] = [
        [/\(memory \(;0;\) 0\)/, `(memory (;0;) ${edit.memory ?? '16'})`],
        [bodyOf(FUNCTIONS[func]), edit.body ?? 'unreachable'],
        ...bodies.map(({ name, body }): [RegExp, string] => [bodyOf(FUNCTIONS[name]), body]),
        [bodyOf(REALLOC), edit.realloc ?? GIVE_OUT],
        [/(?<=\(func \(;25;\) \(type 12\))(?=\))/, ` ${edit.initialise ?? ''}`],
        [new RegExp(`(?<=\\(func \\(;${FUNCTIONS[func] + 1};\\) \\(type 6\\) \\(param i32\\))(?=\\))`), ` ${edit.afterwards ?? ''}`],
        [/\)\s*$/, `${items})`],
      ];
      return edits.reduce((wat, [place, instead]) => {
        if (!place.test(wat)) throw new Error(`the module has no ${place}: wit-component has changed`);
        return wat.replace(place, () => instead);
      }, text);
    },
    { manifest },
  );
}

function bodyOf(func: number): RegExp {
  return new RegExp(`(?<=\\(func \\(;${func};\\)[^\\n]*\\n\\s*)unreachable`);
}
