import { operation } from './database.ts';
import type { Database, Operation } from './database.ts';
import { defineStatement } from './statement.ts';

/** What a call did to one metric: added to a counter, or set a gauge. `value` is finite. */
export interface MetricWrite {
  name: string;
  kind: 'add' | 'set';
  value: number;
}

type Params = { connection: string; name: string; value: number; nowMs: number };

const ADD = defineStatement<Params>(
  'datasource_metrics.add',
  `INSERT INTO datasource_metrics (connection_id, name, value, updated_at_ms) VALUES (:connection, :name, :value, :nowMs)
   ON CONFLICT (connection_id, name) DO UPDATE SET value = value + excluded.value, updated_at_ms = excluded.updated_at_ms`,
);

const SET = defineStatement<Params>(
  'datasource_metrics.set',
  `INSERT INTO datasource_metrics (connection_id, name, value, updated_at_ms) VALUES (:connection, :name, :value, :nowMs)
   ON CONFLICT (connection_id, name) DO UPDATE SET value = excluded.value, updated_at_ms = excluded.updated_at_ms`,
);

const LIST = defineStatement<{ connection: string }, [name: string, value: number]>(
  'datasource_metrics.list',
  'SELECT name, value FROM datasource_metrics WHERE connection_id = :connection ORDER BY name',
  (row) => [row.text('name'), row.number('value')],
);

/** The metrics of a connection by name. */
export async function listMetrics(database: Database, connection: string): Promise<Record<string, number>> {
  return Object.fromEntries(await database.read(LIST, { connection }));
}

/** Metric writes as part of a batch's transaction, in order. */
export function writeMetrics(connection: string, writes: readonly MetricWrite[], nowMs: number): Operation[] {
  return writes.map(({ kind, name, value }) => operation(kind === 'add' ? ADD : SET, { connection, name, value, nowMs }));
}
