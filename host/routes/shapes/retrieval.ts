import type { ApiSchemas } from '../../generated/api.ts';
import type { RetrievalHit, RetrievalResult } from '../../services/services.ts';
import { present, toOptionalTimestamp } from './present.ts';

export function toRetrievalBody({ hits, failures, missing, timings, tookMs }: RetrievalResult): ApiSchemas['Retrieval'] {
  return present({ hits: hits.map(toHitBody), failures, missing, timings, tookMs });
}

function toHitBody({ createdAtMs, updatedAtMs, explanation, ...hit }: RetrievalHit): ApiSchemas['RetrievalHit'] {
  return present({
    ...hit,
    createdAt: toOptionalTimestamp(createdAtMs),
    updatedAt: toOptionalTimestamp(updatedAtMs),
    explanation: explanation === undefined ? undefined : present(explanation),
  });
}
