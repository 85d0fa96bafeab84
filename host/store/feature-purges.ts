import { ulid } from 'ulid';
import { DELIVERIES_STREAM } from '../domain/run-kind.ts';
import { forgetProgress } from './checkpoints.ts';
import { ExpectationError, operation } from './database.ts';
import type { Database, Operation } from './database.ts';
import { nextPiece, purgePiece } from './removals.ts';
import { defineStatement } from './statement.ts';

/** A feature of one connection whose documents are being deleted, and the right to do so. */
export interface FeaturePurge {
  organisation: string;
  connection: string;
  feature: string;
  /** Made anew each time that it is taken. */
  owner: string;
}

/** What is left to be purged. */
export interface PurgesLeft {
  connections: number;
  documents: number;
}

/** Behind a piece the lease holds for so long; a host that dies is stood in for after that. */
const LEASE_MS = 30_000;
/** A purge that waits for a call under way is looked at again after that. */
const AGAIN_AFTER_MS = 1_000;

const WANT_ALL = defineStatement<{ datasource: string; feature: string; nowMs: number }>(
  'feature_purges.want-all',
  `INSERT INTO feature_purges (connection_id, feature, requested_at_ms)
   SELECT id, :feature, :nowMs FROM connections WHERE datasource_name = :datasource AND removed_at_ms IS NULL
   ON CONFLICT (connection_id, feature) DO NOTHING`,
);

const WANT = defineStatement<{ connection: string; feature: string; nowMs: number }>(
  'feature_purges.want',
  `INSERT INTO feature_purges (connection_id, feature, requested_at_ms) VALUES (:connection, :feature, :nowMs)
   ON CONFLICT (connection_id, feature) DO NOTHING`,
);

const NONE_OF_ALL = defineStatement<{ datasource: string; feature: string }>(
  'feature_purges.none-of-datasource',
  `UPDATE feature_purges SET feature = feature WHERE feature = :feature
     AND connection_id IN (SELECT id FROM connections WHERE datasource_name = :datasource AND removed_at_ms IS NULL)`,
);

const NONE = defineStatement<{ connection: string; feature: string }>(
  'feature_purges.none',
  'UPDATE feature_purges SET feature = feature WHERE connection_id = :connection AND feature = :feature',
);

const TAKE = defineStatement<{ owner: string; nowMs: number; untilMs: number }, Omit<FeaturePurge, 'owner'>>(
  'feature_purges.take',
  `UPDATE feature_purges SET lease_owner = :owner, lease_until_ms = :untilMs
   WHERE (connection_id, feature) = (SELECT connection_id, feature FROM feature_purges WHERE lease_until_ms <= :nowMs
     ORDER BY lease_until_ms, requested_at_ms LIMIT 1)
   RETURNING connection_id, feature, (SELECT organisation_id FROM connections WHERE id = connection_id) AS organisation_id`,
  (row) => ({ organisation: row.text('organisation_id'), connection: row.text('connection_id'), feature: row.text('feature') }),
);

type Held = { connection: string; feature: string; owner: string };

const HOLD = defineStatement<Held & { untilMs: number }>(
  'feature_purges.hold',
  `UPDATE feature_purges SET lease_until_ms = :untilMs WHERE connection_id = :connection AND feature = :feature AND lease_owner = :owner`,
);

// A call that began before the feature was switched off may still bring documents: the purge ends behind it.
const END = defineStatement<Held>(
  'feature_purges.end',
  `DELETE FROM feature_purges WHERE connection_id = :connection AND feature = :feature AND lease_owner = :owner
     AND NOT EXISTS (SELECT 1 FROM documents WHERE connection_id = :connection AND feature = :feature)
     AND NOT EXISTS (SELECT 1 FROM runs JOIN run_features ON run_features.run_id = runs.id
       WHERE runs.connection_id = :connection AND runs.state = 'running' AND run_features.state = 'running'
         AND run_features.feature IN (:feature, '${DELIVERIES_STREAM}'))`,
);

