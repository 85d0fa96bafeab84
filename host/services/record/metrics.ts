import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { ModelFaultKind } from '../../capabilities/model-endpoint.ts';
import type { AuditEvent } from '../../domain/audit.ts';
import type { RunState } from '../../domain/run-kind.ts';
import type { MetricsService } from './record-services.ts';

/** Counts what the host does, for Prometheus. Every value of a label comes from a list of ours or is the name of an installed datasource. */
export interface HostMetrics extends MetricsService {
  /** An event that is, or will be, on record. */
  countEvent(event: Pick<AuditEvent, 'kind' | 'datasource'> & Partial<Pick<AuditEvent, 'request' | 'cause'>>): void;
  /** A request that will not be on record: there were too many. */
  countDropped(): void;
  countRun(state: RunState): void;
  /** What came of a webhook delivery at the entry. */
  countDelivery(datasource: string, outcome: 'kept' | 'repeated' | 'full' | 'refused'): void;
  /** What came of asking a model. */
  countModelRequest(use: ModelUse, outcome: 'answered' | 'cancelled' | ModelFaultKind): void;
  /** What an embedder counted, or would have, of the texts that it was given. */
  countModelTokens(use: 'documents' | 'queries', tokens: number): void;
  /** Passages that got their vectors: made, or taken from one with the same text. */
  countVectors(outcome: 'made' | 'reused' | 'failed', passages: number): void;
  /** What one committed batch did. */
  countDocuments(datasource: string, changes: { upserted: number; unchanged: number; deleted: number }): void;
}

/** What a model is asked for. */
export type ModelUse = 'documents' | 'queries' | 'rerank';

export interface MetricsOptions {
  /** Read at each scrape. */
  sandboxProcesses(): number;
}

/** Cases of `http-client.error`; another one would be counted as `other`. */
const FAULTS: readonly string[] = ['denied', 'invalid-request', 'timed-out', 'unreachable', 'too-large', 'budget-spent'];
/** Causes of kills; another one would be counted as `other`. */
const KILLS: readonly string[] = ['trap', 'timeout', 'protocol', 'memory', 'limit', 'cancelled', 'exit', 'host', 'examination'];
/** Seconds: a local service answers in the first, a request times out in the last. */
const DURATION_BUCKETS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export function createMetrics(options: MetricsOptions): HostMetrics {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({
    name: 'lorelai_egress_requests_total',
    help: 'Requests of datasources by what came of them: a class of status or a fault.',
    labelNames: ['datasource', 'outcome'],
    registers,
  });
  const bytes = new Counter({
    name: 'lorelai_egress_bytes_total',
    help: 'Bytes of request and response bodies.',
    labelNames: ['datasource', 'direction'],
    registers,
  });
  const duration = new Histogram({
    name: 'lorelai_egress_duration_seconds',
    help: 'How long requests of datasources took, refused ones left out.',
    labelNames: ['datasource'],
    buckets: DURATION_BUCKETS,
    registers,
  });
  const { denials, breaches, kills, dropped } = recordCounters(registers);
  const { runs, documents, deliveries } = workCounters(registers);
  const { modelRequests, modelTokens, vectors } = modelCounters(registers);
  processGauge(registers, options);
  return {
    countEvent({ kind, datasource, request, cause }) {
      if (kind === 'kill') kills.inc({ cause: oneOf(KILLS, cause) });
      if (kind === 'denial') denials.inc({ datasource });
      if (kind === 'breach') breaches.inc({ datasource });
      if (request === undefined) return;
      requests.inc({ datasource, outcome: outcomeClass(request.outcome) });
      bytes.inc({ datasource, direction: 'out' }, request.bytesOut);
      bytes.inc({ datasource, direction: 'in' }, request.bytesIn);
      if (kind !== 'denial') duration.observe({ datasource }, request.durationMs / 1_000);
    },
    countDropped: () => dropped.inc(),
    countRun: (state) => runs.inc({ state }),
    countDelivery: (datasource, outcome) => deliveries.inc({ datasource, outcome }),
    countDocuments(datasource, changes) {
      for (const change of ['upserted', 'unchanged', 'deleted'] as const) documents.inc({ datasource, change }, changes[change]);
    },
    countModelRequest: (use, outcome) => modelRequests.inc({ use, outcome }),
    countModelTokens: (use, tokens) => modelTokens.inc({ use }, tokens),
    countVectors: (outcome, passages) => vectors.inc({ outcome }, passages),
    text: () => registry.metrics(),
  };
}

