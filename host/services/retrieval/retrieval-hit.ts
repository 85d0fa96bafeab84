export interface RetrievalHit {
  /** 0 to 1, better is higher. */
  score: number;
  title: string;
  link: string;
  datasource: string;
  /** None for what a source answered itself. */
  feature: string | undefined;
  connection: string;
  /** A ULID; `live:` with the connection and the source's own id for what a source answered itself. */
  documentId: string;
  /** Headings above the passage, outermost first. */
  headings: string[];
  text: string;
  /** The part that answers, plain text. */
  snippet: string;
  /** Where the question's words stand in `snippet`: [start, end) in UTF-16 code units. */
  highlights: [number, number][];
  mediaType: string;
  /** Names of what contains the document, outermost first. */
  location: string[];
  author: string | undefined;
  createdAtMs: number | undefined;
  updatedAtMs: number | undefined;
  attributes: Record<string, string>;
  /** Of the passages that `text` is made of: 0 for the first of the document. */
  positions: number[];
  /** Documents that say the same. */
  duplicates: { documentId: string; connection: string; title: string; link: string }[];
  explanation: HitExplanation | undefined;
}

/** What the score of a hit is made of. */
export interface HitExplanation {
  /** Ways of searching that found it: the score that each gave, and what was added of it. */
  arms: { arm: 'keyword' | 'feedback' | 'vector' | 'live'; score: number; added: number }[];
  /** The sum of what was added. */
  fused: number;
  /** What the reranker said instead; undefined when none was asked. */
  reranked: number | undefined;
  /** What this was multiplied by for the document's age. */
  recency: number;
  /** By its words: `bm25`, what the text added to it, and the most that was possible. */
  keyword:
    | {
        bm25: number;
        near: number;
        inTitle: number;
        exact: number;
        often: number;
        repeated: number;
        frequent: number;
        bound: number;
      }
    | undefined;
}
