import { embed } from '../../../host/capabilities/embedder.ts';
import type { EmbeddingSettings } from '../../../host/domain/model-settings.ts';
import { openDatabase } from '../../../host/store/database.ts';
import { listVectorSets } from '../../../host/store/vector-sets.ts';
import { searchVectors } from '../../../host/store/vectors.ts';
import { EVERYTHING } from '../../../host/store/visibility.ts';

/** The host's own vectors, asked for without HTTP and without anything but them. */
export interface VectorIndex {
  /** Links of the nearest, best first; the question's vector was made before. */
  query(question: string, limit: number): Promise<string[]>;
  close(): Promise<void>;
}

const QUESTIONS_PER_REQUEST = 32;
const REQUEST_TIMEOUT_MS = 60_000;
/** As `vector-arm.ts` has it. */
const CANDIDATES = 500;

/** `questions`: all that will be asked; their vectors are made here, so that `query` does not wait for the embedder. */
export async function openVectorIndex(file: string, settings: EmbeddingSettings, questions: readonly string[]): Promise<VectorIndex> {
  const vectors = new Map<string, Float32Array>();
  for (let from = 0; from < questions.length; from += QUESTIONS_PER_REQUEST) {
    const asked = questions.slice(from, from + QUESTIONS_PER_REQUEST);
    const texts = asked.map((question) => `${settings.queryPrefix}${question}`);
    const { model, dimensions } = settings;
    const made = await embed(settings, { model, dimensions, texts, timeoutMs: REQUEST_TIMEOUT_MS });
    for (const [at, question] of asked.entries()) vectors.set(question, made.vectors[at] ?? new Float32Array());
  }
  const database = await openDatabase({ file });
  const set = (await listVectorSets(database)).find(({ state }) => state === 'current');
  return {
    async query(question, limit) {
      const vector = vectors.get(question);
      if (set === undefined || vector === undefined) throw new Error('there is no vector of that question');
      const scope = { organisation: 'default', visibility: EVERYTHING, filter: {}, perDocument: 1 };
      const found = await searchVectors(database, { ...scope, set, vector, candidates: CANDIDATES, limit });
      return found.map(({ link }) => link);
    },
    close: () => database.close(),
  };
}
