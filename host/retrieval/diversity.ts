import type { Candidate } from './candidate.ts';
import { foldedWords } from './find-words.ts';
import type { Group } from './fold.ts';

/**
 * The first `count` in an order in which each adds something to those before it: maximal marginal relevance (Carbonell and
 * Goldstein, 1998). `diversity` is 0 to 1: 0 keeps the order, 1 looks at nothing but the difference. How alike two are is the share of
 * words that both have.
 */
export function diversify<C extends Candidate>(groups: readonly Group<C>[], diversity: number, count: number): Group<C>[] {
  if (diversity <= 0) return groups.slice(0, count);
  const best = groups.reduce((most, { score }) => Math.max(most, score), 0);
  const left = groups.map((group) => ({ group, words: new Set(foldedWords(group.lead.candidate.text)), alike: 0 }));
  const chosen: Group<C>[] = [];
  while (chosen.length < count && left.length > 0) {
    const gain = ({ group, alike }: (typeof left)[number]): number =>
      (1 - diversity) * (best > 0 ? group.score / best : 0) - diversity * alike;
    const index = left.reduce((top, entry, at) => {
      const first = left[top];
      return first !== undefined && gain(entry) > gain(first) ? at : top;
    }, 0);
    const [next] = left.splice(index, 1);
    if (next === undefined) break;
    chosen.push(next.group);
    for (const entry of left) entry.alike = Math.max(entry.alike, sharedShare(entry.words, next.words));
  }
  return chosen;
}

function sharedShare(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const shared = a.intersection(b).size;
  return shared / Math.max(1, a.size + b.size - shared);
}
