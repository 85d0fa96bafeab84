import { expect, onTestFinished, test } from 'vitest';
import type { KeywordSearch } from '../../../host/services/retrieval/keyword-arm.ts';
import { EVERYTHING } from '../../../host/store/visibility.ts';
import { meanQuality, qualityOf } from '../../bench/retrieval/measures.ts';
import { hashedWords, noise, startModelServer, type Embed, type Meanings } from '../../helpers/model-server.ts';
import { openVectorHost, type VectorHost } from '../../helpers/vectors.ts';
import { addConnection, index, temporaryDatabase, upsert } from '../store/fixture.ts';

/** Words that mean the same. Documents use the first two of a line, questions the other two. */
const MEANINGS: Meanings = [
  ['invoice', 'bill', 'statement', 'receipt'],
  ['customer', 'client', 'buyer', 'purchaser'],
  ['lorry', 'truck', 'hauler', 'juggernaut'],
  ['engine', 'motor', 'powerplant', 'drivetrain'],
  ['doctor', 'physician', 'medic', 'surgeon'],
  ['illness', 'sickness', 'disease', 'ailment'],
  ['holiday', 'vacation', 'leave', 'furlough'],
  ['boss', 'manager', 'supervisor', 'superior'],
  ['salary', 'wages', 'pay', 'earnings'],
  ['house', 'building', 'dwelling', 'residence'],
  ['kitchen', 'canteen', 'galley', 'cookhouse'],
  ['warehouse', 'depot', 'storehouse', 'stockroom'],
  ['theft', 'robbery', 'larceny', 'burglary'],
  ['police', 'constable', 'officer', 'gendarme'],
  ['ship', 'vessel', 'boat', 'freighter'],
  ['harbour', 'port', 'quay', 'marina'],
  ['contract', 'agreement', 'deal', 'covenant'],
  ['lawyer', 'attorney', 'solicitor', 'counsel'],
  ['fire', 'blaze', 'inferno', 'conflagration'],
  ['student', 'pupil', 'learner', 'trainee'],
];

interface Written {
  id: string;
  text: string;
  code: string;
  /** Rows of `MEANINGS` that it is about. */
  about: readonly [number, number, number];
}

const FILLER = 'This note was written down so that everybody who comes later finds again what was decided at the time';

function word(row: number, form: number): string {
  return MEANINGS[row % MEANINGS.length]?.[form] ?? '';
}

/** Each about three things of its own choice, and with a code that stands nowhere else. */
const DOCUMENTS: readonly Written[] = Array.from({ length: 60 }, (_, at) => {
  const about = [at % 20, (at * 7 + 3 + Math.floor(at / 20)) % 20, (at * 3 + 11 + 5 * Math.floor(at / 20)) % 20] as const;
  const code = `QX-${7_000 + at * 13}`;
  const [first, second, third] = about;
  const text = `${FILLER}. The ${word(first, 0)} and the ${word(second, at % 2)} were seen with the ${word(third, 1)}, filed under ${code}.`;
  return { id: `d${at}`, text, code, about };
});

/** In other words than the document has. */
const BY_MEANING = DOCUMENTS.filter((_, at) => at % 2 === 0).map(
  ({ id, about: [first, second, third] }) => [`which ${word(first, 2)} had a ${word(second, 3)} near some ${word(third, 2)}`, id] as const,
);

/** By the code alone, beside a word that leads elsewhere for whoever knows what it means. */
const BY_CODE = DOCUMENTS.filter((_, at) => at % 2 === 1).map(
  ({ id, code, about }) => [`what became of ${code} after that ${word(about[0] + 5, 2)}`, id] as const,
);

const QUESTIONS = [...BY_MEANING, ...BY_CODE];

/** It knows what words mean, and nothing of codes. */
const GOOD = hashedWords(MEANINGS, (known) => !/\d/.test(known));

async function hostWith(embed: Embed): Promise<VectorHost> {
  const server = await startModelServer(embed);
  onTestFinished(() => server.close());
  const database = await temporaryDatabase();
  const home = await addConnection(database);
  await index(
    database,
    home,
    DOCUMENTS.map(({ id, text }) => upsert(id, [text], { title: `Note ${id}` })),
  );
  const host = openVectorHost(database, { url: server.url });
  const status = await host.make();
  expect(status.sets).toMatchObject([{ state: 'current', vectors: 60, waiting: 0 }]);
  return host;
}

