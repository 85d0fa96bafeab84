import { foldAddress } from '../domain/access.ts';
import { operation } from './database.ts';
import type { Database } from './database.ts';
import { pageBounds, toPage, type PageRequest, type StoredPage } from './page.ts';
import { defineStatement } from './statement.ts';

/** That a question was asked for a person; never the question. */
export interface StoredQuestion {
  /** A ULID. */
  id: string;
  atMs: number;
  /** As the caller named them. */
  person: string;
  personId: string | undefined;
  callerKind: string;
  callerId: string;
  requestId: string | undefined;
  /** `answered`, or the code of the refusal. */
  outcome: string;
  hits: number;
}

type Row = Record<'id' | 'organisation' | 'person' | 'callerKind' | 'callerId' | 'outcome', string> &
  Record<'address' | 'requestId', string | null> & { atMs: number; hits: number };

const INSERT = defineStatement<Row>(
  'questions_for_people.insert',
  `INSERT INTO questions_for_people (id, organisation_id, at_ms, person, person_id, caller_kind, caller_id, request_id, outcome, hits)
   VALUES (:id, :organisation, :atMs, :person,
     coalesce((SELECT person_id FROM person_emails WHERE organisation_id = :organisation AND email = :address),
       (SELECT id FROM people WHERE organisation_id = :organisation AND id = :person)), :callerKind, :callerId, :requestId, :outcome, :hits)`,
);

const LIST = defineStatement<{ organisation: string; personId: string | null; key: string; limit: number }, StoredQuestion>(
  'questions_for_people.list',
  `SELECT * FROM questions_for_people WHERE organisation_id = :organisation AND id < :key AND (:personId IS NULL OR person_id = :personId)
   ORDER BY id DESC LIMIT :limit`,
  (row) => ({
    id: row.text('id'),
    atMs: row.number('at_ms'),
    person: row.text('person'),
    personId: row.optionalText('person_id'),
    callerKind: row.text('caller_kind'),
    callerId: row.text('caller_id'),
    requestId: row.optionalText('request_id'),
    outcome: row.text('outcome'),
    hits: row.number('hits'),
  }),
);

const EXPIRE = defineStatement<{ beforeMs: number; limit: number }>(
  'questions_for_people.expire',
  'DELETE FROM questions_for_people WHERE id IN (SELECT id FROM questions_for_people WHERE at_ms < :beforeMs ORDER BY at_ms LIMIT :limit)',
);

/** Rows deleted in one transaction: nothing else can be written while it runs. */
const ROWS_PER_DELETE = 1_000;
/** Greater than every ULID. */
const BEFORE_NEWEST = '~';

/** A question on its way into the store, which finds the person. */
export type QuestionInsert = Omit<StoredQuestion, 'personId'> & { organisation: string };

export async function insertQuestions(database: Database, questions: readonly QuestionInsert[]): Promise<void> {
  await database.write(
    questions.map(({ requestId = null, ...rest }) => operation(INSERT, { ...rest, requestId, address: foldAddress(rest.person) })),
  );
}

/** Newest first, of one person or all. INVALID_REQUEST for a bad limit or cursor. */
export async function listQuestions(
  database: Database,
  { organisation, personId }: { organisation: string; personId: string | undefined },
  page: PageRequest,
): Promise<StoredPage<StoredQuestion>> {
  const rows = await database.read(LIST, { organisation, personId: personId ?? null, ...pageBounds(page, BEFORE_NEWEST) });
  return toPage(rows, page, ({ id }) => id);
}

/** Deletes what was asked before a moment, in pieces. */
export async function expireQuestions(database: Database, beforeMs: number): Promise<void> {
  for (let deleted = ROWS_PER_DELETE; deleted === ROWS_PER_DELETE;) {
    deleted = (await database.write([operation(EXPIRE, { beforeMs, limit: ROWS_PER_DELETE })])).changes(0);
  }
}
