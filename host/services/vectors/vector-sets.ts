import { embed, type Embeddings } from '../../capabilities/embedder.ts';
import { ModelFault } from '../../capabilities/model-endpoint.ts';
import type { EmbeddingSettings } from '../../domain/model-settings.ts';
import { estimateTokens } from '../../indexing/tokens.ts';
import type { VectorSet } from '../../store/vector-sets.ts';
import type { HostMetrics } from '../record/metrics.ts';

/** What every set keeps the vector of. Never change it: sets that exist could not be checked any more. */
const PROBE = 'What these words are embedded to tells one model from another, even under the same name.';

/** Another quantisation of the same model, or another machine, moves a vector by less. */
const SAME_MODEL = 0.98;

/** How long it is believed that the model behind a name is still the same. */
const BELIEVED_MS = 600_000;

/** The endpoint gives other vectors than those of a set: comparing them would mean nothing. */
export class OtherFingerprintError extends Error {
  override readonly name = 'OtherFingerprintError';

  constructor() {
    super('the endpoint gives other vectors than those that are stored');
  }
}

export interface SetEmbedderOptions {
  settings: EmbeddingSettings;
  metrics: HostMetrics;
}

/** Texts of a set, each with its prefix already. */
export interface SetTexts {
  texts: readonly string[];
  use: 'documents' | 'queries';
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

/** What a set is made with. */
export type SetModel = Pick<VectorSet, 'model' | 'askedDimensions'>;

/** Asks the endpoint for vectors of one set, and gives none that could be of another model. */
export interface SetEmbedder {
  /** `ModelFault`, `OtherFingerprintError`. `tokens` is estimated where the endpoint does not count. */
  embed(set: SetModel & Pick<VectorSet, 'id' | 'probe'>, texts: SetTexts): Promise<{ vectors: Float32Array[]; tokens: number }>;
  /** What a model makes of the fixed text: whether it can be used, how many numbers it gives, and what it is known by later. */
  probe(model: SetModel, options: Pick<SetTexts, 'timeoutMs' | 'signal'>): Promise<Float32Array>;
}

export function createSetEmbedder({ settings, metrics }: SetEmbedderOptions): SetEmbedder {
  // Only a memory of what was looked at: another host looks for itself.
  const believedUntilMs = new Map<number, number>();

  async function ask(
    { model, askedDimensions }: SetModel,
    { texts, use, ...limits }: SetTexts,
  ): Promise<{ vectors: Float32Array[]; tokens: number }> {
    const found = await counted(use, embed(settings, { model, dimensions: askedDimensions, texts, ...limits }));
    const tokens = found.tokens ?? texts.reduce((sum, text) => sum + estimateTokens(text), 0);
    metrics.countModelTokens(use, tokens);
    return { vectors: found.vectors, tokens };
  }

  async function counted(use: SetTexts['use'], answer: Promise<Embeddings>): Promise<Embeddings> {
    try {
      const embeddings = await answer;
      metrics.countModelRequest(use, 'answered');
      return embeddings;
    } catch (error) {
      metrics.countModelRequest(use, error instanceof ModelFault ? error.kind : 'cancelled');
      throw error;
    }
  }

  return {
    async embed(set, request) {
      if ((believedUntilMs.get(set.id) ?? 0) > Date.now()) return ask(set, request);
      // In the same request, so that a question never waits for two.
      const { vectors, tokens } = await ask(set, { ...request, texts: [PROBE, ...request.texts] });
      const [probe, ...rest] = vectors;
      if (probe === undefined || !isSameModel(set, probe)) throw new OtherFingerprintError();
      believedUntilMs.set(set.id, Date.now() + BELIEVED_MS);
      return { vectors: rest, tokens };
    },
    async probe(model, limits) {
      const [vector] = (await ask(model, { texts: [PROBE], use: 'documents', ...limits })).vectors;
      if (vector === undefined) throw new ModelFault('unusable', 'it gave no vector');
      return vector;
    },
  };
}

/** Whether a set is of this model, as far as its vector of the fixed text tells. */
export function isSameModel(set: Pick<VectorSet, 'probe'>, probe: Float32Array): boolean {
  return set.probe.length === probe.length && cosine(set.probe, probe) >= SAME_MODEL;
}

/** Whether a set is what the settings ask for, by all that they say. */
export function isWanted(set: VectorSet, { model, dimensions, documentPrefix, queryPrefix }: EmbeddingSettings): boolean {
  const same = set.model === model && set.documentPrefix === documentPrefix && set.queryPrefix === queryPrefix;
  return same && set.askedDimensions === dimensions && set.state !== 'retired';
}

/** Of vectors of length 1. */
function cosine(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
}
