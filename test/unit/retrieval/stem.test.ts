import Libsql from 'libsql';
import { expect, onTestFinished, test } from 'vitest';
import { foldWord } from '../../../host/domain/words.ts';
import { stem } from '../../../host/retrieval/stem.ts';
import { seededRandom } from '../../helpers/random.ts';

/** What FTS5 makes of each word; a word that it splits has several. */
function indexed(words: string[]): string[] {
  const database = new Libsql(':memory:');
  onTestFinished(() => void database.close());
  database.exec(`CREATE VIRTUAL TABLE entries USING fts5 (text, tokenize = 'porter unicode61 remove_diacritics 2');
    CREATE VIRTUAL TABLE words USING fts5vocab (entries, instance);`);
  const insert = database.prepare('INSERT INTO entries (rowid, text) VALUES (?, ?)');
  database.exec('BEGIN');
  words.forEach((word, id) => insert.run([BigInt(id), word]));
  database.exec('COMMIT');
  const rows = database.prepare('SELECT doc, term FROM words ORDER BY doc, offset').all([]) as { doc: number; term: string }[];
  const found: string[][] = words.map(() => []);
  for (const { doc, term } of rows) found[doc]?.push(term);
  return found.map((terms) => terms.join(' '));
}

const SUFFIXES = `s es ies sses ed eed ing at bl iz y ational tional enci anci izer logi bli alli entli eli ousli ization ation ator
  alism iveness fulness ousness aliti iviti biliti icate ative alize iciti ical ful ness al ance ence er ic able ible ant ement ment
  ent sion tion ion ou ism ate iti ous ive ize e ll`.split(/\s+/);

test('stem gives the word that FTS5 has in its index, for any word', () => {
  const random = seededRandom(3);
  const letters = 'aeiouybcdflmnrstwxz';
  const made = Array.from({ length: 20_000 }, () => {
    const root = Array.from({ length: random.below(7) }, () => letters[random.below(letters.length)]).join('');
    return (
      root +
      (SUFFIXES[random.below(SUFFIXES.length)] ?? '') +
      (random.below(3) === 0 ? (SUFFIXES[random.below(SUFFIXES.length)] ?? '') : '')
    );
  });
  const given = ['a', 'is', 'relational', 'hopping', 'sky', 'happy', 'syzygy', 'controlling', 'feed', 'agreed', 'a1s', '2024s'];
  const long = [59, 60, 61, 62, 63, 64, 65].map((length) => `${'k'.repeat(length)}ings`);
  const words = [...new Set([...SUFFIXES, ...made, ...given, ...long])];
  expect(words.map(stem)).toEqual(indexed(words));
});

test('foldWord and stem give the word that FTS5 has in its index, in other scripts too', () => {
  const words = [
    'Größe',
    'NAÏVES',
    'Ångström',
    'e\u0301te\u0301s',
    'Straße',
    'ΛΌΓΟΣ',
    'λόγος',
    'Größen',
    'Москва',
    'синий',
    'ёлка',
    'Ἀθῆναι',
    'İstanbul',
    'đi',
    '东京都',
    '한국어',
    'مرحبا',
    'ﬁn',
    '𝒜x',
    'Ｆｕｌｌ',
  ];
  expect(words.map((word) => stem(foldWord(word)))).toEqual(indexed(words));
});
