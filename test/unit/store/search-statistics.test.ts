import { expect, test } from 'vitest';
import { KnownFrequencies, searchTotals } from '../../../host/store/search-statistics.ts';
import { addConnection, indexMore, temporaryDatabase, upsert } from './fixture.ts';

test('the generation of an index is another one after each change, also of one word for another', async () => {
  const database = await temporaryDatabase();
  const home = await addConnection(database);
  const generations: string[] = [];
  for (const text of ['the first words', 'the other words', 'the first words']) {
    await indexMore(database, home, [upsert('a', [text])]);
    const totals = await searchTotals(database, home.organisation);
    expect(totals).toMatchObject({ passages: 1 });
    generations.push(totals.generation);
  }
  expect(new Set(generations).size).toBe(3);
});

test('frequencies are known for one generation of one index', () => {
  const frequencies = new KnownFrequencies();
  frequencies.of('acme', 'one').set('"word"', 7);
  expect(frequencies.of('acme', 'one').get('"word"')).toBe(7);
  expect(frequencies.of('other', 'one').get('"word"')).toBeUndefined();
  expect(frequencies.of('acme', 'two').get('"word"')).toBeUndefined();
});
