import { prepareBatch } from '../../indexing/prepare.ts';
import { commitBatch } from '../../store/batch.ts';
import { countKept, nextKept } from '../../store/failed-items.ts';
import { setRunFeature } from '../../store/run-progress.ts';
import { isEnabled, type FeatureEnd, type RunPartOptions } from './run-calls.ts';

/** Items at a time: each may be some megabytes. */
const ITEMS_PER_BATCH = 4;

/**
 * Takes up again what the host kept of failed items of a feature, each as it came, without asking the source. What comes well is
 * off the list; the rest stays on it with its new reason. `LeaseLostError`.
 */
export async function retryFeature(options: RunPartOptions, feature: string): Promise<FeatureEnd> {
  const { database, lease, run, signal, leaseMs } = options;
  const home = { organisation: run.organisation, connection: run.connection, feature };
  // In this order: once a feature is off, a call of it that could still bring documents is known by its state.
  await setRunFeature(database, lease, { feature, state: 'running' });
  const target = await options.targets.load(run.organisation, run.connection);
  if (!isEnabled(target, feature)) {
    await setRunFeature(database, lease, { feature, state: 'skipped', reason: 'it is switched off' });
    return { kind: 'ended' };
  }
  const { datasource } = target;
  const expected = await countKept(database, home);
  let after = '';
  for (;;) {
    if (signal.aborted) return { kind: 'aborted' };
    const documents = await nextKept(database, home, after, ITEMS_PER_BATCH);
    const last = documents.at(-1);
    if (last === undefined) break;
    after = last.id;
    const changes = documents.map((document) => ({ kind: 'upsert' as const, document }));
    // As if nothing were known of them: the same content would be left as it is otherwise.
    const prepared = await prepareBatch({ changes }, new Map(), { ...options, owner: `${run.organisation}/${datasource.name}` });
    if (prepared === undefined) return { kind: 'aborted' };
    const failed = new Set(prepared.unread);
    const nowMs = Date.now();
    const { cancelRequested } = await commitBatch(database, {
      ...home,
      lease,
      leaseUntilMs: nowMs + leaseMs,
      datasource: datasource.name,
      changes: prepared.changes,
      checkpoint: undefined,
      done: false,
      progress: { seen: documents.length, expected },
      problems: prepared.problems,
      unusable: new Map(documents.filter(({ id }) => failed.has(id)).map((document) => [document.id, document])),
      storage: [],
      metrics: [],
      nowMs,
    });
    await options.onBatch();
    if (cancelRequested) return { kind: 'cancelled' };
  }
  await setRunFeature(database, lease, { feature, state: 'done' });
  return { kind: 'ended' };
}
