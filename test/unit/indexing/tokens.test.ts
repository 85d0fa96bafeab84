import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, it } from 'vitest';
import { estimateTokens } from '../../../host/indexing/tokens.ts';

const ROOT = join(import.meta.dirname, '../../..');

/** The first sentences of the Universal Declaration of Human Rights, article 1, and what else people write. */
const TEXTS: readonly (readonly [name: string, text: string])[] = [
  ['English', 'All human beings are born free and equal in dignity and rights. They are endowed with reason and conscience.'],
  ['German', 'Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft und Gewissen begabt.'],
  ['French', 'Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont doués de raison et de conscience.'],
  ['Russian', 'Все люди рождаются свободными и равными в своем достоинстве и правах. Они наделены разумом и совестью.'],
  ['Chinese', '人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心,并应以兄弟关系的精神相对待。'],
  ['Japanese', 'すべての人間は、生れながらにして自由であり、かつ、尊厳と権利とについて平等である。'],
  ['Korean', '모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.'],
  ['Arabic', 'يولد جميع الناس أحرارا متساوين في الكرامة والحقوق. وقد وهبوا عقلا وضميرا.'],
  ['a table', Array.from({ length: 50 }, (_, row) => `| ${row} | Ann | 2026-01-${row} | ${row * 17}.50 |`).join('\n')],
];

const FILES = ['ARCHITECTURE.md', 'host/sandbox/sandbox-process.ts', 'package.json', 'wit/types.wit'];

describe('estimateTokens()', () => {
  it.each(TEXTS)('is within a quarter of what a tokeniser counts of %s', (_, text) => {
    expect(estimateTokens(text) / countTokens(text)).toBeGreaterThan(0.75);
    expect(estimateTokens(text) / countTokens(text)).toBeLessThan(1.25);
  });

  it.each(FILES)('is within a tenth of what a tokeniser counts of %s', async (file) => {
    const text = await readFile(join(ROOT, file), 'utf8');
    expect(estimateTokens(text) / countTokens(text)).toBeGreaterThan(0.9);
    expect(estimateTokens(text) / countTokens(text)).toBeLessThan(1.1);
  });

  it('never loses a text: some tokens for encoded bytes, emoji and other scripts, none for none', () => {
    expect(estimateTokens('')).toBe(0);
    const encoded = Buffer.from(Array.from({ length: 3_000 }, (_, at) => (at * 7_919 + at * at) % 256)).toString('base64');
    expect(estimateTokens(encoded) / countTokens(encoded)).toBeGreaterThan(0.5);
    expect(estimateTokens('😀🎉🚀')).toBeGreaterThanOrEqual(countTokens('😀🎉🚀'));
  });
});
