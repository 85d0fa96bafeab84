import { setTimeout as sleep } from 'node:timers/promises';
import { ulid } from 'ulid';
import { ModelFault } from '../../capabilities/model-endpoint.ts';
import type { EmbeddingSettings } from '../../domain/model-settings.ts';
import type { Log } from '../../log.ts';
import type { Database } from '../../store/database.ts';
import { claimQueued, keepVectors, releaseQueued } from '../../store/vector-queue.ts';
import {
  abandonBuilding,
  beginVectorSet,
  endWait,
  fillQueue,
  keepTrust,
  listVectorSets,
  purgeRetired,
  switchTo,
  waitWith,
  type VectorSet,
} from '../../store/vector-sets.ts';
import { embedPassages } from './embed-passages.ts';
import type { HostMetrics } from '../record/metrics.ts';
import { measureTrust } from './vector-trust.ts';
import { isSameModel, isWanted, OtherFingerprintError, type SetEmbedder } from './vector-sets.ts';

/** Makes vectors behind indexing: any host does any piece, under a lease. */
export interface EmbeddingWork {
  /** Works until `signal` aborts; with `untilIdle` until nothing is left to do, or the endpoint wants to be left alone. */
  work(options: { signal: AbortSignal; untilIdle?: boolean }): Promise<void>;
  /** Begins all vectors anew, whether or not the settings have changed. `ModelFault`. */
  begin(signal: AbortSignal): Promise<void>;
}

export interface EmbeddingWorkOptions {
  database: Database;
  settings: EmbeddingSettings;
  embedder: SetEmbedder;
  metrics: HostMetrics;
  log: Log;
}

const POLL_MS = 1_000;
/** Of one request for documents. */
const REQUEST_TIMEOUT_MS = 60_000;
/** What is claimed is given back or done within this, or another host takes it: several requests, where single passages are refused. */
const LEASE_MS = 600_000;
const PASSAGES_PER_FILL = 5_000;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 300_000;
/** Trust is measured when a set has so many vectors, and again when it has twice as many. */
const LEAST_MEASURED = 50;

/** What one step did: something, nothing, or nothing before that time. */
type Step = 'worked' | 'idle' | { waitUntilMs: number };

export function createEmbeddingWork(options: EmbeddingWorkOptions): EmbeddingWork {
  const { database, settings, embedder, log } = options;
  // Settings are declared once a start: of hosts with different ones the last to start decides.
  let declared = false;

  async function begin(signal: AbortSignal): Promise<void> {
    const model = { model: settings.model, askedDimensions: settings.dimensions };
    const probe = await embedder.probe(model, { timeoutMs: REQUEST_TIMEOUT_MS, signal });
    const { documentPrefix, queryPrefix } = settings;
    const begun = await beginVectorSet(database, { ...model, dimensions: probe.length, documentPrefix, queryPrefix, probe }, Date.now());
    if (begun) log.info('vectors are made anew', { model: settings.model, dimensions: probe.length });
  }

  async function declare(signal: AbortSignal): Promise<void> {
    const sets = await listVectorSets(database);
    const wanted = sets.find((set) => isWanted(set, settings));
    if (wanted === undefined) await begin(signal);
    else if (wanted.state === 'current') {
      if (sets.some((set) => set.state === 'building' && !isWanted(set, settings))) await abandonBuilding(database);
      const probe = await embedder.probe(
        { model: settings.model, askedDimensions: settings.dimensions },
        { timeoutMs: REQUEST_TIMEOUT_MS, signal },
      );
      if (!isSameModel(wanted, probe))
        log.error('the embedder gives other vectors than before under the same name; make all anew with: datasources vectors reembed');
    }
    declared = true;
  }

  async function step(signal: AbortSignal): Promise<Step> {
    if (!declared) await declare(signal);
    const sets = await listVectorSets(database);
    const retired = sets.find(({ state }) => state === 'retired');
    if (retired !== undefined) {
      await purgeRetired(database, retired.id);
      return 'worked';
    }
    // What is built anew goes on whatever is amiss with the current set; what came in lately is in the queues of both.
    let rest: Step = 'idle';
    for (const set of sets.filter((candidate) => isWanted(candidate, settings))) {
      const done = await stepWith(options, set, signal);
      if (done === 'worked') return done;
      if (rest === 'idle' || (done !== 'idle' && done.waitUntilMs < rest.waitUntilMs)) rest = done;
    }
    return rest;
  }

  /** Before a set is there to keep the time in. */
  let failures = 0;
  async function stepOrWait(signal: AbortSignal): Promise<Step> {
    try {
      const done = await step(signal);
      failures = 0;
      return done;
    } catch (error) {
      if (signal.aborted) return 'idle';
      failures += 1;
      log.error('vectors could not be worked on', error instanceof ModelFault ? { reason: error.message } : { error });
      return { waitUntilMs: Date.now() + waitMs(failures, error) };
    }
  }

  return {
    begin,
    async work({ signal, untilIdle = false }) {
      while (!signal.aborted) {
        const done = await stepOrWait(signal);
        if (done === 'worked') continue;
        if (untilIdle) return;
        const pauseMs = done === 'idle' ? POLL_MS : Math.min(POLL_MS * 30, Math.max(POLL_MS, done.waitUntilMs - Date.now()));
        await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
      }
    },
  };
}

