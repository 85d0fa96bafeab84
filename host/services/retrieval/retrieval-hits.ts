import type { Group } from '../../retrieval/fold.ts';
import { plainText } from '../../retrieval/plain-text.ts';
import { makeSnippet, type SnippetWords } from '../../retrieval/snippet.ts';
import type { HitCandidate } from './keyword-arm.ts';
import type { HitExplanation, RetrievalHit } from './retrieval-hit.ts';

/** A group with what changed its score after everything was fused. */
export interface RankedGroup {
  group: Group<HitCandidate>;
  score: number;
  /** What the reranker said, if one was asked. */
  reranked: number | undefined;
  /** What age multiplied its score by. */
  recency: number;
}

export interface HitOptions {
  /** Of the question. */
  words: SnippetWords;
  explain: boolean;
}

/** A group as it is answered with. */
export function toHit({ group, score, recency, reranked }: RankedGroup, { words, explain }: HitOptions): RetrievalHit {
  const { candidate } = group.lead;
  const { source } = candidate;
  const text = group.passages.map((passage) => passage.text).join('\n\n');
  const positions = group.passages.flatMap(({ position }) => (position === undefined ? [] : [position]));
  return {
    score,
    title: source.title,
    link: source.link,
    datasource: source.datasource,
    feature: source.feature,
    connection: source.connection,
    documentId: source.documentId,
    headings: source.headings,
    text,
    ...makeSnippet(plainText(text, source.mediaType), words),
    mediaType: source.mediaType,
    location: source.location,
    author: source.author,
    createdAtMs: source.createdAtMs,
    updatedAtMs: source.updatedAtMs,
    attributes: source.attributes,
    positions,
    duplicates: group.duplicates.map((duplicate) => ({
      documentId: duplicate.source.documentId,
      connection: duplicate.source.connection,
      title: duplicate.source.title,
      link: duplicate.source.link,
    })),
    explanation: explain ? toExplanation(group, { recency, reranked }) : undefined,
  };
}

function toExplanation({ lead }: Group<HitCandidate>, { recency, reranked }: Pick<RankedGroup, 'recency' | 'reranked'>): HitExplanation {
  const { keyword } = lead.candidate;
  return {
    arms: lead.shares.map((share) => ({ ...share })),
    fused: lead.score,
    reranked,
    recency,
    keyword: keyword === undefined ? undefined : { bm25: keyword.bm25, ...keyword.closeness, bound: keyword.bound },
  };
}
