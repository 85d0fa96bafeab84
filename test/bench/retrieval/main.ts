/**
 * `npm run bench:retrieval -- --collection DIR [--person ID] [--scale N] [--json]`: a collection in
 * BEIR's form through the whole path, against bare FTS5 over the same passages in the same run. With LORELAI_EMBEDDINGS_… set,
 * passages are found by what they mean as well, and each way is measured alone besides.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { benchRetrieval } from './bench.ts';

const { values } = parseArgs({
  options: { collection: { type: 'string' }, person: { type: 'string' }, scale: { type: 'string' }, json: { type: 'boolean' } },
});
const scale = Number(values.scale ?? 0);
if (values.collection === undefined || !Number.isSafeInteger(scale) || scale < 0) {
  process.stderr.write('Usage: npm run bench:retrieval -- --collection DIR [--person ID] [--scale N] [--json]\n');
  process.exit(2);
}
const embeddings = Object.fromEntries(
  Object.entries(process.env).flatMap(([name, value]) =>
    name.startsWith('LORELAI_EMBEDDINGS_') && value !== undefined ? [[name, value]] : [],
  ),
);
const scratch = await mkdtemp(join(tmpdir(), 'retrieval-bench-'));
try {
  const figures = await benchRetrieval({ scratch, folder: values.collection, person: values.person, distractors: scale, embeddings });
  process.stdout.write(values.json === true ? `${JSON.stringify(figures)}\n` : `${JSON.stringify(figures, undefined, 2)}\n`);
} finally {
  await rm(scratch, { recursive: true, force: true });
}
