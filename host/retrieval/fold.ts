import type { Candidate, Scored } from './candidate.ts';
import { foldedWords } from './find-words.ts';

/** One hit in the making: a passage, or neighbouring ones of a document, that stand for what is folded into them. */
export interface Group<C extends Candidate> {
  /** The best of the passages. */
  lead: Scored<C>;
  /** In their order in the document; the lead is one of them. */
  passages: readonly C[];
  /** Leads of other documents that say the same. */
  duplicates: readonly C[];
  score: number;
}

/** A neighbour joins when it is worth this share of the lead at least. */
const NEIGHBOUR_SHARE = 0.6;
/** More would no longer be a passage. */
const MAX_JOINED = 3;

/**
 * Passages by document, best first, at most `perDocument` of each: neighbours that both answer become one
 * longer passage. `scored` must be in order.
 */
export function groupDocuments<C extends Candidate>(scored: readonly Scored<C>[], perDocument: number): Group<C>[] {
  const byDocument = Map.groupBy(scored, ({ candidate }) => candidate.document);
  const groups = [...byDocument.values()].flatMap((passages) => joinNeighbours(passages).slice(0, perDocument));
  return groups.toSorted((a, b) => b.score - a.score || (a.lead.candidate.document < b.lead.candidate.document ? -1 : 1));
}

/** Best first, as the passages of one document come. */
function joinNeighbours<C extends Candidate>(passages: readonly Scored<C>[]): Group<C>[] {
  const left = new Map(passages.map((passage) => [passage.candidate.position, passage]));
  const groups: Group<C>[] = [];
  for (const lead of passages) {
    const { position } = lead.candidate;
    if (position === undefined) {
      groups.push({ lead, passages: [lead.candidate], duplicates: [], score: lead.score });
      continue;
    }
    if (!left.delete(position)) continue;
    const joined = [lead.candidate];
    for (let [before, after] = [position - 1, position + 1]; joined.length < MAX_JOINED;) {
      const best = better(left.get(before), left.get(after));
      if (best === undefined || best.score < lead.score * NEIGHBOUR_SHARE) break;
      left.delete(best.candidate.position);
      if (best.candidate.position === before) {
        joined.unshift(best.candidate);
        before -= 1;
      } else {
        joined.push(best.candidate);
        after += 1;
      }
    }
    groups.push({ lead, passages: joined, duplicates: [], score: lead.score });
  }
  return groups;
}

function better<C extends Candidate>(a: Scored<C> | undefined, b: Scored<C> | undefined): Scored<C> | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return b.score > a.score ? b : a;
}

/** Shorter passages are alike without being copies: `Thanks, closed.` */
const MIN_WORDS = 12;
/** Words in a row that are compared. */
const SHINGLE_WORDS = 3;
/** Of what two texts have, this share must be in both. */
const SAME_SHARE = 0.85;
/** Looked at beyond those that are wanted, so that most copies of what is shown are named. */
const LOOKED_FURTHER = 10;

/** A text that is compared, with what comparing makes of it when it comes to that. */
class Comparable {
  readonly #text: string;
  #words: readonly string[] | undefined;
  #shingles: ReadonlySet<string> | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  get length(): number {
    return this.#text.length;
  }

  get words(): readonly string[] {
    return (this.#words ??= foldedWords(this.#text));
  }

  get shingles(): ReadonlySet<string> {
    return (this.#shingles ??= shinglesOf(this.words));
  }
}

/**
 * Leaves out what says the same as something better: the same text, or one of which nearly every three words in a row are
 * the same (Broder, "On the resemblance and containment of documents", 1997). Only as far down as it takes to have
 * `wanted` groups and a few more.
 */
export function foldDuplicates<C extends Candidate>(groups: readonly Group<C>[], wanted: number): Group<C>[] {
  const kept: { group: Group<C>; text: Comparable; duplicates: C[] }[] = [];
  let looked = 0;
  for (const group of groups) {
    if (kept.length >= wanted + LOOKED_FURTHER) break;
    looked += 1;
    const text = new Comparable(group.lead.candidate.text);
    const original = kept.find((other) => isCopy(text, other.text));
    if (original === undefined) kept.push({ group, text, duplicates: [] });
    else original.duplicates.push(group.lead.candidate);
  }
  return [...kept.map(({ group, duplicates }) => ({ ...group, duplicates })), ...groups.slice(looked)];
}

/** The cheap questions first: hardly any two texts come to the last one. */
function isCopy(a: Comparable, b: Comparable): boolean {
  if (!similar(a.length, b.length) || a.words.length < MIN_WORDS || !similar(a.words.length, b.words.length)) return false;
  return sharesSamples(a.words, b.words) && resemblance(a.shingles, b.shingles) >= SAME_SHARE;
}

function similar(a: number, b: number): boolean {
  return Math.min(a, b) >= Math.max(a, b) * SAME_SHARE;
}

/** Words looked at, evenly over the text. */
const SAMPLED_WORDS = 16;

/** Whether some words of `a` stand in `b` near the same place. */
function sharesSamples(a: readonly string[], b: readonly string[]): boolean {
  const samples = Math.min(SAMPLED_WORDS, a.length);
  const reach = Math.ceil(a.length * (1 - SAME_SHARE));
  let missing = 0;
  for (let index = 0; index < samples; index += 1) {
    const at = Math.floor((index * a.length) / samples);
    if (b.slice(Math.max(0, at - reach), at + reach + 1).includes(a[at] ?? '')) continue;
    missing += 1;
    if (missing > samples * (1 - SAME_SHARE)) return false;
  }
  return true;
}

function shinglesOf(words: readonly string[]): Set<string> {
  return new Set(words.slice(SHINGLE_WORDS - 1).map((_, index) => words.slice(index, index + SHINGLE_WORDS).join(' ')));
}

function resemblance(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const shared = a.intersection(b).size;
  return shared / Math.max(1, a.size + b.size - shared);
}
