import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { planQuestion, type QuestionPlan } from '../../../host/services/retrieval/question-plan.ts';
import { searchKeywords, type KeywordSearch } from '../../../host/services/retrieval/keyword-arm.ts';
import { searchByPlaces } from '../../../host/store/passage-ranking.ts';
import { EVERYTHING } from '../../../host/store/visibility.ts';
import { addConnection, indexMore, temporaryDatabase, upsert } from '../store/fixture.ts';

const WORDS = ['walrus', 'otter', 'heron', 'newt', 'tern', 'seal', 'getName', 'Größe', 'swimming', 'swims', 'the', 'x'];
const text = fc.array(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 40 }).map((words) => words.join(' '));
const question = fc.uniqueArray(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 8 }).map((words) => words.join(' '));

function searchOf(organisation: string, more: Partial<KeywordSearch> = {}): KeywordSearch {
  return { organisation, visibility: EVERYTHING, scope: { anyOf: [] }, filter: {}, k: 5, perDocument: 3, ...more };
}

test('passages ranked by the places of words are those that FTS5 ranks, with the same relevance', { timeout: 120_000 }, async () => {
  const database = await temporaryDatabase();
  const home = await addConnection(database);
  let round = 0;
  const property = fc.asyncProperty(
    fc.array(fc.array(text, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 12 }),
    fc.array(question, { minLength: 3, maxLength: 3 }),
    async (documents, questions) => {
      round += 1;
      // Documents of the round before are edited, and their old entries stand in the index with a mark that they are gone.
      await indexMore(
        database,
        home,
        documents.map((texts, index) => upsert(`d${index}`, texts, { title: WORDS[(index + round) % WORDS.length] ?? '' })),
      );
      for (const asked of questions) {
        const search = searchOf(home.organisation);
        const plan = await planQuestion(database, asked, search);
        const [byPlaces, byMatch] = await Promise.all(
          [true, false].map((places) => searchKeywords(database, search, { ...plan, byPlaces: places })),
        );
        // Sums of the same numbers in another order differ in their last digits, and so does the order of equals.
        const facts = (result: typeof byPlaces): string[] =>
          (result?.found ?? [])
            .map(({ candidate, score }) => `${candidate.keyword?.bm25.toPrecision(6)} ${score.toPrecision(6)} ${candidate.key}`)
            .toSorted();
        expect(facts(byPlaces)).toEqual(facts(byMatch));
      }
    },
  );
  await fc.assert(property, { numRuns: 25, seed: 7 });
});

test('what lies outside of a filter is passed over, however many passages before it are ranked higher', async () => {
  const database = await temporaryDatabase();
  const home = await addConnection(database);
  const common = Array.from({ length: 900 }, (_, index) => upsert(`near${index}`, ['walrus otter heron']));
  await indexMore(database, home, [...common, upsert('far', [`walrus otter heron ${'tern '.repeat(60)}`], { mediaType: 'text/x-rare' })]);
  const search = searchOf(home.organisation, { filter: { mediaTypes: ['text/x-rare'] } });
  const plan = await planQuestion(database, 'walrus otter heron', search);
  const { found } = await searchKeywords(database, search, { ...plan, byPlaces: true });
  expect(found.map(({ candidate }) => candidate.source.mediaType)).toEqual(['text/x-rare']);
});

test('passages stuffed with a word are left to FTS5, which does not hand over each place of it', async () => {
  const database = await temporaryDatabase();
  const home = await addConnection(database);
  const stuffed = Array.from({ length: 250 }, (_, index) => upsert(`d${index}`, ['walrus '.repeat(450)]));
  await indexMore(database, home, [...stuffed, upsert('real', ['a walrus and an otter'])]);
  const search = searchOf(home.organisation);
  const { organisation, visibility, filter } = search;
  const depth = { documents: 5, perDocument: 1, limit: 30, candidates: 200, mostCandidates: 10_000, share: 1 };
  const index = { passages: 251, averageLength: 450, weights: [1, 1, 1, 1, 0] };
  const rank = (...words: string[]): Promise<unknown> =>
    searchByPlaces(database, { organisation, visibility, filter, ...depth, words, index });
  expect(await rank('walru', 'otter')).toBeUndefined();
  expect(await rank('otter')).toHaveLength(1);
  const plan = await planQuestion(database, 'walrus otter', search);
  const { found } = await searchKeywords(database, search, plan);
  expect(found[0]?.candidate.text).toBe('a walrus and an otter');
});

test('places are read where passages hold few of them, and FTS5 ranks where most passages hold the words time and again', async () => {
  const database = await temporaryDatabase();
  const home = await addConnection(database);
  const passages = Array.from({ length: 200 }, (_, index) =>
    upsert(`d${index}`, [`walrus otter heron ${WORDS[index % 6]} tern${index % 20}`]),
  );
  await indexMore(database, home, passages);
  const planOf = (asked: string): Promise<QuestionPlan> => planQuestion(database, asked, searchOf(home.organisation));
  const [dense, sparse] = [await planOf('walrus otter heron'), await planOf('tern7 seal')];
  expect([dense.byPlaces, sparse.byPlaces]).toEqual([false, true]);
  // Which of the two it is changes what a question costs, and not what is looked for.
  expect(dense.selection.searched).toHaveLength(3);
});
