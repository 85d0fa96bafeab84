import { add, set } from 'lorelai:datasource/metrics@1.0.0';
import type { DatasourceManifest, ManifestTypes } from './datasource.ts';

/** A number that only grows. */
export interface Counter {
  /** `amount` is finite and not negative; when left out: 1. Anything else is ignored. */
  add(amount?: number): void;
}

/** A number that is set. */
export interface Gauge {
  /** `value` is finite. Anything else is ignored. */
  set(value: number): void;
}

/** The metrics that a manifest declares, by name. */
export type Metrics<Types extends ManifestTypes> = { readonly [Name in Types['counters']]: Counter } & {
  readonly [Name in Types['gauges']]: Gauge;
};

/** The manifest's metrics: `const metrics = openMetrics(manifest)`, then `metrics.items_read.add(3)`. */
export function openMetrics<Types extends ManifestTypes>(manifest: DatasourceManifest<Types>): Metrics<Types> {
  const counters = manifest.counters.map((name) => [name, { add: (amount = 1) => addTo(name, amount) }] as const);
  const gauges = manifest.gauges.map((name) => [name, { set: (value: number) => setTo(name, value) }] as const);
  const metrics: unknown = Object.fromEntries([...counters, ...gauges]);
  // The generated names and the generated types come from the same manifest.
  return metrics as Metrics<Types>;
}

function addTo(name: string, amount: number): void {
  if (Number.isFinite(amount) && amount >= 0) add(name, amount);
}

function setTo(name: string, value: number): void {
  if (Number.isFinite(value)) set(name, value);
}
