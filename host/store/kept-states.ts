import { operation } from './database.ts';
import type { Operation } from './database.ts';
import { defineStatement } from './statement.ts';

const OF_DATASOURCE = 'connection_id IN (SELECT id FROM connections WHERE datasource_name = :datasource)';

type Whose = { datasource: string };

const CHECKPOINTS = 'connection_id, feature, checkpoint, run_id, updated_at_ms';
const COLLECTIONS = 'connection_id, collection, key, value';

const forget = (table: string): ReturnType<typeof defineStatement<Whose>> =>
  defineStatement<Whose>(`${table}.forget`, `DELETE FROM ${table} WHERE ${OF_DATASOURCE}`);

const copy = (from: string, to: string, columns: string): ReturnType<typeof defineStatement<Whose>> =>
  defineStatement<Whose>(`${to}.copy`, `INSERT INTO ${to} (${columns}) SELECT ${columns} FROM ${from} WHERE ${OF_DATASOURCE}`);

const FORGET_KEPT = [forget('kept_checkpoints'), forget('kept_collections')];
const FORGET_CURRENT = [forget('checkpoints'), forget('datasource_collections'), forget('passes')];
const KEEP = [copy('checkpoints', 'kept_checkpoints', CHECKPOINTS), copy('datasource_collections', 'kept_collections', COLLECTIONS)];
const BRING_BACK = [copy('kept_checkpoints', 'checkpoints', CHECKPOINTS), copy('kept_collections', 'datasource_collections', COLLECTIONS)];

/** Keeps where all connections of a datasource stand, in place of what was kept before. */
export function keepStates(datasource: string): Operation[] {
  return [...FORGET_KEPT, ...KEEP].map((statement) => operation(statement, { datasource }));
}

/** Puts all connections of a datasource back to where they stood. */
export function bringBackStates(datasource: string): Operation[] {
  return [...FORGET_CURRENT, ...BRING_BACK, ...FORGET_KEPT].map((statement) => operation(statement, { datasource }));
}

/** All connections of a datasource begin afresh with their next run. */
export function forgetStates(datasource: string): Operation[] {
  return FORGET_CURRENT.map((statement) => operation(statement, { datasource }));
}
