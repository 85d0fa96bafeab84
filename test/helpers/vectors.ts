import type { EmbeddingSettings, RerankSettings } from '../../host/domain/model-settings.ts';
import { createLog } from '../../host/log.ts';
import { createMetrics, type HostMetrics } from '../../host/services/record/metrics.ts';
import { createRetrieval } from '../../host/services/retrieval/retrieval.ts';
import type { RetrievalInput, RetrievalResult } from '../../host/services/retrieval/retrieval-service.ts';
import { openVectorParts, type VectorParts } from '../../host/services/vectors/vector-parts.ts';
import type { VectorStatus } from '../../host/services/vectors/vector-services.ts';
import type { Database } from '../../host/store/database.ts';
import { EVERYTHING, type Visibility } from '../../host/store/visibility.ts';

/** What one host does with vectors, on a database that others may have open too. */
export interface VectorHost {
  parts: VectorParts;
  metrics: HostMetrics;
  /** Makes what is missing. */
  make(): Promise<VectorStatus>;
  ask(question: string, more?: Partial<RetrievalInput>): Promise<RetrievalResult>;
  /** Everything that was logged so far. */
  logged(): string;
}

export interface VectorHostOptions {
  url: string;
  embeddings?: Partial<EmbeddingSettings>;
  rerank?: Partial<RerankSettings>;
  visibility?: Visibility;
}

export function openVectorHost(database: Database, options: VectorHostOptions): VectorHost {
  const { url, visibility = EVERYTHING } = options;
  const lines: string[] = [];
  const log = createLog({ level: 'debug', pretty: false, write: (line) => void lines.push(line) });
  const metrics = createMetrics({ sandboxProcesses: () => 0 });
  const parts = openVectorParts({
    database,
    embeddings: { ...EMBEDDINGS, url, ...options.embeddings },
    rerank: options.rerank === undefined ? undefined : { ...RERANK, url, ...options.rerank },
    metrics,
    log,
  });
  const retrieval = createRetrieval({
    database,
    visibility: { of: () => Promise.resolve({ visibility, person: undefined }) },
    ...parts.arms,
  });
  return {
    parts,
    metrics,
    make: () => parts.vectors.make(new AbortController().signal),
    ask: (question, more) => retrieval.retrieve({ organisation: 'acme', question, k: 10, ...more }),
    logged: () => lines.join(''),
  };
}

const EMBEDDINGS: Omit<EmbeddingSettings, 'url'> = {
  model: 'words',
  key: undefined,
  dimensions: undefined,
  batch: 32,
  documentPrefix: '',
  queryPrefix: '',
  queryTimeoutMs: 20_000,
};

const RERANK: Omit<RerankSettings, 'url'> = { model: 'ranks', key: undefined, style: 'cohere', top: 30, timeoutMs: 20_000 };
