import type { ApiSchemas } from '../../generated/api.ts';
import type { RetrievalHit } from '../../services/services.ts';
import { present, toOptionalTimestamp } from './present.ts';

export function toRetrievalBody({ hits, tookMs }: { hits: RetrievalHit[]; tookMs: number }): ApiSchemas['Retrieval'] {
  return { hits: hits.map(toHitBody), tookMs };
}

function toHitBody(hit: RetrievalHit): ApiSchemas['RetrievalHit'] {
  return present({
    score: hit.score,
    title: hit.title,
    link: hit.link,
    datasource: hit.datasource,
    feature: hit.feature,
    connection: hit.connection,
    documentId: hit.documentId,
    headings: hit.headings,
    text: hit.text,
    snippet: hit.snippet,
    highlights: hit.highlights,
    mediaType: hit.mediaType,
    author: hit.author,
    updatedAt: toOptionalTimestamp(hit.updatedAtMs),
  });
}
