import { isJsonObject, type Json } from '../domain/json.ts';
import type { ModelEndpoint } from '../domain/model-settings.ts';
import { askModel, ModelFault } from './model-endpoint.ts';

/** Texts to embed in one request, in the form that the model wants. */
export interface EmbeddingRequest {
  model: string;
  /** Undefined: as many numbers as the model gives. */
  dimensions: number | undefined;
  texts: readonly string[];
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

export interface Embeddings {
  /** One a text, in order, all of one size and of length 1. */
  vectors: Float32Array[];
  /** What the endpoint counted; undefined: it does not. */
  tokens: number | undefined;
}

/** Shorter vectors point nowhere. */
const LEAST_LENGTH = 1e-12;

/**
 * Embeds through an endpoint of OpenAI's form: OpenAI, Ollama, vLLM, Text Embeddings Inference, LiteLLM. Throws
 * `ModelFault`, also for an answer with a vector that is none: not all numbers finite, all of them zero, or of another size.
 */
export async function embed(endpoint: ModelEndpoint, request: EmbeddingRequest): Promise<Embeddings> {
  const { model, dimensions, texts, timeoutMs, signal } = request;
  const body = { model, input: texts, ...(dimensions === undefined ? {} : { dimensions }) };
  const answer = await askModel(endpoint, { path: '/embeddings', body, timeoutMs, signal });
  const { data, usage } = objectOf(answer);
  const items = Array.isArray(data) ? data : [];
  if (items.length !== texts.length) throw unusable(`it gave ${items.length} vectors for ${texts.length} texts`);
  const vectors: (Float32Array | undefined)[] = texts.map(() => undefined);
  for (const [place, item] of items.entries()) {
    const { index = place, embedding } = objectOf(item);
    if (typeof index !== 'number' || !(index in vectors) || vectors[index] !== undefined) throw unusable('its vectors are in no order');
    vectors[index] = toUnitVector(embedding);
  }
  const whole = vectors.filter((vector) => vector !== undefined);
  const size = dimensions ?? whole[0]?.length;
  const odd = whole.find((vector) => vector.length !== size);
  if (odd !== undefined) throw new ModelFault('misconfigured', `it gave a vector of ${odd.length} numbers instead of ${size}`);
  return { vectors: whole, tokens: tokensOf(usage) };
}

function toUnitVector(embedding: Json | undefined): Float32Array {
  if (!Array.isArray(embedding) || embedding.length === 0) throw unusable('it gave something that is no vector');
  const vector = new Float32Array(embedding.length);
  let squares = 0;
  for (const [index, value] of embedding.entries()) {
    if (typeof value !== 'number' || !Number.isFinite(value)) throw unusable('it gave a vector with something that is no number');
    vector[index] = value;
    squares += value * value;
  }
  const length = Math.sqrt(squares);
  // The store takes both and never finds anything with them.
  if (!Number.isFinite(length) || length < LEAST_LENGTH) throw unusable('it gave a vector without a direction');
  return vector.map((value) => value / length);
}

function tokensOf(usage: Json | undefined): number | undefined {
  if (usage === undefined || !isJsonObject(usage)) return undefined;
  const tokens = usage.prompt_tokens ?? usage.total_tokens;
  return typeof tokens === 'number' && Number.isSafeInteger(tokens) && tokens >= 0 ? tokens : undefined;
}

function objectOf(value: unknown): Record<string, Json> {
  return isJsonObject(value) ? value : {};
}

function unusable(message: string): ModelFault {
  return new ModelFault('unusable', message);
}
