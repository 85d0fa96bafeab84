import type { SealedKind } from '../domain/sealed-kind.ts';
import { operation } from './database.ts';
import type { Database } from './database.ts';
import { defineStatement } from './statement.ts';
import type { NoParams, Statement } from './statement.ts';

/** A sealed value with what it is bound to. `connection` is as the vault names homes. */
export interface SealedValue {
  organisation: string;
  connection: string;
  kind: SealedKind;
  /** Where it lies, for `replaceSealed`. */
  id: string;
  sealed: Uint8Array;
}

type Page = { after: string; limit: number };

/** One place where sealed values lie: a new one is added here, or it is left behind when the master key changes. */
interface Place {
  list: Statement<Page, SealedValue>;
  replace: Statement<{ id: string; before: Uint8Array; sealed: Uint8Array }, never>;
  count: Statement<NoParams, KeyCount>;
}

interface KeyCount {
  /** Of the master key, in hexadecimal; undefined for values that do not say. */
  key: string | undefined;
  values: number;
}

const PLACES: readonly Place[] = [
  place('credential', 'connections', { column: 'credential', id: 'id', connection: 'id' }),
  place('tokens', 'authorisations', { column: 'sealed', id: 'connection_id', connection: 'connection_id' }),
  place('attempt', 'authorisation_attempts', { column: 'sealed', id: 'id', connection: 'id' }),
  place('variable', 'datasource_variables', {
    column: 'sealed',
    id: `organisation_id || '/' || datasource_name || '/' || name`,
    connection: `datasource_name || '/' || name`,
  }),
  place('webhook', 'webhooks', {
    column: 'sealed_secret',
    id: 'connection_id',
    connection: 'connection_id',
    organisation: '(SELECT organisation_id FROM connections WHERE id = connection_id)',
  }),
];

// The first byte of a sealed value is its format, and format 2 goes on with eight bytes that name the key.
function place(
  kind: SealedKind,
  table: string,
  { column, id, connection, organisation = 'organisation_id' }: { column: string; id: string; connection: string; organisation?: string },
): Place {
  return {
    list: defineStatement<Page, SealedValue>(
      `${table}.sealed`,
      `SELECT ${organisation} AS organisation, ${connection} AS connection, ${id} AS place, ${column} AS sealed FROM ${table}
       WHERE ${column} IS NOT NULL AND ${id} > :after ORDER BY place LIMIT :limit`,
      (row) => ({
        organisation: row.text('organisation'),
        connection: row.text('connection'),
        kind,
        id: row.text('place'),
        sealed: row.bytes('sealed'),
      }),
    ),
    replace: defineStatement<{ id: string; before: Uint8Array; sealed: Uint8Array }>(
      `${table}.reseal`,
      `UPDATE ${table} SET ${column} = :sealed WHERE ${id} = :id AND ${column} = :before`,
    ),
    count: defineStatement<NoParams, KeyCount>(
      `${table}.keys`,
      `SELECT CASE WHEN substr(${column}, 1, 1) = x'02' THEN lower(hex(substr(${column}, 2, 8))) END AS key, count(*) AS number
       FROM ${table} WHERE ${column} IS NOT NULL GROUP BY 1`,
      (row) => ({ key: row.optionalText('key'), values: row.number('number') }),
    ),
  };
}

/** Every sealed value, in pieces. What is sealed while it goes on may be missed: it is sealed under the newest key anyway. */
export async function* sealedValues(database: Database): AsyncGenerator<SealedValue> {
  for (const { list } of PLACES) {
    for (let after = ''; ;) {
      const piece = await database.read(list, { after, limit: 100 });
      yield* piece;
      const last = piece.at(-1);
      if (last === undefined) break;
      after = last.id;
    }
  }
}

/** Puts the same secret, sealed anew, in place of itself. False when it has changed meanwhile. */
export async function replaceSealed(database: Database, value: SealedValue, sealed: Uint8Array): Promise<boolean> {
  const found = PLACES[KINDS.indexOf(value.kind)];
  if (found === undefined) throw new TypeError(`nothing of kind ${value.kind} is kept`);
  const written = await database.write([operation(found.replace, { id: value.id, before: value.sealed, sealed })]);
  return written.changes(0) === 1;
}

const KINDS: readonly SealedKind[] = ['credential', 'tokens', 'attempt', 'variable', 'webhook'];

/** How many values each master key seals. */
export async function countSealedByKey(database: Database): Promise<KeyCount[]> {
  const counts = new Map<string | undefined, number>();
  for (const { count } of PLACES) {
    for (const { key, values } of await database.read(count, {})) counts.set(key, (counts.get(key) ?? 0) + values);
  }
  return [...counts].map(([key, values]) => ({ key, values }));
}

// Whoever moves the time forward has the work: another host finds nothing due.
const TAKE = defineStatement<{ nowMs: number; againMs: number }>(
  'vault-rotation.take',
  'UPDATE vault_rotation SET due_ms = :againMs WHERE id = 1 AND due_ms <= :nowMs',
);

const FINISH = defineStatement<{ nowMs: number; dueMs: number; failed: number }>(
  'vault-rotation.finish',
  'UPDATE vault_rotation SET finished_ms = :nowMs, due_ms = :dueMs, failed = :failed WHERE id = 1',
);

const LAST = defineStatement<NoParams, { finishedAtMs: number | undefined; failed: number }>(
  'vault-rotation.last',
  'SELECT finished_ms, failed FROM vault_rotation',
  (row) => ({ finishedAtMs: row.optionalNumber('finished_ms'), failed: row.number('failed') }),
);

/** Whether this host should look for values under old keys now; another one does not before `againMs`. */
export async function takeRotation(database: Database, nowMs: number, againMs: number): Promise<boolean> {
  return (await database.write([operation(TAKE, { nowMs, againMs })])).changes(0) === 1;
}

/** `failed`: values that could not be opened. */
export async function finishRotation(
  database: Database,
  { nowMs, dueMs, failed }: { nowMs: number; dueMs: number; failed: number },
): Promise<void> {
  await database.write([operation(FINISH, { nowMs, dueMs, failed })]);
}

export async function lastRotation(database: Database): Promise<{ finishedAtMs: number | undefined; failed: number }> {
  return (await database.readOne(LAST, {})) ?? { finishedAtMs: undefined, failed: 0 };
}
