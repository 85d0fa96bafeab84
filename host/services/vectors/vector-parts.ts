import type { EmbeddingSettings, RerankSettings } from '../../domain/model-settings.ts';
import type { Log } from '../../log.ts';
import type { Database } from '../../store/database.ts';
import { createEmbeddingWork, type EmbeddingWork } from './embedding-work.ts';
import type { HostMetrics } from '../record/metrics.ts';
import { createReranking, type Reranking } from '../retrieval/reranking.ts';
import { createVectorArm, NO_VECTORS, type VectorArm } from '../retrieval/vector-arm.ts';
import { createSetEmbedder } from './vector-sets.ts';
import type { VectorService } from './vector-services.ts';
import { createVectors } from './vectors.ts';

export interface VectorPartsOptions {
  database: Database;
  embeddings: EmbeddingSettings | undefined;
  rerank: RerankSettings | undefined;
  metrics: HostMetrics;
  log: Log;
}

/** All that asks models. */
export interface VectorParts {
  /** For retrieval. */
  arms: { vectors: VectorArm; reranking: Reranking | undefined };
  vectors: VectorService;
  /** Makes vectors whenever there are passages without, until `signal` aborts. */
  keepVectors: EmbeddingWork['work'];
}

/** Wires them; nothing is asked and nothing begins. */
export function openVectorParts({ database, embeddings: settings, rerank, metrics, log }: VectorPartsOptions): VectorParts {
  const reranking = rerank === undefined ? undefined : createReranking({ settings: rerank, metrics, log });
  if (settings === undefined) {
    const vectors = createVectors({ database, settings, work: undefined });
    return { arms: { vectors: NO_VECTORS, reranking }, vectors, keepVectors: () => Promise.resolve() };
  }
  const embedder = createSetEmbedder({ settings, metrics });
  const work = createEmbeddingWork({ database, settings, embedder, metrics, log });
  return {
    arms: { vectors: createVectorArm({ database, settings, embedder, log }), reranking },
    vectors: createVectors({ database, settings, work }),
    keepVectors: work.work,
  };
}