async function quality(
  questions: readonly (readonly [string, string])[],
  rank: (question: string) => Promise<readonly string[]>,
): Promise<number> {
  const qualities = [];
  for (const [question, id] of questions) {
    const found = qualityOf(await rank(question), new Map([[id, 1]]));
    if (found !== undefined) qualities.push(found);
  }
  return meanQuality(qualities).ndcgAt10;
}

function ids(links: readonly { link: string }[]): string[] {
  return links.map(({ link }) => link.slice(link.lastIndexOf('/') + 1));
}

function rankings(host: VectorHost): Record<'words' | 'vectors' | 'both', (question: string) => Promise<string[]>> {
  const search: KeywordSearch = { organisation: 'acme', visibility: EVERYTHING, scope: { anyOf: [] }, filter: {}, k: 10, perDocument: 1 };
  return {
    words: async (question) => ids((await host.ask(question, { vectors: false })).hits),
    vectors: async (question) => {
      const found = await host.parts.arms.vectors.search({ ...search, question });
      return 'arm' in found ? ids(found.arm.found.map(({ candidate }) => candidate.source)) : [];
    },
    both: async (question) => ids((await host.ask(question)).hits),
  };
}

test('where words find one half and vectors the other, both together are better than either, over all and close to the better one in each half', async () => {
  const { words, vectors, both } = rankings(await hostWith(GOOD));
  const all = { words: await quality(QUESTIONS, words), vectors: await quality(QUESTIONS, vectors), both: await quality(QUESTIONS, both) };
  const meaning = {
    vectors: await quality(BY_MEANING, vectors),
    words: await quality(BY_MEANING, words),
    both: await quality(BY_MEANING, both),
  };
  const code = { vectors: await quality(BY_CODE, vectors), words: await quality(BY_CODE, words), both: await quality(BY_CODE, both) };
  // The collection does what it is for.
  expect(meaning.vectors).toBeGreaterThan(meaning.words + 0.3);
  expect(code.words).toBeGreaterThan(code.vectors + 0.3);
  expect(all.both).toBeGreaterThan(Math.max(all.words, all.vectors) + 0.2);
  expect(meaning.both).toBeGreaterThan(meaning.vectors - 0.05);
  expect(code.both).toBeGreaterThan(code.words - 0.05);
});

test('an embedder that means nothing is measured, not used, and told of', async () => {
  const host = await hostWith(noise);
  const { words, both } = rankings(host);
  expect(await quality(QUESTIONS, both)).toBeGreaterThanOrEqual((await quality(QUESTIONS, words)) - 0.02);
  const [set] = (await host.parts.vectors.status()).sets;
  expect(set?.trust).toBeLessThan(0.5);
  expect((await host.ask('what became of it')).missing).toMatchObject([{ part: 'vectors', code: 'not-fit' }]);
});

test('a poor embedder, worse than the words alone, costs little', async () => {
  // It forgets two words of three, and knows no meanings.
  const poor = hashedWords([], (known) => known.length % 3 === 0 && !/\d/.test(known));
  const { words, vectors, both } = rankings(await hostWith(poor));
  const alone = await quality(QUESTIONS, words);
  expect(await quality(QUESTIONS, vectors)).toBeLessThan(alone - 0.1);
  expect(await quality(QUESTIONS, both)).toBeGreaterThanOrEqual(alone - 0.02);
});

test('a long document whose passages are all nearest keeps no other document out of what vectors find', async () => {
  const server = await startModelServer(GOOD);
  onTestFinished(() => server.close());
  const database = await temporaryDatabase();
  const home = await addConnection(database);
  const long = Array.from({ length: 260 }, (_, page) => `invoice customer lorry, page ${page}`);
  const others = Array.from({ length: 30 }, (_, at) => upsert(`other${at}`, [`${FILLER}. The invoice of ${at}.`]));
  await index(database, home, [upsert('long', long), ...others]);
  const host = openVectorHost(database, { url: server.url });
  await host.make();
  const found = await rankings(host).vectors('statement for a buyer with a hauler');
  expect(found[0]).toBe('long');
  expect(new Set(found).size).toBe(31);
});
