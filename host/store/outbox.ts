import { operation } from './database.ts';
import type { Database } from './database.ts';
import { defineStatement } from './statement.ts';
import type { Columns, SqlValue } from './statement.ts';

/** A table of what is still to be told: a row waits until somebody has taken it. Several hosts deliver, one row each at a time. */
interface OutboxTable<Due> {
  /** Has the columns created_at_ms, due_ms and attempts besides its key. */
  table: string;
  /** The columns of its key. */
  key: readonly [string, string];
  /** SQL for the organisation that a row is of. */
  organisation: string;
  toDue(row: Columns): Due;
  /** The values of the key, in the same order. */
  keyOf(due: Due): readonly [SqlValue, SqlValue];
}

interface Outbox<Due> {
  /** Takes the one that has been due for longest, for one host until `untilMs`. */
  claim(database: Database, times: { nowMs: number; untilMs: number }): Promise<Due | undefined>;
  /** It was taken, or is given up. */
  end(database: Database, due: Due): Promise<void>;
  /** It is tried again at `dueMs`. */
  delay(database: Database, due: Due, dueMs: number): Promise<void>;
}

type Attempt = { first: SqlValue; second: SqlValue; attempts: number };

/** `attempts` of what is claimed includes this attempt. */
export function defineOutbox<Due extends { attempts: number }>({ table, key, organisation, toDue, keyOf }: OutboxTable<Due>): Outbox<Due> {
  const columns = key.join(', ');
  const anyDue = defineStatement<{ nowMs: number }, boolean>(
    `${table}.any-due`,
    `SELECT 1 AS due FROM ${table} WHERE due_ms <= :nowMs LIMIT 1`,
    (row) => row.flag('due'),
  );
  const claim = defineStatement<{ nowMs: number; untilMs: number }, Due>(
    `${table}.claim`,
    `UPDATE ${table} SET due_ms = :untilMs, attempts = attempts + 1
     WHERE (${columns}) = (SELECT ${columns} FROM ${table} WHERE due_ms <= :nowMs ORDER BY due_ms, ${key[0]} LIMIT 1)
     RETURNING ${columns}, created_at_ms, attempts, (${organisation}) AS organisation_id`,
    toDue,
  );
  // The number of the attempt keeps a host whose lease ran out from ending the attempt of another one.
  const isMine = `${key[0]} = :first AND ${key[1]} = :second AND attempts = :attempts`;
  const taken = defineStatement<Attempt>(`${table}.delete`, `DELETE FROM ${table} WHERE ${isMine}`);
  const later = defineStatement<Attempt & { dueMs: number }>(`${table}.later`, `UPDATE ${table} SET due_ms = :dueMs WHERE ${isMine}`);
  const attemptOf = (due: Due): Attempt => {
    const [first, second] = keyOf(due);
    return { first, second, attempts: due.attempts };
  };
  return {
    async claim(database, { nowMs, untilMs }) {
      // Asked every second and mostly in vain: a read does not take the write lock for that.
      if ((await database.readOne(anyDue, { nowMs })) === undefined) return undefined;
      return (await database.write([operation(claim, { nowMs, untilMs })])).rows(0, claim)[0];
    },
    async end(database, due) {
      await database.write([operation(taken, attemptOf(due))]);
    },
    async delay(database, due, dueMs) {
      await database.write([operation(later, { ...attemptOf(due), dueMs })]);
    },
  };
}