type Key = { connection: string; feature: string };

// Whatever would let a later run believe that the documents are there.
const FORGET = ['kept_checkpoints', 'failed_items'].map((table) =>
  defineStatement<Key>(`${table}.purge-feature`, `DELETE FROM ${table} WHERE connection_id = :connection AND feature = :feature`),
);

const LEFT = defineStatement<{ datasource: string; feature: string; connection: string }, PurgesLeft>(
  'feature_purges.left',
  `SELECT count(*) AS connections, coalesce(sum((SELECT count(*) FROM documents
     WHERE documents.connection_id = feature_purges.connection_id AND documents.feature = feature_purges.feature)), 0) AS documents
   FROM feature_purges JOIN connections ON connections.id = feature_purges.connection_id
   WHERE connections.datasource_name = :datasource AND feature_purges.feature = :feature AND :connection IN ('', connections.id)`,
  (row) => ({ connections: row.number('connections'), documents: row.number('documents') }),
);

/** Asks for the documents of a feature to be deleted, of every connection of the datasource. */
export function wantPurges(datasource: string, feature: string, nowMs: number): Operation {
  return operation(WANT_ALL, { datasource, feature, nowMs });
}

/** The same of one connection. */
export function wantPurge(connection: string, feature: string, nowMs: number): Operation {
  return operation(WANT, { connection, feature, nowMs });
}

/** A guard: fails while documents of the feature are being deleted, of any connection of the datasource. */
export function guardNoPurges(datasource: string, feature: string): Operation {
  return operation(NONE_OF_ALL, { datasource, feature }, { expectChanges: 0 });
}

/** The same of one connection. */
export function guardNoPurge(connection: string, feature: string): Operation {
  return operation(NONE, { connection, feature }, { expectChanges: 0 });
}

/** Whether a transaction failed because of one of these guards. */
export function isPurging(error: unknown): boolean {
  return error instanceof ExpectationError && (error.statement === NONE_OF_ALL.name || error.statement === NONE.name);
}

/** Of one connection, or of all of a datasource. */
export async function purgesLeft(
  database: Database,
  of: { datasource: string; feature: string; connection?: string },
): Promise<PurgesLeft> {
  return (await database.readOne(LEFT, { ...of, connection: of.connection ?? '' })) ?? { connections: 0, documents: 0 };
}

/** Takes a purge that nobody is at; undefined when there is none. */
export async function takePurge(database: Database, nowMs: number): Promise<FeaturePurge | undefined> {
  const owner = ulid();
  const result = await database.write([operation(TAKE, { owner, nowMs, untilMs: nowMs + LEASE_MS })]);
  const [taken] = result.rows(0, TAKE);
  return taken === undefined ? undefined : { ...taken, owner };
}

/**
 * Deletes the documents of a purge that was taken, in pieces that let other writes through, then lets the feature begin at the
 * beginning. Stops when somebody else has taken it; leaves the end to a later look while a call may still bring documents.
 */
export async function workOnPurge(database: Database, { organisation, ...purge }: FeaturePurge): Promise<void> {
  const { connection, feature } = purge;
  const hold = (forMs: number): Operation => operation(HOLD, { ...purge, untilMs: Date.now() + forMs }, { expectChanges: 1 });
  try {
    for (let ids = await nextPiece(database, connection, feature); ids.length > 0; ids = await nextPiece(database, connection, feature)) {
      await database.write([hold(LEASE_MS), ...purgePiece(organisation, connection, ids)]);
    }
    const forgotten = FORGET.map((statement) => operation(statement, { connection, feature }));
    await database.write([operation(END, purge, { expectChanges: 1 }), ...forgetProgress(connection, feature), ...forgotten]);
  } catch (error) {
    if (!(error instanceof ExpectationError)) throw error;
    if (error.statement === END.name) await database.write([operation(HOLD, { ...purge, untilMs: Date.now() + AGAIN_AFTER_MS })]);
  }
}
