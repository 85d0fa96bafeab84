import { createLorelaiConnections, type LorelaiConnectionsOptions } from './lorelai-connections.ts';
import { createLorelaiIndexing, type LorelaiIndexingOptions } from './lorelai-indexing.ts';
import { createLorelaiRetrieval, type LorelaiRetrievalOptions } from './lorelai-retrieval.ts';
import type { LorelaiService } from './lorelai-services.ts';

type LorelaiOptions = LorelaiRetrievalOptions & LorelaiIndexingOptions & LorelaiConnectionsOptions;

/** Lorelai's words for what the other services do: nothing is decided here that they do not decide. */
export function createLorelai(options: LorelaiOptions): LorelaiService {
  return { ...createLorelaiRetrieval(options), ...createLorelaiIndexing(options), ...createLorelaiConnections(options) };
}
