import { editDistance } from './nearest.ts';

/** What people take for the same in most typefaces. Names hold nothing but `a-z`, `0-9` and `_`. */
const CONFUSED: readonly (readonly [RegExp, string])[] = [
  [/_/g, ''],
  [/rn/g, 'm'],
  [/vv/g, 'w'],
  [/cl/g, 'd'],
  [/0/g, 'o'],
  [/[1i]/g, 'l'],
  [/5/g, 's'],
  [/8/g, 'b'],
  [/2/g, 'z'],
];

/** Two letters that differ by one are no likeness: any two would be alike. */
const MIN_EDITED_CHARACTERS = 4;

/** Whether somebody may take one name for the other: they read alike, or differ by one character or by two that changed places. */
export function looksLike(name: string, other: string): boolean {
  if (name === other) return false;
  if (skeleton(name) === skeleton(other)) return true;
  if (Math.min(name.length, other.length) < MIN_EDITED_CHARACTERS) return false;
  return editDistance(name, other) === 1 || isSwapped(name, other);
}

function skeleton(name: string): string {
  return CONFUSED.reduce((text, [pattern, plain]) => text.replaceAll(pattern, plain), name.toLowerCase().replaceAll('-', '_'));
}

function isSwapped(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  const at = [...a].findIndex((letter, index) => letter !== b[index]);
  return a[at] === b[at + 1] && a[at + 1] === b[at] && a.slice(at + 2) === b.slice(at + 2);
}
