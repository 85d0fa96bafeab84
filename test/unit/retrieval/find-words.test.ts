import { expect, test } from 'vitest';
import { extraWords, foldWord, locatedWords } from '../../../host/domain/words.ts';
import { findWords, wantedWords } from '../../../host/retrieval/find-words.ts';
import { stem } from '../../../host/retrieval/stem.ts';
import { questionTerms } from '../../../host/retrieval/terms.ts';
import { seededRandom } from '../../helpers/random.ts';

function placesOf(text: string, question: string): string[] {
  return findWords(text, wantedWords(questionTerms(question))).found.map(({ start, end }) => text.slice(start, end));
}

test('words are found in every form, and parts of names by themselves', () => {
  expect(placesOf('She reads; he READ; readFile, HTTPServer, utf8Decoder', 'reading servers decoder')).toEqual([
    'reads',
    'READ',
    'read',
    'Server',
    'Decoder',
  ]);
});

test('what is found says where it stands among the words and whether it has the form of the question', () => {
  const { found, words } = findWords('Two keys rotate the key', wantedWords(questionTerms('keys')));
  expect(found.map(({ place, exact }) => ({ place, exact }))).toEqual([
    { place: 1, exact: true },
    { place: 4, exact: false },
  ]);
  expect(words).toBe(5);
});

test('any text gives the same words as the way that is slower and plain', () => {
  const random = seededRandom(3);
  const pieces = [
    'key',
    'Keys',
    'readFile',
    'read_file',
    'B12',
    '3',
    'y',
    'by',
    'Größe',
    '東京都',
    'é',
    '—',
    'µm',
    '. ',
    ' ',
    '\n',
    'KEYRead',
    'x3D',
    '𝒳',
    '\0',
  ];
  // Asked for time and again, as a question's words are of many texts.
  const questions = Array.from({ length: 50 }, () => {
    const terms = questionTerms(Array.from({ length: 4 }, () => pieces[random.below(pieces.length)]).join(' '));
    return { stems: new Set(terms.map((term) => term.stem)), wanted: wantedWords(terms) };
  });
  for (let round = 0; round < 2_000; round += 1) {
    const { stems, wanted } = questions[round % questions.length] ?? { stems: new Set(), wanted: wantedWords([]) };
    const text = Array.from({ length: random.below(12) }, () => pieces[random.below(pieces.length)]).join('');
    const plain = [...locatedWords(text)].filter(({ word }) => stems.has(stem(word))).map(({ start, end }) => `${start}-${end}`);
    expect(
      findWords(text, wanted).found.map(({ start, end }) => `${start}-${end}`),
      JSON.stringify(text),
    ).toEqual(plain);
  }
  // What both are held to: the words that the index is made of.
  expect(extraWords('readFile')).toContain(foldWord('read'));
});
