import type { Actor } from '../domain/caller.ts';
import type { Json } from '../domain/json.ts';
import { VERSION_STATES, type VersionState } from '../domain/version-state.ts';
import { operation } from './database.ts';
import type { Database, Operation } from './database.ts';
import { defineStatement } from './statement.ts';
import type { Columns, NoParams } from './statement.ts';

/** One version of a datasource that the host knows. */
export interface StoredVersion {
  name: string;
  version: string;
  digest: string;
  manifest: Json;
  inspection: Json;
  /** Where its file came from, in words. */
  origin: string;
  /** Who vouches for it. */
  trust: Json;
  state: VersionState;
  /** Why it is in that state, where that is not plain. */
  reason: string | undefined;
  /** Until then the host that is upgrading to it is alive. */
  leaseUntilMs: number | undefined;
  addedAtMs: number;
  updatedAtMs: number;
}

export interface NewVersion {
  name: string;
  version: string;
  digest: string;
  manifest: object;
  inspection: object;
  origin: string;
  trust: object;
  nowMs: number;
}

/** A version that was being upgraded to, and its state before. */
export interface LeftBehind {
  name: string;
  version: string;
  before: VersionState;
}

/** A change of state, for the history. */
export interface Transition {
  name: string;
  version: string;
  /** Undefined for the first. */
  from: VersionState | undefined;
  to: VersionState;
  actor: Actor;
  reason: string;
  nowMs: number;
}

export interface StoredTransition {
  id: number;
  version: string;
  from: string | undefined;
  to: string;
  /** Kind and id. */
  actor: string;
  reason: string;
  atMs: number;
}

const COLUMNS = 'name, version, digest, manifest, inspection, origin, trust, state, reason, lease_until_ms, added_at_ms, updated_at_ms';

/** The statement that fails when another file has the number of a new version already. */
export const VERSION_ADDED = 'datasource_versions.add';

type NewParams = Record<'name' | 'version' | 'digest' | 'manifest' | 'inspection' | 'origin' | 'trust', string> & { nowMs: number };

// What was removed may come again, with other bytes too, and so may what came from this machine, for its author's sake; the
// bytes of any other version stay what they are.
const ADD = defineStatement<NewParams>(
  VERSION_ADDED,
  `INSERT INTO datasource_versions (name, version, digest, manifest, inspection, origin, trust, state, added_at_ms, updated_at_ms)
   VALUES (:name, :version, :digest, :manifest, :inspection, :origin, :trust, 'inspected', :nowMs, :nowMs)
   ON CONFLICT (name, version) DO UPDATE SET digest = excluded.digest, manifest = excluded.manifest,
     inspection = excluded.inspection, origin = excluded.origin, trust = excluded.trust,
     state = iif(state = 'removed', 'inspected', state), reason = NULL, updated_at_ms = excluded.updated_at_ms
   WHERE state = 'removed' OR digest = excluded.digest
     OR (trust ->> 'kind' = 'local' AND excluded.trust ->> 'kind' = 'local')`,
);

// The state that it had is part of the condition: of two who change it one is told.
const MOVE = defineStatement<{
  name: string;
  version: string;
  from: string;
  to: string;
  reason: string | null;
  leaseUntilMs: number | null;
  nowMs: number;
}>(
  'datasource_versions.move',
  `UPDATE datasource_versions SET state = :to, reason = :reason, lease_until_ms = :leaseUntilMs, updated_at_ms = :nowMs
   WHERE name = :name AND version = :version AND state = :from`,
);

const RECORD = defineStatement<Record<'name' | 'version' | 'to' | 'actor' | 'reason', string> & { from: string | null; nowMs: number }>(
  'datasource_transitions.insert',
  `INSERT INTO datasource_transitions (name, version, from_state, to_state, actor, reason, at_ms)
   VALUES (:name, :version, :from, :to, :actor, :reason, :nowMs)`,
);

const GET = defineStatement<{ name: string; version: string }, StoredVersion>(
  'datasource_versions.get',
  `SELECT ${COLUMNS} FROM datasource_versions WHERE name = :name AND version = :version`,
  toVersion,
);

const LIST = defineStatement<{ name: string }, StoredVersion>(
  'datasource_versions.list',
  `SELECT ${COLUMNS} FROM datasource_versions WHERE name = :name AND state <> 'removed'`,
  toVersion,
);

const LIST_ALL = defineStatement<NoParams, StoredVersion>(
  'datasource_versions.list-all',
  `SELECT ${COLUMNS} FROM datasource_versions WHERE state <> 'removed' ORDER BY name`,
  toVersion,
);

