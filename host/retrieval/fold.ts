import type { Candidate, Scored } from './candidate.ts';
import { wordHashes } from './word-hashes.ts';

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
  #words: Uint32Array | undefined;
  #shingles: Uint32Array | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  get length(): number {
    return this.#text.length;
  }

  /** As `wordHashes` gives them: words that only seem the same would have to come in a row, all through a text, to make it seem a copy. */
  get words(): Uint32Array {
    return (this.#words ??= wordHashes(this.#text));
  }

  get shingles(): Uint32Array {
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
  return sharesSamples(a.words, b.words) && resemble(a.shingles, b.shingles);
}

function similar(a: number, b: number): boolean {
  return Math.min(a, b) >= Math.max(a, b) * SAME_SHARE;
}

/** Words looked at, evenly over the text. */
const SAMPLED_WORDS = 16;

/** Whether some words of `a` stand in `b` near the same place. */
function sharesSamples(a: Uint32Array, b: Uint32Array): boolean {
  const samples = Math.min(SAMPLED_WORDS, a.length);
  const reach = Math.ceil(a.length * (1 - SAME_SHARE));
  let missing = 0;
  for (let index = 0; index < samples; index += 1) {
    const at = Math.floor((index * a.length) / samples);
    if (b.subarray(Math.max(0, at - reach), at + reach + 1).includes(a[at] ?? 0)) continue;
    missing += 1;
    if (missing > samples * (1 - SAME_SHARE)) return false;
  }
  return true;
}

/** Odd, so that the order of words counts and none of their bits is lost. */
const MIX = 0x9e3779b1;

/** Every few words in a row as one number, each once, in ascending order. */
function shinglesOf(words: Uint32Array): Uint32Array {
  const shingles = new Uint32Array(Math.max(0, words.length - SHINGLE_WORDS + 1));
  for (let at = 0; at < shingles.length; at += 1) {
    let shingle = 0;
    for (let next = at; next < at + SHINGLE_WORDS; next += 1) shingle = Math.imul(shingle ^ (words[next] ?? 0), MIX);
    shingles[at] = shingle;
  }
  shingles.sort();
  return shingles.filter((shingle, at) => at === 0 || shingle !== shingles[at - 1]);
}

/** Whether of what two texts have enough is in both; looks no further than to where it can no longer be. */
function resemble(a: Uint32Array, b: Uint32Array): boolean {
  const isEnough = (shared: number): boolean => shared / Math.max(1, a.length + b.length - shared) >= SAME_SHARE;
  let [inA, inB, shared] = [0, 0, 0];
  while (inA < a.length && inB < b.length) {
    const difference = (a[inA] ?? 0) - (b[inB] ?? 0);
    if (difference <= 0) inA += 1;
    if (difference >= 0) inB += 1;
    if (difference === 0) shared += 1;
    else if (!isEnough(shared + Math.min(a.length - inA, b.length - inB))) return false;
  }
  return isEnough(shared);
}
