import { currentStage } from './host.ts';

/** Stands in for `lorelai:datasource/metrics`. */
export function add(name: string, amount: number): void {
  const { metrics } = currentStage().host;
  metrics.set(name, (metrics.get(name) ?? 0) + amount);
}

export function set(name: string, value: number): void {
  currentStage().host.metrics.set(name, value);
}
