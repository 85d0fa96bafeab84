import { expect, test } from 'vitest';
import type { Candidate, Scored } from '../../../host/retrieval/candidate.ts';
import { closenessOf, totalCloseness } from '../../../host/retrieval/closeness.ts';
import { diversify } from '../../../host/retrieval/diversity.ts';
import { expansionWords } from '../../../host/retrieval/feedback.ts';
import { wantedWords } from '../../../host/retrieval/find-words.ts';
import { foldDuplicates, groupDocuments, type Group } from '../../../host/retrieval/fold.ts';
import { fuse } from '../../../host/retrieval/fuse.ts';
import { recencyFactor } from '../../../host/retrieval/recency.ts';
import { questionTerms } from '../../../host/retrieval/terms.ts';

const YEAR_MS = 365.25 * 86_400_000;

function candidate(document: string, position: number | undefined = 0, text = `text of ${document}`): Candidate {
  return { key: `${document}/${position}`, document, position, text, updatedAtMs: undefined };
}

function scored(of: Candidate, score: number): Scored<Candidate> {
  return { candidate: of, score, shares: [] };
}

function groupOf(document: string, score: number, text: string): Group<Candidate> {
  const of = candidate(document, 0, text);
  return { lead: scored(of, score), passages: [of], duplicates: [], score };
}

/** What the texts add to a passage for a question, all of whose words tell as much. */
function closeness(question: string, title: string, text: string, searched = true): number {
  const terms = questionTerms(question);
  const weighed = { terms: terms.map(({ times }) => ({ weight: 2, times, searched })), wanted: wantedWords(terms), averageWords: 20 };
  return totalCloseness(closenessOf(weighed, title, text));
}

test('words that stand together tell more than the same words far apart', () => {
  const filler = 'of all that there is in the house by the river';
  const together = closeness('signing key', '', `${filler} signing key ${filler}`);
  const apart = closeness('signing key', '', `signing ${filler} ${filler} key`);
  expect(together).toBeGreaterThan(apart);
});

test('words in the order of the question tell more in a title', () => {
  expect(closeness('signing key', 'the signing key', '')).toBeGreaterThan(closeness('signing key', 'the key for signing', ''));
});

test('the very form of a word tells a little more than another form', () => {
  expect(closeness('keys', '', 'all keys here')).toBeGreaterThan(closeness('keys', '', 'the key here'));
});

test('a word that the index was not asked for is counted all the same', () => {
  expect(closeness('walrus', '', 'a walrus', false)).toBeGreaterThan(closeness('walrus', '', 'a walrus') + 1);
  expect(closeness('walrus', '', 'a seal', false)).toBe(0);
});

test('one way of searching keeps its scores; of several each counts by its weight, and what it did not find gets nothing', () => {
  const [a, b] = [candidate('a'), candidate('b')];
  const keyword = {
    arm: 'keyword' as const,
    weight: 1,
    found: [
      { candidate: a, score: 0.4 },
      { candidate: b, score: 0.2 },
    ],
  };
  expect(fuse([keyword]).map(({ score }) => score)).toEqual([0.4, 0.2]);
  const feedback = { arm: 'feedback' as const, weight: 0.5, found: [{ candidate: b, score: 0.9 }] };
  const fused = fuse([keyword, feedback]);
  expect(fused.map(({ candidate: { document }, score }) => [document, Number(score.toFixed(3))])).toEqual([
    ['b', 0.283],
    ['a', 0.257],
  ]);
  expect(fused[0]?.shares.map(({ arm, added }) => [arm, Number(added.toFixed(3))])).toEqual([
    ['keyword', 0.14],
    ['feedback', 0.143],
  ]);
  expect(fuse([keyword, { ...feedback, found: [] }]).map(({ score }) => score)).toEqual([0.4, 0.2]);
});

/** A hundred passages, all about as good but the first. */
function hundred(name: string, best: number): { candidate: Candidate; score: number }[] {
  return Array.from({ length: 100 }, (_, at) => ({ candidate: candidate(`${name}${at}`), score: at === 0 ? best : 0.5 - at / 1_000 }));
}

