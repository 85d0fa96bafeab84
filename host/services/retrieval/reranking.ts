import { ModelFault } from '../../capabilities/model-endpoint.ts';
import { rerank } from '../../capabilities/reranker.ts';
import { embeddedText, type RerankSettings } from '../../domain/model-settings.ts';
import type { Log } from '../../log.ts';
import type { Group } from '../../retrieval/fold.ts';
import type { HitCandidate } from './keyword-arm.ts';
import type { HostMetrics } from '../record/metrics.ts';
import type { MissingPart } from './retrieval-service.ts';

/** Groups that a reranker rated, best first by that; or as they were, and why. */
export interface Reranked {
  groups: Group<HitCandidate>[];
  missing?: MissingPart;
}

/** Has the best passages looked at once more. Never rejects for the reranker's fault. */
export interface Reranking {
  /** At least `k` groups are rated, so that all hits are on one scale; the rest is left out. */
  rate(question: string, groups: Group<HitCandidate>[], k: number): Promise<Reranked>;
}

export interface RerankingOptions {
  settings: RerankSettings;
  metrics: HostMetrics;
  log: Log;
}

export function createReranking({ settings, metrics, log }: RerankingOptions): Reranking {
  return {
    async rate(question, groups, k) {
      const best = groups.slice(0, Math.max(settings.top, k));
      if (best.length < 2) return { groups };
      try {
        const scores = await rerank(settings, { question, texts: best.map(textOf) });
        metrics.countModelRequest('rerank', 'answered');
        const rated = best.map((group, index) => ({ ...group, score: scores[index] ?? 0 }));
        // Where it sees no difference the order stays.
        return { groups: rated.toSorted((a, b) => b.score - a.score) };
      } catch (error) {
        if (!(error instanceof ModelFault)) throw error;
        metrics.countModelRequest('rerank', error.kind);
        log.warn('passages could not be reranked', { kind: error.kind, reason: error.message });
        const code = error.kind === 'timed-out' ? 'timed-out' : 'failed';
        return { groups, missing: { part: 'reranker', code, message: `The reranker was not of use: ${error.message}.` } };
      }
    },
  };
}

function textOf({ lead, passages }: Group<HitCandidate>): string {
  const { title, headings } = lead.candidate.source;
  return embeddedText({ title, headings, text: passages.map(({ text }) => text).join('\n\n') });
}
