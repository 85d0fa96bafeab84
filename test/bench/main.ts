/**
 * `npm run bench [-- --json]`: what the parts cost, each as a ratio against a baseline in the same
 * run. It judges nothing: figures of a shared machine are for comparison, not for a pass or a fail.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { benchCalls } from './calls.ts';
import { benchColdStart } from './cold-start.ts';
import { benchEdge } from './edge.ts';
import type { Figure } from './figure.ts';
import { benchIndexing } from './indexing.ts';
import { benchIsolation } from './isolation.ts';
import { benchRegistry } from './registry.ts';
import { benchThroughput } from './throughput.ts';

const json = process.argv.includes('--json');
const scratch = await mkdtemp(join(tmpdir(), 'datasource-bench-'));

async function measure(name: string, bench: (scratch: string) => Promise<Figure[]>): Promise<Figure[]> {
  if (!json) process.stdout.write(`\n${name}\n`);
  const figures = await bench(scratch);
  if (!json) for (const figure of figures) process.stdout.write(`  ${toLine(figure)}\n`);
  return figures;
}

function toLine({ name, value, unit, baseline, ratio }: Figure): string {
  const against = baseline === undefined ? '' : `   ${baseline.name}: ${round(baseline.value)} ${unit}, ratio ${round(ratio ?? 0)}`;
  return `${name.padEnd(44)} ${String(round(value)).padStart(10)} ${unit}${against}`;
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}

try {
  const figures = [
    ...(await measure('Sandboxed calls, a fresh instance each', benchCalls)),
    ...(await measure('A warm sandbox process', benchThroughput)),
    ...(await measure('Indexing and retrieval through the whole path', benchIndexing)),
    ...(await measure('A registry of 1,000 datasources', benchRegistry)),
    ...(await measure('Keys and rate limits', benchEdge)),
    ...(await measure('Isolation of sandbox processes', benchIsolation)),
    ...(await measure('Cold start and memory', benchColdStart)),
  ];
  if (json) process.stdout.write(`${JSON.stringify({ node: process.version, figures })}\n`);
} finally {
  await rm(scratch, { recursive: true, force: true });
}
