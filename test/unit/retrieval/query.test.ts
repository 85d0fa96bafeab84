import Libsql from 'libsql';
import { beforeAll, expect, test } from 'vitest';
import { extraWords } from '../../../host/domain/words.ts';
import { matchExpression, placesPerMatch, selectTerms, type TermSelection } from '../../../host/retrieval/query.ts';
import { questionTerms } from '../../../host/retrieval/terms.ts';
import { datasourceWord, featureWord, scopeWords } from '../../../host/store/search-scope.ts';
import { seededRandom } from '../../helpers/random.ts';

let database: Libsql.Database;

const TEXTS = [
  'How to readFile in Node',
  'the parse_config function',
  '東京都の天気',
  'Größenänderung der Straße',
  'vitamin B12 deficiency',
  'NEAR the AND gate',
  'синий ёж',
  'ο λόγος',
];

beforeAll(() => {
  database = new Libsql(':memory:');
  database.exec(`CREATE VIRTUAL TABLE entries USING fts5 (title, headings, text, identifiers, scope, content = '',
    tokenize = 'porter unicode61 remove_diacritics 2')`);
  const insert = database.prepare(`INSERT INTO entries (rowid, title, headings, text, identifiers, scope) VALUES (?, '', '', ?, ?, ?)`);
  TEXTS.forEach((text, id) =>
    insert.run([BigInt(id), text, extraWords(text), scopeWords({ datasource: id % 2 ? 'odd' : 'even', feature: `f${id}` })]),
  );
});

function find(question: string, anyOf: string[][] = []): number[] {
  const terms = questionTerms(question);
  if (terms.length === 0) return [];
  const rows = database
    .prepare('SELECT rowid AS id FROM entries WHERE entries MATCH ? ORDER BY rank')
    .all([matchExpression(terms, { anyOf })]);
  return (rows as { id: number }[]).map((row) => row.id);
}

function wordsOf(question: string): string[] {
  return questionTerms(question).map((term) => term.word);
}

/** Of terms by the number of passages that hold them, in an index of 100,000. */
function chosenOf(...terms: [string, number][]): string[] {
  return selectionOf({ passages: 100_000 }, ...terms).searched.map(({ word }) => word);
}

function selectionOf(size: { passages: number; narrowing?: number }, ...terms: [string, number][]): TermSelection {
  return selectTerms(
    terms.map(([word, passages]) => ({ word, folded: word, stem: word, times: 1, passages })),
    size,
  );
}

test('words of a question are found by any of their forms', () => {
  expect(find('reading a file')).toEqual([0]);
  expect(find('READFILE')).toEqual([0]);
  expect(find('what is parseConfig?')).toEqual([1]);
  expect(find('parse config')).toEqual([1]);
  expect(find('grossenanderung')).toEqual([]);
  expect(find('größenÄNDERUNG')).toEqual([3]);
  expect(find('deficiencies')).toEqual([4]);
  expect(find('Синий ЁЖ')).toEqual([6]);
  expect(find('ΛΌΓΟΣ')).toEqual([7]);
});

test('a script without spaces is found by parts of a run', () => {
  expect(find('東京')).toEqual([2]);
  expect(find('天気は')).toEqual([2]);
  expect(find('京東')).toEqual([]);
});

test('operators of the query language are words like others', () => {
  expect(find('NEAR')).toEqual([5]);
  expect(find('"AND" OR NOT title: NEAR(gate, 2)* ^ { - + )')).toEqual([5]);
  expect(find('text : "')).toEqual([]);
});

test('a scope leaves only what has a word of each of its sets', () => {
  const question = 'readFile vitamin parse near';
  expect(find(question).sort()).toEqual([0, 1, 4, 5]);
  expect(find(question, [[datasourceWord('odd')]]).sort()).toEqual([1, 5]);
  expect(
    find(question, [
      [datasourceWord('odd'), datasourceWord('even')],
      [featureWord('f4'), featureWord('f5')],
    ]).sort(),
  ).toEqual([4, 5]);
  expect(find(question, [[datasourceWord('even')], [featureWord('f5')]])).toEqual([]);
});

test('names that the stemmer takes for one word are different scopes', () => {
  const words = ['tests', 'tested', 'testing', 'test', 'Tests', 'te-sts', 'te_sts', 'te', 'ö', 'o'].flatMap((name) => [
    datasourceWord(name),
    featureWord(name),
  ]);
  expect(new Set(words).size).toBe(words.length);
  for (const word of words) expect(word).toMatch(/^[0-9a-f]{16}0$/);
});

test('the scope is not searched by the words of a question', () => {
  expect(find(datasourceWord('odd'))).toEqual([]);
});

