import type { Unit } from './units.ts';

/**
 * Puts units together to passages of at most `target` tokens.
 *
 * What fits goes into one. Of what does not, a passage of at least half the size ends where the text itself says so: before
 * a unit whose hash is small enough, which it is about once in a quarter of a passage. So the passages behind an edit soon
 * end where they ended before, and are the same as before; sizes alone would move all of them. (Content-defined chunking, as
 * in Muthitacharoen et al., "A Low-bandwidth Network File System", 2001.)
 */
export function* pack<U extends Unit>(units: readonly U[], target: number): Generator<U[]> {
  const total = units.reduce((sum, unit) => sum + unit.tokens, 0);
  let group: U[] = [];
  let tokens = 0;
  let before = 0;
  for (const unit of units) {
    const left = total - before;
    const isFull = tokens + unit.tokens > target;
    if (group.length > 0 && (isFull || (tokens + left > target && tokens >= target / 2 && left >= target / 4 && isEnding(unit, target)))) {
      yield group;
      group = overlap(group, unit, target);
      tokens = group.reduce((sum, repeated) => sum + repeated.tokens, 0);
    }
    group.push(unit);
    tokens += unit.tokens;
    before += unit.tokens;
  }
  if (group.length > 0) yield group;
}

/** The text of one passage. */
export function joinUnits(units: readonly Unit[]): string {
  return units.map(({ text, gap }, index) => (index === 0 ? text : gap + text)).join('');
}

/** The sentence before, where a passage begins in the middle of a paragraph. */
function overlap<U extends Unit>(group: readonly U[], next: U, target: number): U[] {
  const last = group.at(-1);
  if (last === undefined || next.gap !== '' || group.length < 2) return [];
  return last.tokens <= target / 8 && last.tokens + next.tokens <= target ? [last] : [];
}

function isEnding(unit: Unit, target: number): boolean {
  return hashOf(unit.text) < 2 ** 32 * Math.min(1, (4 * unit.tokens) / target);
}

/** FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/), with a last mix: its high bits alone say little of short texts. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
