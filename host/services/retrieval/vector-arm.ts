import { ModelFault } from '../../capabilities/model-endpoint.ts';
import type { EmbeddingSettings } from '../../domain/model-settings.ts';
import type { Log } from '../../log.ts';
import type { ArmResult } from '../../retrieval/candidate.ts';
import type { Database } from '../../store/database.ts';
import { listVectorSets, type VectorSet } from '../../store/vector-sets.ts';
import { searchVectors } from '../../store/vectors.ts';
import { toCandidate, type HitCandidate, type KeywordSearch } from './keyword-arm.ts';
import type { MissingPart } from './retrieval-service.ts';
import { OtherFingerprintError, type SetEmbedder } from '../vectors/vector-sets.ts';

/**
 * Beside words that say all they can. One choice for all collections and models: docs/adr/0034-fused-by-distribution.md has what was
 * measured.
 */
const WEIGHT = 0.8;

/** A set whose passages are found by their own words less often than this is noise. */
export const LEAST_TRUST = 0.5;

/** Passages that are compared exactly, of those whose signs are nearest: with 512 numbers and 200 of them .993 of the true ten are found. */
const CANDIDATES = 500;

/** Passages that it gives; the last of them says where nearness begins to mean something. */
const FOUND = 100;

/** After so many failures in a row the endpoint is left alone for a while, so that questions need not wait for their deadline. */
const FAILURES = 3;
const LEFT_ALONE_MS = 10_000;

export interface VectorSearchInput extends KeywordSearch {
  question: string;
  datasources?: readonly string[] | undefined;
  features?: readonly string[] | undefined;
}

/** Finds passages by what they mean. Never rejects for the embedder's fault. */
export interface VectorArm {
  search(input: VectorSearchInput): Promise<{ arm: ArmResult<HitCandidate> } | { missing: MissingPart }>;
}

export interface VectorArmOptions {
  database: Database;
  settings: EmbeddingSettings;
  embedder: SetEmbedder;
  log: Log;
}

/** For a host without an embedder. */
export const NO_VECTORS: VectorArm = {
  search: () => Promise.resolve({ missing: lost('not-configured', 'No embedder is set up: passages are found by their words alone.') }),
};

export function createVectorArm({ database, settings, embedder, log }: VectorArmOptions): VectorArm {
  let failures = 0;
  let leftAloneUntilMs = 0;

  async function vectorOf(set: VectorSet, question: string): Promise<Float32Array> {
    const texts = [`${set.queryPrefix}${question}`];
    const { vectors } = await embedder.embed(set, { texts, use: 'queries', timeoutMs: settings.queryTimeoutMs });
    const [vector] = vectors;
    if (vector === undefined || vector.length !== set.dimensions) throw new OtherFingerprintError();
    return vector;
  }

  return {
    async search(input) {
      const set = (await listVectorSets(database)).find(({ state }) => state === 'current');
      if (set === undefined)
        return { missing: lost('not-ready', 'Vectors are being made: until they are complete passages are found by their words alone.') };
      if (set.trust !== undefined && set.trust < LEAST_TRUST)
        return { missing: lost('not-fit', 'The embedder does not find passages by their own words, so it is not asked.') };
      if (Date.now() < leftAloneUntilMs)
        return { missing: lost('failed', 'The embedder failed several times and is left alone for a moment.') };
      try {
        const vector = await vectorOf(set, input.question);
        failures = 0;
        return { arm: await nearest(database, set, vector, input) };
      } catch (error) {
        if (error instanceof OtherFingerprintError)
          return { missing: lost('other-fingerprint', `The vectors are not used: ${error.message}.`) };
        if (!(error instanceof ModelFault)) throw error;
        failures += 1;
        if (failures % FAILURES === 0) leftAloneUntilMs = Date.now() + LEFT_ALONE_MS;
        log.warn('a question could not be embedded', { kind: error.kind, reason: error.message });
        return { missing: lost(error.kind === 'timed-out' ? 'timed-out' : 'failed', `The embedder was not of use: ${error.message}.`) };
      }
    },
  };
}

async function nearest(
  database: Database,
  set: VectorSet,
  vector: Float32Array,
  input: VectorSearchInput,
): Promise<ArmResult<HitCandidate>> {
  const { question, k, scope, ...search } = input;
  const limit = Math.max(FOUND, k);
  const found = await searchVectors(database, { ...search, set, vector, candidates: Math.max(CANDIDATES, limit), limit });
  // The passages beyond the list are no nearer than its last one: so near is no merit.
  const floor = found.at(-1)?.relevance ?? 0;
  return {
    arm: 'vector',
    weight: WEIGHT,
    floor,
    found: found.map((passage) => ({ candidate: toCandidate(passage), score: Math.min(1, passage.relevance) })),
  };
}

function lost(code: MissingPart['code'], message: string): MissingPart {
  return { part: 'vectors', code, message };
}
