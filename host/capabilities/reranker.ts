import { isJsonObject, type Json } from '../domain/json.ts';
import type { RerankSettings } from '../domain/model-settings.ts';
import { askModel, ModelFault } from './model-endpoint.ts';

/**
 * How well each text answers a question, 0 to 1, in the order of the texts. Reads `{ results: [{ index, relevance_score }] }`, as Cohere,
 * Jina and vLLM answer, and `[{ index, score }]`, as Text Embeddings Inference does. Scores beyond 0 and 1 are taken for logits. Throws `ModelFault`.
 */
export async function rerank(
  settings: RerankSettings,
  { question, texts, signal }: { question: string; texts: readonly string[]; signal?: AbortSignal },
): Promise<number[]> {
  const { style, model, timeoutMs } = settings;
  const named = model === '' ? {} : { model };
  const body =
    style === 'tei' ? { query: question, texts, truncate: true } : { ...named, query: question, documents: texts, top_n: texts.length };
  const answer = await askModel(settings, { path: '/rerank', body, timeoutMs, signal });
  const rows = Array.isArray(answer) ? answer : isJsonObject(answer) ? answer.results : undefined;
  const scores = new Map((Array.isArray(rows) ? rows : []).map(toRow));
  const ordered = texts.map((_, index) => scores.get(index));
  const whole = ordered.filter((score) => score !== undefined);
  if (whole.length !== texts.length) throw new ModelFault('unusable', `it rated ${whole.length} of ${texts.length} passages`);
  return whole.every((score) => score >= 0 && score <= 1) ? whole : whole.map((logit) => 1 / (1 + Math.exp(-logit)));
}

function toRow(row: Json): [index: number, score: number] {
  const { index, relevance_score: relevance, score = relevance } = isJsonObject(row) ? row : {};
  if (typeof index === 'number' && typeof score === 'number' && Number.isFinite(score)) return [index, score];
  throw new ModelFault('unusable', 'it gave something that is no score');
}