test('of two ways of searching the one with a clear answer says more than the one to which all is alike, whatever their scales', () => {
  const clear = { arm: 'keyword' as const, weight: 1, found: hundred('clear', 0.9) };
  const vague = { arm: 'vector' as const, weight: 1, floor: 0.401, found: hundred('vague', 0.501) };
  const orders = [fuse([clear, vague]), fuse([vague, clear])];
  expect(orders.map(([best]) => best?.candidate.document)).toEqual(['clear0', 'clear0']);
  const [best, second] = fuse([clear, vague]);
  expect(best?.score).toBeGreaterThan(3 * (second?.score ?? 1));
});

test('scores that are all alike put nothing before anything, and lose nothing', () => {
  const alike = { arm: 'keyword' as const, weight: 1, found: ['b', 'a'].map((id) => ({ candidate: candidate(id), score: 0 })) };
  const other = { arm: 'vector' as const, weight: 0.9, found: [{ candidate: candidate('c'), score: 0 }] };
  expect(fuse([alike, other]).map(({ candidate: { document } }) => document)).toEqual(['a', 'b', 'c']);
});

test('neighbours that both answer become one passage, in the order of the document', () => {
  const passages = [
    scored(candidate('a', 4), 0.9),
    scored(candidate('a', 3), 0.8),
    scored(candidate('a', 9), 0.7),
    scored(candidate('a', 5), 0.2),
  ];
  const [first, second] = groupDocuments(passages, 3);
  expect(first?.passages.map(({ position }) => position)).toEqual([3, 4]);
  expect(first?.score).toBe(0.9);
  expect(second?.passages.map(({ position }) => position)).toEqual([9]);
  expect(groupDocuments(passages, 1)).toHaveLength(1);
});

const COPY = 'To rotate the signing key open the settings of the host and choose a new key then wait until all hosts have it';

test('a passage that says the same as a better one is folded into it, also when a few words differ', () => {
  const groups = [
    groupOf('a', 0.9, COPY),
    groupOf('b', 0.8, COPY.toUpperCase()),
    groupOf('c', 0.7, `${COPY} now`),
    groupOf('d', 0.6, 'Something else about the signing key that has as many words as the others but says nothing that they do'),
  ];
  const folded = foldDuplicates(groups, 10);
  expect(folded.map(({ lead }) => lead.candidate.document)).toEqual(['a', 'd']);
  expect(folded[0]?.duplicates.map(({ document }) => document)).toEqual(['b', 'c']);
});

test('short passages are alike without being copies', () => {
  expect(foldDuplicates([groupOf('a', 0.9, 'Thanks, closed.'), groupOf('b', 0.8, 'Thanks, closed.')], 10)).toHaveLength(2);
});

test('diversity puts what adds something before what repeats', () => {
  const groups = [
    groupOf('a', 1, 'rotate the signing key'),
    groupOf('b', 0.95, 'rotate the signing key again'),
    groupOf('c', 0.6, 'who is told when it expires'),
  ];
  const order = (diversity: number): string[] => diversify(groups, diversity, 2).map(({ lead }) => lead.candidate.document);
  expect(order(0)).toEqual(['a', 'b']);
  expect(order(0.6)).toEqual(['a', 'c']);
});

test('age takes at most a quarter of a score, and nothing where it is not asked for', () => {
  expect(recencyFactor(0, 0, 1)).toBe(1);
  expect(recencyFactor(0, YEAR_MS / 2, 1)).toBeCloseTo(0.8);
  expect(recencyFactor(0, 20 * YEAR_MS, 1)).toBe(0.75);
  expect(recencyFactor(undefined, 0, 1)).toBe(0.75);
  expect(recencyFactor(0, 20 * YEAR_MS, 0.2)).toBeCloseTo(0.95);
  expect(recencyFactor(undefined, 0, 0)).toBe(1);
  // A source's clock may be ahead of ours.
  expect(recencyFactor(YEAR_MS, 0, 1)).toBe(1);
});

test('feedback takes words that several of the best passages share, and none that say nothing', () => {
  const words = expansionWords([
    { text: 'the walrus and its ivory tusks', score: 1 },
    { text: 'a walrus has tusks of ivory', score: 0.9 },
    { text: 'a lonely aardvark 2024 2024', score: 0.1 },
  ]);
  expect(words.map(({ stem }) => stem).toSorted()).toEqual(['ivori', 'tusk', 'walru']);
});
