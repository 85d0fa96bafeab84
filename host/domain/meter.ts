import { LIMITS, type LimitName, type Limits } from './limits.ts';

/** What a call uses up, each with the limit that bounds it. */
const BUDGETS = {
  hostCalls: 'maxHostCallsPerCall',
  bytesOut: 'maxBytesOut',
  bytesIn: 'maxBytesIn',
  logLines: 'maxLogLines',
  logBytes: 'maxLogBytes',
  metricSeries: 'maxMetricSeries',
  resultBytes: 'maxResultBytes',
} as const satisfies Record<string, LimitName>;

export type Budget = keyof typeof BUDGETS;

/** A limit that a call went over, or would have. */
export interface Breach {
  limit: LimitName;
  /** What the limit was. */
  allowed: number;
  /** What the call used of it, with what was refused. */
  used: number;
}

/** What a call used. */
export interface Spend extends Readonly<Record<Budget, number>> {
  /** Since its guest began, or, when it never did, since it was asked for. */
  wallMs: number;
  /** Its share of the process's time on a processor; absent where the system does not say. */
  cpuMs: number | undefined;
  /** Requests that it asked for, denied ones included. */
  requests: number;
  /** The most memory that its process was seen to hold, neighbours included; absent where the system does not say. */
  peakResidentMib: number | undefined;
  /** Limits that it met, whether that ended it or not. */
  breaches: readonly Breach[];
}

/**
 * Counts what one call uses and holds it to its limits. Everything that acts for a call charges the same meter before it
 * acts, so that this is the one place that compares.
 */
export class Meter {
  readonly limits: Readonly<Limits>;
  #startedMs = performance.now();
  readonly #used: Record<Budget, number> = {
    hostCalls: 0,
    bytesOut: 0,
    bytesIn: 0,
    logLines: 0,
    logBytes: 0,
    metricSeries: 0,
    resultBytes: 0,
  };
  /** By limit: what was refused is in it, so that an operator sees by how much. */
  readonly #breaches = new Map<LimitName, Breach>();
  #requests = 0;
  #cpuMs: number | undefined;
  #peakResidentBytes: number | undefined;

  constructor(limits: Readonly<Limits>) {
    this.limits = limits;
  }

  /** The guest begins: what came before was waiting for a place. */
  begin(): void {
    this.#startedMs = performance.now();
  }

  /** Takes `amount` from a budget. When there is not as much nothing is taken, and the breach comes back. */
  charge(budget: Budget, amount: number): Breach | undefined {
    const limit = BUDGETS[budget];
    if (this.#used[budget] + amount > this.limits[limit]) {
      return this.breach(limit, (this.#breaches.get(limit)?.used ?? this.#used[budget]) + amount);
    }
    this.#used[budget] += amount;
    return undefined;
  }

  /** What is left of a budget. */
  left(budget: Budget): number {
    return this.limits[BUDGETS[budget]] - this.#used[budget];
  }

  /** Puts on record that the call went over a limit that something else measures. */
  breach(limit: LimitName, used: number): Breach {
    const breach = { limit, allowed: this.limits[limit], used: Math.max(used, this.#breaches.get(limit)?.used ?? 0) };
    this.#breaches.set(limit, breach);
    return breach;
  }

  /** Milliseconds until the call is ended in any case. */
  get leftMs(): number {
    return Math.max(0, Math.ceil(this.limits.callTimeoutMs - (performance.now() - this.#startedMs)));
  }

  countRequest(): void {
    this.#requests += 1;
  }

  /** Adds what the call's process used since the last time: its share of the processor, and the memory of all. */
  countProcess(cpuMs: number, residentBytes: number): void {
    this.#cpuMs = (this.#cpuMs ?? 0) + cpuMs;
    this.#peakResidentBytes = Math.max(this.#peakResidentBytes ?? 0, residentBytes);
  }

  get cpuMs(): number {
    return this.#cpuMs ?? 0;
  }

  /** What was used until now. */
  spend(): Spend {
    return {
      ...this.#used,
      wallMs: Math.round(performance.now() - this.#startedMs),
      cpuMs: this.#cpuMs === undefined ? undefined : Math.round(this.#cpuMs),
      requests: this.#requests,
      peakResidentMib: this.#peakResidentBytes === undefined ? undefined : Math.round(this.#peakResidentBytes / 2 ** 20),
      breaches: [...this.#breaches.values()],
    };
  }
}

/** `the limit maxLogBytes of 100 bytes`. */
export function describeLimit({ limit, allowed }: Pick<Breach, 'limit' | 'allowed'>): string {
  return `the limit ${limit} of ${amount(limit, allowed)}`;
}

/** `the limit maxLogBytes of 100 bytes: it used 101 bytes`. */
export function describeBreach(breach: Breach): string {
  return `${describeLimit(breach)}: it used ${amount(breach.limit, breach.used)}`;
}

function amount(limit: LimitName, number: number): string {
  const { unit } = LIMITS[limit];
  return unit === 'count' ? String(number) : `${number} ${unit}`;
}
