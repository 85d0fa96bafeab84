import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { foldedWords } from '../../../host/retrieval/find-words.ts';
import { foldDuplicates, type Group } from '../../../host/retrieval/fold.ts';
import { wordHashes } from '../../../host/retrieval/word-hashes.ts';

const PIECES = [
  'key',
  'Key',
  'KEY',
  'B12',
  'x_y',
  'Größe',
  'Gro\u0308ße',
  'grosse',
  'ΣΑΣ',
  'σας',
  '東京',
  'é',
  '—',
  '𝒳',
  '\n',
  ' ',
  '. ',
  '\0',
  '@',
  '[',
  '`{',
];
const pieces = fc.array(fc.constantFrom(...PIECES), { maxLength: 30 }).map((parts) => parts.join(''));

test('the numbers of words are the same exactly where the words are', () => {
  const numberOf = new Map<string, number>();
  fc.assert(
    fc.property(fc.oneof(pieces, fc.string({ unit: 'binary', maxLength: 60 })), (text) => {
      const words = foldedWords(text);
      const numbers = [...wordHashes(text)];
      expect(numbers).toHaveLength(words.length);
      for (const [index, word] of words.entries()) {
        const number = numbers[index] ?? -1;
        expect(numberOf.get(word) ?? number).toBe(number);
        numberOf.set(word, number);
      }
    }),
    { numRuns: 5_000, seed: 3 },
  );
  expect(new Set(numberOf.values()).size).toBe(numberOf.size);
});

const WORDS = Array.from({ length: 40 }, (_, index) => `word${index}`);
/** A text and the same with some of its words changed: some are copies, some nearly, most are none. */
const variants = fc
  .tuple(
    fc.array(fc.constantFrom(...WORDS), { minLength: 10, maxLength: 60 }),
    fc.array(fc.array(fc.tuple(fc.nat(59), fc.constantFrom(...WORDS)), { maxLength: 6 }), { minLength: 1, maxLength: 6 }),
  )
  .map(([words, changes]) => [
    words,
    ...changes.map((some) => some.reduce((text, [at, word]) => (at < text.length ? text.with(at, word) : text), words)),
  ]);

test('what is folded is what shares 85 % of all three words in a row, whatever is compared first', () => {
  let folded = 0;
  fc.assert(
    fc.property(variants, (texts) => {
      const groups = texts.map((words, index) => groupOf(`d${index}`, words.join(' ')));
      const given = foldDuplicates(groups, texts.length).map(
        ({ lead, duplicates }) => [lead, ...duplicates.map(({ document }) => document)].length,
      );
      const kept: { words: string[]; count: number }[] = [];
      for (const words of texts) {
        const original = kept.find((other) => isCopy(words, other.words));
        if (original === undefined) kept.push({ words, count: 1 });
        else original.count += 1;
      }
      folded += texts.length - kept.length;
      expect(given).toEqual(kept.map(({ count }) => count));
    }),
    { numRuns: 2_000, seed: 5 },
  );
  expect(folded).toBeGreaterThan(1_000);
});

/** As a person would say it. Few changed words never fail the samples that are looked at first. */
function isCopy(a: readonly string[], b: readonly string[]): boolean {
  if (a.length < 12) return false;
  const [inA, inB] = [a, b].map((words) => new Set(words.slice(2).map((_, at) => words.slice(at, at + 3).join(' '))));
  return inA !== undefined && inB !== undefined && inA.intersection(inB).size / inA.union(inB).size >= 0.85;
}

function groupOf(
  document: string,
  text: string,
): Group<{ key: string; document: string; position: number; text: string; updatedAtMs: undefined }> {
  const candidate = { key: document, document, position: 0, text, updatedAtMs: undefined };
  return { lead: { candidate, score: 1, shares: [] }, passages: [candidate], duplicates: [], score: 1 };
}