/** Queues, embeds, measures or switches, whichever is next for this set. */
async function stepWith(options: EmbeddingWorkOptions, set: VectorSet, signal: AbortSignal): Promise<Step> {
  const { database, log } = options;
  const nowMs = Date.now();
  if (set.waitUntilMs !== undefined && set.waitUntilMs > nowMs) return { waitUntilMs: set.waitUntilMs };
  try {
    if (await embedPiece(options, set, signal)) return 'worked';
    if (await fillQueue(database, set, PASSAGES_PER_FILL)) return 'worked';
    if (set.filledTo !== undefined) return 'worked';
    if (set.made >= Math.max(LEAST_MEASURED, 2 * set.trustOf)) {
      await keepTrust(database, set.id, await measureTrust(options, set, { timeoutMs: REQUEST_TIMEOUT_MS, signal }), set.made);
      return 'worked';
    }
    if (set.state === 'building' && (await switchTo(database, set, nowMs))) {
      log.info('questions are answered with the new vectors', { model: set.model, dimensions: set.dimensions });
      return 'worked';
    }
    return 'idle';
  } catch (error) {
    if (!(error instanceof ModelFault) && !(error instanceof OtherFingerprintError)) throw error;
    const untilMs = Date.now() + waitMs(set.attempts + 1, error);
    await waitWith(database, set.id, untilMs, error.message);
    log.warn('the embedder is left alone for a while', { reason: error.message, ms: untilMs - Date.now() });
    return { waitUntilMs: untilMs };
  }
}

/** Whether there was something to embed. */
async function embedPiece(options: EmbeddingWorkOptions, set: VectorSet, signal: AbortSignal): Promise<boolean> {
  const { database, settings, embedder, metrics } = options;
  const lease = { set: set.id, owner: ulid() };
  const claimed = await claimQueued(database, lease, { nowMs: Date.now(), leaseMs: LEASE_MS, limit: settings.batch });
  if (claimed.length === 0) return false;
  try {
    const { outcomes, tokens } = await embedPassages(claimed, { database, embedder, set, timeoutMs: REQUEST_TIMEOUT_MS, signal });
    await keepVectors(database, lease, outcomes, tokens);
    if (set.attempts > 0) await endWait(database, set.id);
    const count = (kind: string): number => outcomes.filter((outcome) => outcome.kind === kind).length;
    metrics.countVectors('made', count('made'));
    metrics.countVectors('reused', count('same'));
    metrics.countVectors('failed', count('failed'));
    return true;
  } catch (error) {
    // Another host need not wait for the lease to run out.
    await releaseQueued(database, lease);
    throw error;
  }
}

/** As long as it asks for, or twice as long each time, with jitter so that hosts do not come back together. */
function waitMs(attempts: number, error: unknown): number {
  const asked = error instanceof ModelFault ? error.retryAfterMs : undefined;
  const growing = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(attempts - 1, 20));
  return Math.round(asked ?? growing * (0.75 + Math.random() / 2));
}
