import { ModelFault } from '../../capabilities/model-endpoint.ts';
import { embeddedHash, embeddedText } from '../../domain/model-settings.ts';
import type { Database } from '../../store/database.ts';
import { knownHashes, type QueuedPassage, type QueueOutcome } from '../../store/vector-queue.ts';
import type { VectorSet } from '../../store/vector-sets.ts';
import type { SetEmbedder } from './vector-sets.ts';

export interface EmbedPassagesOptions {
  database: Database;
  embedder: SetEmbedder;
  set: VectorSet;
  timeoutMs: number;
  signal: AbortSignal;
}

/** A text with the passages that have it. */
interface Wanted {
  text: string;
  hash: Uint8Array;
  passages: QueuedPassage[];
}

/** A model that refuses a text may take the beginning of it: so much is tried before it is given up. */
const SHARES = [1, 0.5, 0.25] as const;

/**
 * Vectors for passages: what the organisation has the vector of already is taken from there, the same text is asked for once,
 * and a text that the model refuses costs no other one its vector. Throws what `SetEmbedder.embed` throws for everything else.
 */
export async function embedPassages(
  passages: readonly QueuedPassage[],
  options: EmbedPassagesOptions,
): Promise<{ outcomes: QueueOutcome[]; tokens: number }> {
  const outcomes: QueueOutcome[] = [];
  const wanted = await withoutKnown(passages, options, outcomes);
  let tokens = 0;
  const embedAll = async (part: readonly Wanted[]): Promise<void> => {
    if (part.length === 0) return;
    try {
      const found = await vectorsOf(part, 1, options);
      tokens += found.tokens;
      for (const [index, text] of part.entries()) outcomes.push(...made(text, found.vectors[index]));
    } catch (error) {
      if (!isInputFault(error)) throw error;
      if (part.length === 1 && part[0] !== undefined) {
        const alone = await embedAlone(part[0], options);
        tokens += alone.tokens;
        outcomes.push(...alone.outcomes);
        return;
      }
      const half = Math.ceil(part.length / 2);
      await embedAll(part.slice(0, half));
      await embedAll(part.slice(half));
    }
  };
  await embedAll(wanted);
  return { outcomes, tokens };
}

/** Texts to ask for, once each; what is known goes to `outcomes`. */
async function withoutKnown(
  passages: readonly QueuedPassage[],
  { database, set }: EmbedPassagesOptions,
  outcomes: QueueOutcome[],
): Promise<Wanted[]> {
  const wanted = new Map<string, Wanted>();
  for (const [organisation, own] of Map.groupBy(passages, (passage) => passage.organisation)) {
    const hashed = own.map((passage) => {
      const text = `${set.documentPrefix}${embeddedText(passage)}`;
      const hash = embeddedHash(text);
      return { passage, text, hash, key: Buffer.from(hash).toString('hex') };
    });
    const known = await knownHashes(
      database,
      set.id,
      organisation,
      hashed.map(({ key }) => key),
    );
    for (const { passage, text, hash, key } of hashed) {
      const first = wanted.get(`${organisation} ${key}`);
      if (known.has(key)) outcomes.push({ kind: 'same', passage, hash });
      else if (first !== undefined) first.passages.push(passage);
      else wanted.set(`${organisation} ${key}`, { text, hash, passages: [passage] });
    }
  }
  return [...wanted.values()];
}

async function embedAlone(wanted: Wanted, options: EmbedPassagesOptions): Promise<{ outcomes: QueueOutcome[]; tokens: number }> {
  let refusal: ModelFault | undefined;
  for (const share of SHARES.slice(1)) {
    try {
      const { vectors, tokens } = await vectorsOf([wanted], share, options);
      return { outcomes: made(wanted, vectors[0]), tokens };
    } catch (error) {
      if (!isInputFault(error)) throw error;
      refusal = error;
    }
  }
  // An endpoint that refuses everything is at fault itself: this throws what it says then.
  const { model, askedDimensions } = options.set;
  await options.embedder.probe({ model, askedDimensions }, options).catch((error: unknown) => {
    throw isInputFault(error) ? new ModelFault('misconfigured', error.message, { cause: error }) : error;
  });
  const fault = refusal?.message ?? 'it was refused';
  return { outcomes: wanted.passages.map((passage) => ({ kind: 'failed', passage, fault })), tokens: 0 };
}

async function vectorsOf(
  wanted: readonly Wanted[],
  share: number,
  { embedder, set, timeoutMs, signal }: EmbedPassagesOptions,
): Promise<{ vectors: Float32Array[]; tokens: number }> {
  const texts = wanted.map(({ text }) => text.slice(0, Math.ceil(text.length * share)).toWellFormed());
  const { vectors, tokens } = await embedder.embed(set, { texts, use: 'documents', timeoutMs, signal });
  const odd = vectors.find((vector) => vector.length !== set.dimensions);
  if (odd !== undefined) throw new ModelFault('misconfigured', `it gave a vector of ${odd.length} numbers instead of ${set.dimensions}`);
  return { vectors, tokens };
}

/** The first gets the vector, the others take it from there. */
function made({ hash, passages }: Wanted, vector: Float32Array | undefined): QueueOutcome[] {
  if (vector === undefined) throw new ModelFault('unusable', 'it gave no vector');
  return passages.map((passage, index) => (index === 0 ? { kind: 'made', passage, hash, vector } : { kind: 'same', passage, hash }));
}

function isInputFault(error: unknown): error is ModelFault {
  return error instanceof ModelFault && (error.kind === 'refused' || error.kind === 'unusable');
}
