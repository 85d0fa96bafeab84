import type { Problem } from '../domain/errors.ts';
import type { FeatureState } from '../domain/run-kind.ts';
import { operation } from './database.ts';
import type { Database, Operation } from './database.ts';
import { guardLease, withLease } from './leases.ts';
import type { Lease } from './leases.ts';
import { defineStatement } from './statement.ts';

const MAX_PROBLEMS_KEPT = 100;

const SET_STATE = defineStatement<{ run: string; feature: string; state: string; reason: string | null }>(
  'run_features.set-state',
  'UPDATE run_features SET state = :state, reason = :reason WHERE run_id = :run AND feature = :feature',
);

// changes() is what the statement before it deleted: see `commitBatch`.
const ADD = defineStatement<{
  run: string;
  feature: string;
  state: string;
  seen: number;
  expected: number | null;
  upserted: number;
  unchanged: number;
  skipped: number;
  failed: number;
}>(
  'run_features.add',
  `UPDATE run_features SET deleted = deleted + changes(), state = :state, reason = NULL, batches = batches + 1,
     seen = seen + :seen, expected = coalesce(:expected, expected),
     upserted = upserted + :upserted, unchanged = unchanged + :unchanged, skipped = skipped + :skipped, failed = failed + :failed
   WHERE run_id = :run AND feature = :feature`,
);

const PROGRESSED = defineStatement<{ run: string; problems: number }>(
  'runs.progressed',
  'UPDATE runs SET attempts = 0, problem_count = problem_count + :problems WHERE id = :run',
);

const COUNT_PROBLEMS = defineStatement<{ run: string; problems: number }>(
  'runs.count-problems',
  'UPDATE runs SET problem_count = problem_count + :problems WHERE id = :run',
);

const INSERT_PROBLEM = defineStatement<{ run: string; feature: string; path: string; reason: string; remedy: string; most: number }>(
  'run_problems.insert',
  `INSERT INTO run_problems (run_id, position, feature, path, reason, remedy)
   SELECT :run, count(*), :feature, :path, :reason, :remedy FROM run_problems WHERE run_id = :run HAVING count(*) < :most`,
);

/** What a batch adds to its feature's progress. */
export interface BatchProgress {
  run: string;
  feature: string;
  done: boolean;
  seen: number;
  expected: number | undefined;
  upserted: number;
  unchanged: number;
  problems: readonly Problem[];
  /** Of `problems`: what the host itself could not use. */
  failed: number;
}

/** Ends a feature other than by its last batch, or starts it, with what went wrong; `alongside` happens in the same transaction. `LeaseLostError`. */
export async function setRunFeature(
  database: Database,
  lease: Lease,
  input: { feature: string; state: FeatureState; reason?: string; problems?: readonly Problem[]; alongside?: readonly Operation[] },
): Promise<void> {
  const { feature, state, reason = null, problems = [], alongside = [] } = input;
  await withLease(lease, () =>
    database.write([
      guardLease(lease),
      operation(SET_STATE, { run: lease.run, feature, state, reason }, { expectChanges: 1 }),
      operation(COUNT_PROBLEMS, { run: lease.run, problems: problems.length }),
      ...insertProblems(lease.run, feature, problems),
      ...alongside,
    ]),
  );
}

/** The progress part of a batch's transaction; must come right after the statement that deletes documents. */
export function addProgress(progress: BatchProgress): Operation[] {
  const { run, feature, seen, upserted, unchanged, problems, failed } = progress;
  const state: FeatureState = progress.done ? 'done' : 'running';
  const expected = progress.expected ?? null;
  return [
    operation(ADD, { run, feature, state, seen, expected, upserted, unchanged, skipped: problems.length, failed }, { expectChanges: 1 }),
    operation(PROGRESSED, { run, problems: problems.length }),
    ...insertProblems(run, feature, problems),
  ];
}

function insertProblems(run: string, feature: string, problems: readonly Problem[]): Operation[] {
  return problems
    .slice(0, MAX_PROBLEMS_KEPT)
    .map(({ path, reason, remedy }) => operation(INSERT_PROBLEM, { run, feature, path, reason, remedy, most: MAX_PROBLEMS_KEPT }));
}
