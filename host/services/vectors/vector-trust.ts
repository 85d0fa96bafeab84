import type { Database } from '../../store/database.ts';
import type { VectorSet } from '../../store/vector-sets.ts';
import { sampleVectors, searchVectors } from '../../store/vectors.ts';
import { EVERYTHING } from '../../store/visibility.ts';
import type { SetEmbedder } from './vector-sets.ts';

const SAMPLES = 40;
/** Words of a passage that it is looked for by. */
const WORDS = 16;
/** Where it begins at the latest: models cut long passages off. */
const LATEST_WORD = 40;
/** It is found when it is among so many. By chance that happens to 5 of 50. */
const AMONG = 5;
/** With fewer samples that have words enough nothing is said. */
const LEAST_SAMPLES = 10;

export interface TrustOptions {
  database: Database;
  embedder: SetEmbedder;
}

/**
 * The share of sampled passages, 0 to 1, that are found by some of their own words. An embedder that means anything finds
 * nearly all; noise, a wrong prefix or a mixture of models does not. Undefined when there is too little to tell.
 */
export async function measureTrust(
  { database, embedder }: TrustOptions,
  set: VectorSet,
  limits: { timeoutMs: number; signal: AbortSignal },
): Promise<number | undefined> {
  const sampled = await sampleVectors(database, set.id, SAMPLES);
  const asked = sampled.flatMap(({ organisation, text }) => {
    const words = wordsOf(text);
    return words === undefined ? [] : [{ organisation, words }];
  });
  if (asked.length < LEAST_SAMPLES) return undefined;
  const texts = asked.map(({ words }) => `${set.queryPrefix}${words}`);
  const { vectors } = await embedder.embed(set, { texts, use: 'queries', ...limits });
  let found = 0;
  for (const [index, { organisation, words }] of asked.entries()) {
    const vector = vectors[index];
    if (vector === undefined) continue;
    const search = { organisation, set, vector, visibility: EVERYTHING, filter: {}, candidates: 200, perDocument: AMONG, limit: AMONG };
    // Where several passages hold these very words each is as good.
    if ((await searchVectors(database, search)).some(({ text }) => text.includes(words))) found += 1;
  }
  return found / asked.length;
}

/** As they stand in the text; undefined when it is too short to have a middle. */
function wordsOf(text: string): string | undefined {
  const words = [...text.matchAll(/\S+/g)];
  if (words.length < WORDS) return undefined;
  const from = Math.min(LATEST_WORD, Math.floor((words.length - WORDS) / 2));
  const first = words[from];
  const last = words[from + WORDS - 1];
  return first === undefined || last === undefined ? undefined : text.slice(first.index, last.index + last[0].length);
}
