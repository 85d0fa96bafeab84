import type { Meter } from '../domain/meter.ts';
import type { CallScope, OpenCapability } from './capability.ts';

/** What a call counted: committed with its batch. */
export interface MetricChange {
  name: string;
  /** `add` to a counter, `set` a gauge. */
  kind: 'add' | 'set';
  value: number;
}

/** `metrics`: only what the manifest declares, in the type that it declares. */
export class MetricsCapability {
  readonly #types: Map<string, 'counter' | 'gauge'>;
  readonly #changes = new Map<string, MetricChange>();
  readonly #meter: Meter;

  constructor(scope: Pick<CallScope, 'manifest' | 'meter'>) {
    this.#meter = scope.meter;
    this.#types = new Map(scope.manifest.metrics.map(({ name, type }) => [name, type]));
  }

  open(): OpenCapability {
    return {
      add: ([name, amount]) => this.#record('counter', name, amount),
      set: ([name, value]) => this.#record('gauge', name, value),
    };
  }

  /** One change for each metric that the call touched. */
  changes(): MetricChange[] {
    return [...this.#changes.values()];
  }

  #record(type: 'counter' | 'gauge', name: unknown, value: unknown): undefined {
    if (typeof name !== 'string' || this.#types.get(name) !== type) return;
    if (typeof value !== 'number' || !Number.isFinite(value) || (type === 'counter' && value < 0)) return;
    if (!this.#changes.has(name) && this.#meter.charge('metricSeries', 1) !== undefined) return;
    const sum = (this.#changes.get(name)?.value ?? 0) + value;
    if (type === 'gauge') this.#changes.set(name, { name, kind: 'set', value });
    else if (Number.isFinite(sum)) this.#changes.set(name, { name, kind: 'add', value: sum });
  }
}
