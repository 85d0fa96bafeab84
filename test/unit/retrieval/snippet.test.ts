import { expect, test } from 'vitest';
import { foldWord } from '../../../host/domain/words.ts';
import { plainText } from '../../../host/retrieval/plain-text.ts';
import { wantedWords } from '../../../host/retrieval/find-words.ts';
import { makeSnippet, type SnippetWords } from '../../../host/retrieval/snippet.ts';
import { stem } from '../../../host/retrieval/stem.ts';
import { seededRandom } from '../../helpers/random.ts';

const weigh = (...words: string[]) => weighAs(words.map((word) => [word, 1]));
const weighAs = (words: [word: string, weight: number][]): SnippetWords => ({
  terms: words.map(([, weight]) => ({ weight, times: 1, searched: true })),
  wanted: wantedWords(words.map(([word]) => ({ stem: stem(foldWord(word)), folded: foldWord(word) }))),
});
const marked = (text: string, words: SnippetWords) => {
  const { snippet, highlights } = makeSnippet(text, words);
  return highlights.map(([start, end]) => snippet.slice(start, end));
};
const filler = (words: number) => 'lorem ipsum dolor sit amet. '.repeat(Math.ceil(words / 5));

test('a short text is its own snippet, with the words of the question marked in any form', () => {
  const { snippet, highlights } = makeSnippet('The runners run. Running is fun.', weigh('run'));
  expect(snippet).toBe('The runners run. Running is fun.');
  expect(highlights.map(([start, end]) => snippet.slice(start, end))).toEqual(['run', 'Running']);
});

test('of a long text it is the stretch with the most different words, cut at words and marked as cut', () => {
  const text = `${filler(100)}Vitamin vitamin vitamin. ${filler(100)}The homocysteine level falls with vitamin B12. ${filler(100)}`;
  const { snippet, highlights } = makeSnippet(text, weigh('vitamin', 'homocysteine', 'b12'));
  expect(snippet).toMatch(/^….*The homocysteine level falls with vitamin B12\..*…$/);
  expect(highlights.map(([start, end]) => snippet.slice(start, end))).toEqual(['homocysteine', 'vitamin', 'B12']);
  expect(snippet.length).toBeLessThanOrEqual(322);
  // What was cut off on either side begins and ends at a space.
  expect(` ${text} `).toContain(` ${snippet.slice(1, -1)} `);
});

test('rarer words weigh more than many common ones', () => {
  const text = `${filler(40)} common usual plain ${filler(100)} unique ${filler(40)}`;
  const words = weighAs([
    ['common', 1],
    ['usual', 1],
    ['plain', 1],
    ['unique', 5],
  ]);
  expect(marked(text, words)).toEqual(['unique']);
});

test('parts of names, other scripts and letters of two code units are marked where they stand', () => {
  expect(marked('💥 call readFile now', weigh('file'))).toEqual(['File']);
  expect(marked('💥 call readFile now', weigh('read', 'file'))).toEqual(['readFile']);
  expect(marked('天気は東京都です', weigh('東京', '京都'))).toEqual(['東京都']);
  expect(marked('𝒜𝒷 Größe, Gro\u0308ßen', weigh('GRÖSSE'))).toEqual([]);
  expect(marked('𝒜𝒷 Größe, Gro\u0308ße', weigh('Größe'))).toEqual(['Größe', 'Gro\u0308ße']);
});

test('without a match it is the beginning', () => {
  const { snippet, highlights } = makeSnippet(filler(200), weigh('nothing'));
  expect(snippet.startsWith('lorem ipsum')).toBe(true);
  expect(snippet.endsWith('…')).toBe(true);
  expect(highlights).toEqual([]);
  expect(makeSnippet('', weigh('x'))).toEqual({ snippet: '', highlights: [] });
});

test('whatever the text, highlights lie inside the snippet, in order, apart, and cut no character', () => {
  const random = seededRandom(5);
  const pieces = [
    'run',
    'running ',
    'readFile ',
    'x'.repeat(400),
    '💥',
    '漢字',
    '\ud800',
    'é',
    ' ',
    '. ',
    '\n',
    '_',
    'RUN_file',
    '"',
    'ab'.repeat(200),
  ];
  const words = weigh('run', 'file', '漢字', 'x'.repeat(400));
  for (let round = 0; round < 3_000; round += 1) {
    const text = Array.from({ length: random.below(80) }, () => pieces[random.below(pieces.length)]).join('');
    const { snippet, highlights } = makeSnippet(text, words);
    expect(snippet.length).toBeLessThanOrEqual(Math.max(402, 322));
    let last = -1;
    for (const [start, end] of highlights) {
      expect(start).toBeGreaterThan(last);
      expect(end).toBeGreaterThan(start);
      expect(end).toBeLessThanOrEqual(snippet.length);
      last = end;
    }
    if (text.isWellFormed()) expect(snippet.isWellFormed(), JSON.stringify(text)).toBe(true);
  }
});

test('markdown is read as plain text, code is left as it is', () => {
  const markdown =
    '## Set up\n\nUse `npm ci` and **then** the [guide](https://example.com/a "b"):\n\n```ts\nconst a = b ** 2;\n```\n\n> ![logo](x.png) *quoted*';
  expect(plainText(markdown, 'text/markdown; charset=utf-8')).toBe('Set up Use npm ci and then the guide: const a = b ** 2; logo quoted');
  expect(plainText('a **= `b`\n  # c', 'text/x-python')).toBe('a **= `b` # c');
});

test('hostile markdown takes no time', () => {
  for (const text of [
    '['.repeat(50_000),
    '![a]('.repeat(10_000),
    '> '.repeat(25_000),
    '*'.repeat(50_000),
    '`'.repeat(50_000),
    `[a](${' '.repeat(50_000)}`,
    ' '.repeat(50_000),
  ]) {
    const startedMs = performance.now();
    makeSnippet(plainText(text, 'text/markdown'), weigh('a'));
    expect(performance.now() - startedMs).toBeLessThan(2_000);
  }
});
