/**
 * `npm run bench:access -- --collection DIR [--documents N] [--json]`: what it costs to look only at what a person may
 * see, and whether anything is missed, for people of several shares. Documents are made of the words of a BEIR-form folder.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { benchAccess } from './bench.ts';

const { values } = parseArgs({
  options: { collection: { type: 'string' }, documents: { type: 'string', default: '157000' }, json: { type: 'boolean', default: false } },
});
if (values.collection === undefined) throw new Error('Say which words to use: --collection DIR');
const scratch = await mkdtemp(join(tmpdir(), 'access-bench-'));
try {
  const documents = Number(values.documents);
  const figures = await benchAccess({ collection: values.collection, documents, scratch });
  const line = ({ share, p50Ms, p99Ms, recallAt10, leaks, byPlaces }: (typeof figures)[number]): string =>
    `${(share * 100).toFixed(1).padStart(6)} %  recall@10 ${recallAt10.toFixed(4)}  leaks ${leaks}  by places ${(byPlaces * 100).toFixed(0)} %  p50 ${p50Ms.toFixed(1)} ms  p99 ${p99Ms.toFixed(1)} ms`;
  process.stdout.write(values.json ? `${JSON.stringify({ documents, figures })}\n` : `${figures.map(line).join('\n')}\n`);
} finally {
  await rm(scratch, { recursive: true, force: true });
}
