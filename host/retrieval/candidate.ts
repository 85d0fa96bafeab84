/** Something that may become a hit, from whichever way of searching. */
export interface Candidate {
  /** The same for the same passage in every way of searching. */
  key: string;
  /** The same for all passages of one document. */
  document: string;
  /** Of the passage in its document: 0 for the first. Undefined when there is nothing to be a neighbour of. */
  position: number | undefined;
  text: string;
  /** When the document last changed at the source. */
  updatedAtMs: number | undefined;
}

/** A way of searching. The place for another one is a file that gives an `ArmResult`, and a line in services/retrieval.ts. */
export type ArmName = 'keyword' | 'feedback' | 'vector' | 'live';

/** What one way of searching found. */
export interface ArmResult<C extends Candidate> {
  arm: ArmName;
  /** How much it counts beside the others: 0 to 1. */
  weight: number;
  /** The score from which on something counts beside other arms; 0 when left out. */
  floor?: number;
  /** Scores lie from 0 to 1. */
  found: readonly { candidate: C; score: number }[];
}

/** What a candidate got from one way of searching. */
export interface ArmShare {
  arm: ArmName;
  /** As the arm gave it. */
  score: number;
  /** As it was added: 0 to `weight`. */
  added: number;
}

/** A candidate with its score, 0 to 1, and what that is made of. */
export interface Scored<C extends Candidate> {
  candidate: C;
  score: number;
  shares: readonly ArmShare[];
}
