import type { Failure } from '../../domain/document.ts';
import type { RetrievalHit } from './retrieval-hit.ts';
import type { Asker } from './visibility.ts';

export interface RetrievalInput {
  organisation: string;
  /** Any text. */
  question: string;
  /** 1 to 100. */
  k: number;
  datasources?: string[];
  features?: string[];
  connections?: string[];
  /** `text/markdown`, or `text/*` for all of a kind. */
  mediaTypes?: string[];
  /** Documents that changed at the source at this time or later. */
  updatedFromMs?: number;
  /** And before this one. */
  updatedBeforeMs?: number;
  /** Of each attribute one of the values. */
  attributes?: Record<string, string[]>;
  /** Hits of one document: 1 to 10, 1 when left out. */
  perDocument?: number;
  /** Whether what says the same as a better hit is folded into it; true when left out. */
  fold?: boolean;
  /** 0 to 1: how much hits should differ from each other; 0 when left out. */
  diversity?: number;
  /** 0 to 1: how much newer documents come first; 0 when left out. */
  recency?: number;
  /** Whether words that the best passages share are searched for too. */
  feedback?: boolean;
  /** Also asks datasources that can search their source themselves; all together have so long. */
  live?: { deadlineMs: number };
  /** Whether passages are found by what they mean too, where an embedder is set up; true when left out. */
  vectors?: boolean;
  /** Whether a reranker looks at the best, where one is set up; true when left out. */
  rerank?: boolean;
  /** Whether each hit says what its score is made of. */
  explain?: boolean;
  /** Whether the answer says what its stages took. */
  timings?: boolean;
  /** Who asks, and for whom. Left out: nobody, who sees public documents only. */
  asker?: Asker;
}

/** A source that was asked and did not answer. */
export interface SourceFailure {
  connection: string;
  datasource: string;
  code: 'timed-out' | Failure['kind'];
  message: string;
}

/** A part of the host that could have made the answer better, and why it did not. */
export interface MissingPart {
  part: 'vectors' | 'reranker';
  /**
   * `not-configured`: it is not set up; `not-ready`: vectors are being made for the first time; `other-fingerprint`: those that are stored are of
   * another model; `not-fit`: the embedder was measured and finds nothing.
   */
  code: 'not-configured' | 'not-ready' | 'other-fingerprint' | 'not-fit' | 'timed-out' | 'failed';
  message: string;
}

export type RetrievalStage = 'access' | 'plan' | 'keyword' | 'feedback' | 'vector' | 'live' | 'rerank' | 'shape';

export interface RetrievalResult {
  hits: RetrievalHit[];
  /** By connection; the answer is what all others gave. */
  failures: SourceFailure[];
  /** What the answer had to do without. */
  missing: MissingPart[];
  tookMs: number;
  /** In their order, when they were asked for. */
  timings?: { stage: RetrievalStage; ms: number }[];
}

export interface RetrievalService {
  /** UNKNOWN_ORGANISATION, UNKNOWN_DATASOURCE; FORBIDDEN and UNKNOWN_PERSON when it is asked for a person. */
  retrieve(input: RetrievalInput): Promise<RetrievalResult>;
}