test('any text at all is a valid query', () => {
  const random = seededRandom(11);
  const pieces = [
    '"',
    "'",
    '*',
    '^',
    '(',
    ')',
    '{',
    '}',
    ':',
    '-',
    '+',
    ',',
    '\\',
    '\0',
    '\n',
    '\u2028',
    ' ',
    ';',
    '--',
    '/*',
    'AND',
    'OR',
    'NOT',
    'NEAR',
    'NEAR/2',
    'a',
    'Ab',
    'aB_c',
    '1',
    '١',
    'é',
    'e\u0301',
    '\u0301',
    'ß',
    '漢字',
    'か',
    'हिन्दी',
    'ไทย',
    '한글',
    '👩‍👩‍👧',
    '\u{1f600}',
    '\ud800',
    '\udfff',
    '\ufeff',
    '\u200b',
    '\uffff',
    '\u{10ffff}',
    '\ue000',
    'x'.repeat(300),
    'text:',
    'scope:',
    '%',
    '_',
    '__',
  ];
  for (let round = 0; round < 5_000; round += 1) {
    const text = Array.from({ length: random.below(12) }, () => {
      return random.below(4) === 0 ? String.fromCharCode(random.below(0x10000)) : (pieces[random.below(pieces.length)] ?? '');
    }).join('');
    expect(() => find(text), JSON.stringify(text)).not.toThrow();
  }
});

test('ten thousand characters are a valid query with a bounded number of terms', () => {
  for (const text of [
    'a b c '.repeat(2_000),
    'word'.repeat(2_500),
    Array.from({ length: 2_000 }, (_, n) => `w${n}`).join(' '),
    '"'.repeat(10_000),
    'aB'.repeat(5_000),
    '漢'.repeat(10_000),
    'a_'.repeat(5_000),
  ]) {
    const terms = questionTerms(text);
    expect(terms.length).toBeLessThanOrEqual(256);
    expect(
      selectTerms(
        terms.map((term) => ({ ...term, passages: 1 })),
        { passages: 1_000 },
      ).searched.length,
    ).toBeLessThanOrEqual(32);
    expect(() => find(text)).not.toThrow();
  }
});

test('words that say nothing are left out, unless there are no others', () => {
  expect(wordsOf('How do I get the readme of a repository?')).toEqual(['readme', 'repository']);
  expect(wordsOf('what is this?')).toEqual(['what', 'is', 'this']);
  expect(wordsOf("don’t can't")).toEqual(['don', 't', 'can']);
  expect(wordsOf(' .,;!? ')).toEqual([]);
});

test('a word counts once, whatever its forms', () => {
  expect(questionTerms('test tests Testing TESTED').map((term) => term.stem)).toEqual(['test']);
});

test('terms are searched from the rarest on while what they cost together is within the budget', () => {
  expect(chosenOf(['often', 20_000], ['a', 10], ['b', 5], ['c', 4_000], ['also', 6_000])).toEqual(['b', 'a', 'c', 'also']);
  expect(chosenOf(['often', 20_000], ['most', 60_000])).toEqual(['often']);
  expect(chosenOf(['unknown', 0], ['a', 10])).toEqual(['a', 'unknown']);
});

test('terms that are left out are named, to be counted in what the others find', () => {
  const { leftOut, share } = selectionOf({ passages: 100_000 }, ['often', 20_000], ['rare', 10]);
  expect(leftOut.map(({ word }) => word)).toEqual(['often']);
  expect(share).toBe(1);
});

test('how many places a passage that matches has is foretold from how many passages have each word', () => {
  // Words of 2,000 passages, strewn by chance: counted, they stood in 22,445 places.
  const counts = [28, 392, 1_302, 1_672, 2_000].map((passages) => ({ passages }));
  expect(placesPerMatch(counts, 2_000)).toBeCloseTo(11.4, 1);
  expect(placesPerMatch([{ passages: 1 }], 1_000_000)).toBeCloseTo(1, 3);
  expect(placesPerMatch([{ passages: 0 }], 10)).toBe(0);
  expect(placesPerMatch([], 0)).toBe(0);
});

test('a question of one frequent word is asked of as much of the index as the budget allows', () => {
  expect(selectionOf({ passages: 100_000 }, ['often', 64_000]).share).toBeCloseTo(0.25);
  expect(selectionOf({ passages: 1_000_000 }, ['often', 60_000]).share).toBeCloseTo(0.5);
});

test('where few passages are looked at, a frequent word costs little and stays', () => {
  const { searched, share } = selectionOf({ passages: 100_000, narrowing: 0.01 }, ['often', 60_000], ['most', 80_000]);
  expect(searched.map(({ word }) => word)).toEqual(['often', 'most']);
  expect(share).toBe(1);
});
