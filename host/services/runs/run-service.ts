import type { Actor } from '../../domain/caller.ts';
import type { Problem } from '../../domain/errors.ts';
import type { RunKind, RunState, ScheduledKind } from '../../domain/run-kind.ts';
import type { Page, PageInput } from '../page.ts';
import type { Run } from './run-view.ts';

export interface RunInput {
  /** `content` when it is left out. */
  kind?: ScheduledKind;
  /** Of `content` and `prune`. */
  features?: string[];
  /** Of `content`: reads everything again, and not only what has changed. */
  full?: boolean;
}

/** A document that a held prune would remove. */
export interface HeldDocument {
  feature: string;
  id: string;
  title: string;
  link: string;
}

/** An item that is not, or not wholly, in the index. */
export interface FailedItem extends Problem {
  feature: string;
  /** How often it has failed. */
  times: number;
  /** Whether the host has kept it, so that it can be taken up again alone. */
  kept: boolean;
  firstAtMs: number;
  lastAtMs: number;
}

export interface RunService {
  /** UNKNOWN_CONNECTION, UNKNOWN_FEATURE, RUN_IN_PROGRESS, CONNECTION_PAUSED. Returns at once with a queued run. */
  start(organisation: string, connection: string, input: RunInput, actor: Actor): Promise<Run>;
  /** UNKNOWN_RUN. */
  get(organisation: string, id: string): Promise<Run>;
  /** Newest first. */
  list(organisation: string, filter: { connection?: string; state?: RunState; kind?: RunKind }, page: PageInput): Promise<Page<Run>>;
  /** UNKNOWN_RUN, RUN_NOT_ACTIVE. Takes effect within the current call. */
  cancel(organisation: string, id: string, actor: Actor): Promise<Run>;
  /** What a held prune would remove. UNKNOWN_RUN, RUN_NOT_HELD. */
  held(organisation: string, id: string, page: PageInput): Promise<Page<HeldDocument>>;
  /** Lets a held prune remove what it was held for and what is still not listed then. UNKNOWN_RUN, RUN_NOT_HELD, RUN_IN_PROGRESS, CONNECTION_PAUSED. */
  approve(organisation: string, id: string, actor: Actor): Promise<Run>;
  /** Ends a held prune; nothing is removed. UNKNOWN_RUN, RUN_NOT_HELD. */
  dismiss(organisation: string, id: string, actor: Actor): Promise<Run>;
  /** Items of a connection that failed. UNKNOWN_CONNECTION. */
  failedItems(organisation: string, connection: string, page: PageInput): Promise<Page<FailedItem>>;
  /** Starts a run that takes up again what the host has kept of failed items, and nothing else. UNKNOWN_CONNECTION, NOTHING_TO_RETRY, RUN_IN_PROGRESS, CONNECTION_PAUSED. */
  retryFailed(organisation: string, connection: string, actor: Actor): Promise<Run>;
  /** Queues the runs whose time has come at `nowMs`, each once however many hosts do so. Gives how many. `work` does it by itself. */
  queueDue(nowMs: number): Promise<number>;
  /** Works on queued, parked and orphaned runs until `signal` aborts or, with `untilIdle`, nothing is left to do now. */
  work(options: { signal: AbortSignal; untilIdle?: boolean; onProgress?: (run: Run) => void }): Promise<void>;
}