const EXTEND = defineStatement<{ name: string; version: string; leaseUntilMs: number }>(
  'datasource_versions.extend',
  `UPDATE datasource_versions SET lease_until_ms = :leaseUntilMs WHERE name = :name AND version = :version AND state = 'upgrading'`,
);

const LEFT_BEHIND = defineStatement<{ nowMs: number }, LeftBehind>(
  'datasource_versions.left-behind',
  `SELECT name, version, (SELECT from_state FROM datasource_transitions AS last
       WHERE last.name = datasource_versions.name AND last.version = datasource_versions.version AND last.to_state = 'upgrading'
       ORDER BY last.id DESC LIMIT 1) AS before
   FROM datasource_versions WHERE state = 'upgrading' AND coalesce(lease_until_ms, 0) <= :nowMs`,
  (row) => ({ name: row.text('name'), version: row.text('version'), before: row.oneOf('before', VERSION_STATES) }),
);

const DIGESTS = defineStatement<NoParams, string>(
  'datasource_versions.digests',
  `SELECT digest FROM datasource_versions WHERE state <> 'removed' UNION SELECT digest FROM datasource_registry`,
  (row) => row.text('digest'),
);

const HISTORY = defineStatement<{ name: string; before: number; limit: number }, StoredTransition>(
  'datasource_transitions.list',
  `SELECT id, version, from_state, to_state, actor, reason, at_ms FROM datasource_transitions
   WHERE name = :name AND id < :before ORDER BY id DESC LIMIT :limit`,
  (row) => ({
    id: row.number('id'),
    version: row.text('version'),
    from: row.optionalText('from_state'),
    to: row.text('to_state'),
    actor: row.text('actor'),
    reason: row.text('reason'),
    atMs: row.number('at_ms'),
  }),
);

/** Registers a version that was judged; a guard, `VERSION_ADDED`, that fails when another file has this number already. */
export function addVersion(input: NewVersion): Operation {
  const { manifest, inspection, trust, ...rest } = input;
  const documents = { manifest: JSON.stringify(manifest), inspection: JSON.stringify(inspection), trust: JSON.stringify(trust) };
  return operation(ADD, { ...rest, ...documents }, { expectChanges: 1 });
}

/** Changes the state of a version and keeps it in the history; a guard that fails when it is no longer in the state before. */
export function moveVersion(transition: Transition, leaseUntilMs: number | null = null): Operation[] {
  const { name, version, from, to, reason, nowMs } = transition;
  if (from === undefined) return [recordTransition(transition)];
  return [operation(MOVE, { name, version, from, to, reason, leaseUntilMs, nowMs }, { expectChanges: 1 }), recordTransition(transition)];
}

/** For the history alone. */
export function recordTransition({ name, version, from, to, actor, reason, nowMs }: Transition): Operation {
  return operation(RECORD, { name, version, from: from ?? null, to, actor: `${actor.kind}/${actor.id}`, reason, nowMs });
}

export async function getVersion(database: Database, name: string, version: string): Promise<StoredVersion | undefined> {
  return database.readOne(GET, { name, version });
}

/** Those that are not removed, in no order. */
export async function listVersions(database: Database, name: string): Promise<StoredVersion[]> {
  return database.read(LIST, { name });
}

/** Of every datasource, by name. */
export async function listAllVersions(database: Database): Promise<StoredVersion[]> {
  return database.read(LIST_ALL, {});
}

/** The host that is upgrading to a version is alive until then. */
export function extendUpgrade(name: string, version: string, leaseUntilMs: number): Operation {
  return operation(EXTEND, { name, version, leaseUntilMs });
}

/** Of all components that some version needs. */
export async function listDigests(database: Database): Promise<string[]> {
  return database.read(DIGESTS, {});
}

/** Upgrades that no living host is at. */
export async function listLeftBehind(database: Database, nowMs: number): Promise<LeftBehind[]> {
  return database.read(LEFT_BEHIND, { nowMs });
}

/** Newest first; those with an id below `before`. */
export async function listTransitions(database: Database, name: string, before: number, limit: number): Promise<StoredTransition[]> {
  return database.read(HISTORY, { name, before, limit });
}

function toVersion(row: Columns): StoredVersion {
  return {
    name: row.text('name'),
    version: row.text('version'),
    digest: row.text('digest'),
    manifest: row.json('manifest'),
    inspection: row.json('inspection'),
    origin: row.text('origin'),
    trust: row.json('trust'),
    state: row.oneOf('state', VERSION_STATES),
    reason: row.optionalText('reason'),
    leaseUntilMs: row.optionalNumber('lease_until_ms'),
    addedAtMs: row.number('added_at_ms'),
    updatedAtMs: row.number('updated_at_ms'),
  };
}
