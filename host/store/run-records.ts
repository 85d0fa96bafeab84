import type { Problem } from '../domain/errors.ts';
import { FEATURE_STATES, RUN_KINDS, RUN_STARTERS, RUN_STATES } from '../domain/run-kind.ts';
import type { RunKind, RunStarter, RunState } from '../domain/run-kind.ts';
import type { RunFeature } from '../domain/run-progress.ts';
import type { Database } from './database.ts';
import { defineStatement } from './statement.ts';
import type { Columns } from './statement.ts';

/** One indexing job of a connection. */
export interface StoredRun {
  id: string;
  organisation: string;
  connection: string;
  kind: RunKind;
  startedBy: RunStarter;
  state: RunState;
  reason: string | undefined;
  /** In the order that the run was created with. */
  features: RunFeature[];
  /** The first 100; `problemCount` counts them all. */
  problems: (Problem & { feature: string })[];
  problemCount: number;
  cancelRequested: boolean;
  /** Claims since the last batch was committed, this one included. */
  attempts: number;
  leaseUntilMs: number | undefined;
  /** How long it was worked on until `workedSinceMs`, which it has while somebody works on it. */
  workedMs: number;
  workedSinceMs: number | undefined;
  wakeAtMs: number | undefined;
  createdAtMs: number;
  startedAtMs: number | undefined;
  finishedAtMs: number | undefined;
}

/** A run without its features and problems, as its own row holds it. */
export type RunRow = Omit<StoredRun, 'features' | 'problems'>;

export const RUN_COLUMNS = `id, organisation_id, connection_id, kind, started_by, state, reason, problem_count, cancel_requested, attempts,
  lease_until_ms, worked_ms, worked_since_ms, wake_at_ms, created_at_ms, started_at_ms, finished_at_ms`;

const FEATURES = defineStatement<{ runs: string }, { run: string; feature: RunFeature }>(
  'run_features.list',
  `SELECT run_id, feature, state, reason, batches, seen, expected, upserted, unchanged, deleted, skipped, failed
   FROM run_features WHERE run_id IN (SELECT value FROM json_each(:runs)) ORDER BY run_id, position`,
  (row) => ({ run: row.text('run_id'), feature: toFeature(row) }),
);

const PROBLEMS = defineStatement<{ runs: string }, { run: string; problem: Problem & { feature: string } }>(
  'run_problems.list',
  `SELECT run_id, feature, path, reason, remedy
   FROM run_problems WHERE run_id IN (SELECT value FROM json_each(:runs)) ORDER BY run_id, position`,
  (row) => ({
    run: row.text('run_id'),
    problem: { feature: row.text('feature'), path: row.text('path'), reason: row.text('reason'), remedy: row.text('remedy') },
  }),
);

/** Adds features and problems to runs, with two queries however many there are. */
export async function completeRuns(database: Database, rows: readonly RunRow[]): Promise<StoredRun[]> {
  const runs = JSON.stringify(rows.map((row) => row.id));
  const [features, problems] = await Promise.all([database.read(FEATURES, { runs }), database.read(PROBLEMS, { runs })]);
  const featuresOf = Map.groupBy(features, (entry) => entry.run);
  const problemsOf = Map.groupBy(problems, (entry) => entry.run);
  return rows.map((row) => ({
    ...row,
    features: (featuresOf.get(row.id) ?? []).map((entry) => entry.feature),
    problems: (problemsOf.get(row.id) ?? []).map((entry) => entry.problem),
  }));
}

export function toRunRow(row: Columns): RunRow {
  return {
    id: row.text('id'),
    organisation: row.text('organisation_id'),
    connection: row.text('connection_id'),
    kind: row.oneOf('kind', RUN_KINDS),
    startedBy: row.oneOf('started_by', RUN_STARTERS),
    state: row.oneOf('state', RUN_STATES),
    reason: row.optionalText('reason'),
    problemCount: row.number('problem_count'),
    cancelRequested: row.flag('cancel_requested'),
    attempts: row.number('attempts'),
    leaseUntilMs: row.optionalNumber('lease_until_ms'),
    workedMs: row.number('worked_ms'),
    workedSinceMs: row.optionalNumber('worked_since_ms'),
    wakeAtMs: row.optionalNumber('wake_at_ms'),
    createdAtMs: row.number('created_at_ms'),
    startedAtMs: row.optionalNumber('started_at_ms'),
    finishedAtMs: row.optionalNumber('finished_at_ms'),
  };
}

function toFeature(row: Columns): RunFeature {
  return {
    feature: row.text('feature'),
    state: row.oneOf('state', FEATURE_STATES),
    reason: row.optionalText('reason'),
    batches: row.number('batches'),
    seen: row.number('seen'),
    expected: row.optionalNumber('expected'),
    upserted: row.number('upserted'),
    unchanged: row.number('unchanged'),
    deleted: row.number('deleted'),
    skipped: row.number('skipped'),
    failed: row.number('failed'),
  };
}