function recordCounters(
  registers: Registry[],
): Record<'denials' | 'breaches', Counter<'datasource'>> & { kills: Counter<'cause'>; dropped: Counter } {
  return {
    denials: new Counter({
      name: 'lorelai_denials_total',
      help: 'Requests and other host calls that neither manifest nor grant allows.',
      labelNames: ['datasource'],
      registers,
    }),
    breaches: new Counter({
      name: 'lorelai_limit_breaches_total',
      help: 'Limits that calls met, each once a call.',
      labelNames: ['datasource'],
      registers,
    }),
    kills: new Counter({
      name: 'lorelai_sandbox_kills_total',
      help: 'Calls that were ended together with their sandbox process.',
      labelNames: ['cause'],
      registers,
    }),
    dropped: new Counter({
      name: 'lorelai_audit_dropped_total',
      help: 'Requests that are not on record because they came faster than the store could keep them.',
      registers,
    }),
  };
}

function workCounters(registers: Registry[]): {
  runs: Counter<'state'>;
  documents: Counter<'datasource' | 'change'>;
  deliveries: Counter<'datasource' | 'outcome'>;
} {
  return {
    deliveries: new Counter({
      name: 'lorelai_webhook_deliveries_total',
      help: 'Webhook deliveries by what came of them at the entry.',
      labelNames: ['datasource', 'outcome'],
      registers,
    }),
    runs: new Counter({ name: 'lorelai_runs_total', help: 'Runs that this host ended.', labelNames: ['state'], registers }),
    documents: new Counter({
      name: 'lorelai_documents_total',
      help: 'Documents of committed batches by what became of them.',
      labelNames: ['datasource', 'change'],
      registers,
    }),
  };
}

function modelCounters(registers: Registry[]): {
  modelRequests: Counter<'use' | 'outcome'>;
  modelTokens: Counter<'use'>;
  vectors: Counter<'outcome'>;
} {
  return {
    modelRequests: new Counter({
      name: 'lorelai_model_requests_total',
      help: 'Requests to the embedder, for documents and for questions, and to the reranker, by what came of them.',
      labelNames: ['use', 'outcome'],
      registers,
    }),
    modelTokens: new Counter({
      name: 'lorelai_embedding_tokens_total',
      help: 'Tokens that the embedder counted; estimated where it does not count.',
      labelNames: ['use'],
      registers,
    }),
    vectors: new Counter({
      name: 'lorelai_vectors_total',
      help: 'Passages by how they got their vectors: made, or reused from one with the same text.',
      labelNames: ['outcome'],
      registers,
    }),
  };
}

function processGauge(registers: Registry[], { sandboxProcesses }: MetricsOptions): void {
  const gauge: Gauge = new Gauge({
    name: 'lorelai_sandbox_processes',
    help: 'Sandbox processes that are alive.',
    registers,
    collect: () => gauge.set(sandboxProcesses()),
  });
}

/** `2xx`: an upstream may answer with any number, and each would be a series of its own. */
function outcomeClass(outcome: string): string {
  return /^[1-5]\d\d$/.test(outcome) ? `${outcome.slice(0, 1)}xx` : oneOf(FAULTS, outcome);
}

function oneOf(known: readonly string[], value: string | undefined): string {
  return known.find((candidate) => candidate === value) ?? 'other';
}
