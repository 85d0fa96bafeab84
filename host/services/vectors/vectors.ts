import { ModelFault } from '../../capabilities/model-endpoint.ts';
import { RequestError } from '../../domain/errors.ts';
import { fingerprintOf, type EmbeddingSettings } from '../../domain/model-settings.ts';
import { recordChange } from '../../store/changes.ts';
import type { Database } from '../../store/database.ts';
import { queueCounts } from '../../store/vector-queue.ts';
import { listVectorSets, type VectorSet } from '../../store/vector-sets.ts';
import type { EmbeddingWork } from './embedding-work.ts';
import { LEAST_TRUST } from '../retrieval/vector-arm.ts';
import type { VectorService, VectorSetStatus, VectorStatus } from './vector-services.ts';
import { isWanted } from './vector-sets.ts';

export interface VectorServiceOptions {
  database: Database;
  settings: EmbeddingSettings | undefined;
  work: EmbeddingWork | undefined;
}

export function createVectors({ database, settings, work }: VectorServiceOptions): VectorService {
  async function status(): Promise<VectorStatus> {
    const kept = (await listVectorSets(database)).filter(({ state }) => state !== 'retired').toReversed();
    const sets = await Promise.all(kept.map(async (set) => toStatus(set, await queueCounts(database, set))));
    const embedder = settings === undefined ? undefined : { model: settings.model, dimensions: settings.dimensions };
    return { embedder, sets: sets.toSorted((a) => (a.state === 'current' ? -1 : 1)), lost: lostOf(settings, kept) };
  }

  return {
    status,
    async summary() {
      const sets = await listVectorSets(database).catch(() => undefined);
      if (sets === undefined) return 'not known';
      const building = sets.find(({ state }) => state === 'building');
      const share = building === undefined ? [] : [`${building.made} of ${Math.max(building.made, building.backlog)} made`];
      return [...share, lostOf(settings, sets) ?? 'passages are found by their words and by what they mean'].join('; ');
    },
    async reembed(actor) {
      if (work === undefined) throw missingEmbedder();
      try {
        await work.begin(new AbortController().signal);
      } catch (error) {
        if (!(error instanceof ModelFault)) throw error;
        throw new RequestError('UPSTREAM_FAULT', `The embedder cannot be used: ${error.message}.`, {
          remedy: 'See LORELAI_EMBEDDINGS_URL, LORELAI_EMBEDDINGS_MODEL and the key, and whether the endpoint is up.',
          cause: error,
        });
      }
      const now = await status();
      const building = now.sets.find(({ state }) => state === 'building');
      const after = building === undefined ? {} : { model: building.model, dimensions: building.dimensions };
      await recordChange(database, { actor, organisation: undefined, action: 'vectors.reembed', target: 'vectors', after });
      return now;
    },
    async make(signal) {
      if (work === undefined) throw missingEmbedder();
      await work.work({ signal, untilIdle: true });
      return status();
    },
  };
}

function toStatus(
  set: VectorSet,
  counts: { vectors: number; waiting: number; failed: number; fault: string | undefined },
): VectorSetStatus {
  const { model, dimensions, tokens, trust, waitUntilMs, createdAtMs, readyAtMs } = set;
  const { vectors, waiting, failed } = counts;
  const fault = set.fault ?? counts.fault;
  const state = set.state === 'current' ? 'current' : 'building';
  const fingerprint = fingerprintOf(set);
  return { model, dimensions, fingerprint, state, vectors, waiting, failed, tokens, trust, fault, waitUntilMs, createdAtMs, readyAtMs };
}

function lostOf(settings: EmbeddingSettings | undefined, sets: readonly VectorSet[]): string | undefined {
  const alone = 'passages are found by their words alone, not by what they mean';
  if (settings === undefined) return `No embedder is set up: ${alone}.`;
  const current = sets.find(({ state }) => state === 'current');
  if (current === undefined) return `Vectors are being made: until they are complete ${alone}.`;
  if (current.trust !== undefined && current.trust < LEAST_TRUST)
    return `The embedder does not find passages by their own words: ${alone}.`;
  if (isWanted(current, settings)) return undefined;
  return `Vectors of ${settings.model} are being made: until they are complete those of ${current.model} are used as long as the endpoint serves it.`;
}

function missingEmbedder(): RequestError {
  return new RequestError('EMBEDDER_MISSING', 'This host has no embedder.', {
    remedy: 'Set LORELAI_EMBEDDINGS_URL and LORELAI_EMBEDDINGS_MODEL, and start it anew.',
  });
}
