import type { Actor } from '../../domain/caller.ts';

/** Vectors under one fingerprint, and how far they have come. */
export interface VectorSetStatus {
  model: string;
  dimensions: number;
  /** Tells sets apart: 32 hexadecimal digits. */
  fingerprint: string;
  /** `current`: questions are answered with it; `building`: it takes that place when it is complete. */
  state: 'building' | 'current';
  /** Passages with a vector, passages that wait for theirs, and those that the model does not take. */
  vectors: number;
  waiting: number;
  failed: number;
  /** What the endpoint counted of the texts, or the host estimated. */
  tokens: number;
  /** 0 to 1: the share of sampled passages that are found by their own words; below 0.5 questions are answered without. */
  trust: number | undefined;
  /** What the endpoint said the last time, when it was in vain, and when it is asked again. */
  fault: string | undefined;
  waitUntilMs: number | undefined;
  createdAtMs: number;
  readyAtMs: number | undefined;
}

export interface VectorStatus {
  /** The embedder of this host. */
  embedder: { model: string; dimensions: number | undefined } | undefined;
  /** The current one first. */
  sets: VectorSetStatus[];
  /** In a sentence: what is answered without, and why; undefined when nothing is. */
  lost: string | undefined;
}

export interface VectorService {
  status(): Promise<VectorStatus>;
  /** The same in a few words, without counting anything. Never rejects. */
  summary(): Promise<string>;
  /**
   * Begins all vectors anew; questions are answered with those that there are until the new ones are complete. Hosts that serve make them.
   * EMBEDDER_MISSING, UPSTREAM_FAULT.
   */
  reembed(actor: Actor): Promise<VectorStatus>;
  /** Makes what is missing now, here, and ends. EMBEDDER_MISSING. */
  make(signal: AbortSignal): Promise<VectorStatus>;
}
