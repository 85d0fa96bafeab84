import type { ApiSchemas } from '../../generated/api.ts';
import type { RetrievalHit } from '../../services/retrieval/retrieval-hit.ts';
import type { RetrievalResult } from '../../services/retrieval/retrieval-service.ts';
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
