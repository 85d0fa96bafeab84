import type { EgressOutcome } from './egress-request.ts';
import { readRateHeaders } from './rate-headers.ts';

/** What is known of the limits of one origin for one credential. */
export interface OriginBudget {
  origin: string;
  /** Milliseconds since 1970. */
  blockedUntilMs: number | undefined;
  reason: string | undefined;
  remaining: number | undefined;
}

/** Where budgets are kept, so that another host honours them too. `credential` is no secret. */
export interface BudgetStore {
  load(credential: string): Promise<OriginBudget[]>;
  save(credential: string, budgets: readonly OriginBudget[]): Promise<void>;
}

/** What a call met of the limits and faults of its sources. */
export interface UpstreamSight {
  /** No request makes sense before, as far as its sources said. */
  blockedUntilMs: number | undefined;
  /** Whether a request was refused for it, by the source or by us. */
  refused: boolean;
  /** What went wrong with requests, the first of it: a status or a fault. What is not there (404, 410) is no fault. */
  fault: string | undefined;
}

/** Those that say that a source, or the way to it, is not well, or does not know us. */
const FAULTY = (status: number): boolean => status >= 500 || [401, 403, 407, 408, 423, 425, 429].includes(status);
/** Refusals of ours are no news of the source, but for a budget that is spent. */
const OWN_REFUSALS: readonly string[] = ['denied', 'invalid-request'];

/** The rate budget of one credential for one call. */
export class UpstreamBudget {
  readonly #store: BudgetStore;
  readonly #credential: string;
  readonly #known: Map<string, OriginBudget>;
  readonly #changed = new Set<string>();
  readonly #nowMs: () => number;
  #blockedUntilMs: number | undefined;
  #refused = false;
  #fault: string | undefined;

  private constructor(store: BudgetStore, credential: string, known: readonly OriginBudget[], nowMs: () => number) {
    this.#store = store;
    this.#credential = credential;
    this.#known = new Map(known.map((budget) => [budget.origin, budget]));
    this.#nowMs = nowMs;
  }

  /** Reads what is known, by whichever run of whichever host it was learned. */
  static async open(store: BudgetStore, credential: string, nowMs: () => number = Date.now): Promise<UpstreamBudget> {
    return new UpstreamBudget(store, credential, await store.load(credential), nowMs);
  }

  /** Milliseconds until a request to this URL makes sense; 0 when it does now. */
  waitMs(url: string): number {
    const untilMs = this.#known.get(originOf(url))?.blockedUntilMs ?? 0;
    const waitMs = Math.max(0, untilMs - this.#nowMs());
    if (waitMs > 0) {
      this.#refused = true;
      this.#blockedUntilMs = later(this.#blockedUntilMs, untilMs);
    }
    return waitMs;
  }

  /** Takes note of what came of a request. When a limit was met it is in the store before the guest hears of it. */
  async note(url: string, outcome: EgressOutcome): Promise<void> {
    if (!outcome.ok) {
      if (!OWN_REFUSALS.includes(outcome.error.tag)) this.#fault ??= outcome.error.tag;
      return;
    }
    const { status, headers } = outcome.response;
    if (FAULTY(status)) this.#fault ??= `it answered ${status}`;
    const origin = originOf(url);
    const signal = readRateHeaders(status, headers, this.#nowMs());
    if (signal === undefined) return;
    const before = this.#known.get(origin)?.blockedUntilMs;
    this.#known.set(origin, { origin, ...signal, blockedUntilMs: later(before, signal.blockedUntilMs) });
    this.#changed.add(origin);
    if (signal.blockedUntilMs === undefined) return;
    this.#refused ||= FAULTY(status);
    this.#blockedUntilMs = later(this.#blockedUntilMs, signal.blockedUntilMs);
    await this.#save();
  }

  /** Keeps what is left, once a call. */
  async close(): Promise<UpstreamSight> {
    await this.#save();
    return { blockedUntilMs: this.#blockedUntilMs, refused: this.#refused, fault: this.#fault };
  }

  async #save(): Promise<void> {
    const changed = [...this.#changed].flatMap((origin) => this.#known.get(origin) ?? []);
    this.#changed.clear();
    if (changed.length > 0) await this.#store.save(this.#credential, changed);
  }
}

function later(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.max(one, other);
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : '';
}
