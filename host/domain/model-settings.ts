import { hash } from 'node:crypto';

/** Where models are asked, as an operator set it. The key is a secret: it goes into one header and nowhere else. */
export interface ModelEndpoint {
  /** `https://api.example.com/v1`: paths such as `/embeddings` are put behind it. */
  url: string;
  model: string;
  key: string | undefined;
}

/** The embedder of a host. */
export interface EmbeddingSettings extends ModelEndpoint {
  /** Numbers of a vector that the model is asked for; undefined: as many as it gives. */
  dimensions: number | undefined;
  /** Passages of one request. */
  batch: number;
  /** What is put before each passage, and before each question: some models were trained so. */
  documentPrefix: string;
  queryPrefix: string;
  /** How long a question waits for its vector. */
  queryTimeoutMs: number;
}

/** The reranker of a host. */
export interface RerankSettings extends ModelEndpoint {
  /** `cohere`: the body has `documents` and `top_n`; `tei`: it has `texts`. Answers are read in either form. */
  style: 'cohere' | 'tei';
  /** Passages that are looked at. */
  top: number;
  timeoutMs: number;
}

/** All that decides which vector a text gets. */
export interface VectorKind {
  model: string;
  dimensions: number;
  documentPrefix: string;
  queryPrefix: string;
}

/** How texts are put together and vectors are stored: another number makes all of them anew. */
const FORM = 'title, headings, text; unit length; 1';

/** Tells sets of vectors apart: two are compared only under the same. 32 hexadecimal digits. */
export function fingerprintOf({ model, dimensions, documentPrefix, queryPrefix }: VectorKind): string {
  return hash('sha256', JSON.stringify([FORM, model, dimensions, documentPrefix, queryPrefix]), 'hex').slice(0, 32);
}

/** What of a passage is embedded. */
export function embeddedText(passage: { title: string; headings: readonly string[]; text: string }): string {
  return [passage.title, passage.headings.join(' > '), passage.text].filter((part) => part !== '').join('\n');
}

/** The same for passages of which the same is embedded: what was made of one holds for the other. */
export function embeddedHash(text: string): Uint8Array {
  return new Uint8Array(hash('sha256', text, 'buffer').subarray(0, 16));
}
