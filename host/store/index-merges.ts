import { operation, type Database } from './database.ts';
import { searchIndexOf } from './search-index.ts';
import { defineStatement, type NoParams } from './statement.ts';

/** Of a step: about 10 ms in which nothing else is written. */
const PAGES_PER_STEP = 64;
/** A step that changes fewer rows had nothing to merge (https://sqlite.org/fts5.html#the_merge_command). */
const FEWEST_CHANGES = 2;

const CHANGES = defineStatement<NoParams, number>('store.total-changes', 'SELECT total_changes() AS changes', (row) =>
  row.number('changes'),
);

/**
 * Merges some of the parts that an organisation's search index is in, of which each commit adds one and each question reads
 * all. Gives whether there is more to merge: when there is not, no size has four or more parts.
 */
export async function mergeIndex(database: Database, organisation: string): Promise<boolean> {
  const { entries } = searchIndexOf(organisation);
  const merge = defineStatement<{ pages: number }>(
    'passages_fts.merge',
    `INSERT INTO ${entries} (${entries}, rank) VALUES ('merge', :pages)`,
  );
  const count = operation(CHANGES, {});
  const result = await database.write([count, operation(merge, { pages: PAGES_PER_STEP }), count]);
  const [before, after] = [result.rows(0, CHANGES)[0] ?? 0, result.rows(2, CHANGES)[0] ?? 0];
  return after - before >= FEWEST_CHANGES;
}
