import type { Database } from './database.ts';
import { defineStatement } from './statement.ts';
import type { Columns } from './statement.ts';

/** A document that a run wrote, or something that it left out. */
export interface RunItem {
  /** Of a document its ULID; of what was left out the run's id, a dot and its number. */
  id: string;
  /** The source's own id. */
  sourceId: string;
  title: string;
  link: string | undefined;
  status: 'completed' | 'failed';
  /** Why it was left out, and what to do. */
  error: string | undefined;
  atMs: number;
}

/** In which order items come. */
export const RUN_ITEM_ORDERS = ['created_at', '-created_at', 'item_name', '-item_name'] as const;

export type RunItemOrder = (typeof RUN_ITEM_ORDERS)[number];

export interface RunItemRequest {
  /** Of an organisation's run; that it is theirs has been looked at. */
  run: string;
  connection: string;
  /** When the run was worked on: what was written then is its own, because no two runs write at one time. */
  fromMs: number;
  untilMs: number;
  status: RunItem['status'] | undefined;
  order: RunItemOrder;
  limit: number;
  offset: number;
}

type Params = { run: string; connection: string; fromMs: number; untilMs: number; status: string | null };

const ITEMS = `SELECT public_id AS id, source_id, title, link, 'completed' AS status, NULL AS error, indexed_at_ms AS at_ms FROM documents
   WHERE connection_id = :connection AND indexed_at_ms BETWEEN :fromMs AND :untilMs AND coalesce(:status, 'completed') = 'completed'
     AND source_id NOT IN (SELECT path FROM run_problems WHERE run_id = :run)
   UNION ALL
   SELECT run_id || '.' || position, path, path, NULL, 'failed', reason || ' ' || remedy, :untilMs FROM run_problems
   WHERE run_id = :run AND coalesce(:status, 'failed') = 'failed'`;

const COUNT = defineStatement<Params, number>('run_items.count', `SELECT count(*) AS items FROM (${ITEMS})`, (row) => row.number('items'));

const ORDER_BY: Readonly<Record<RunItemOrder, string>> = {
  created_at: 'at_ms, id',
  '-created_at': 'at_ms DESC, id DESC',
  item_name: 'title, id',
  '-item_name': 'title DESC, id DESC',
};

const PAGES = RUN_ITEM_ORDERS.map((order) => ({
  order,
  statement: defineStatement<Params & { limit: number; offset: number }, RunItem>(
    `run_items.by-${order}`,
    `${ITEMS} ORDER BY ${ORDER_BY[order]} LIMIT :limit OFFSET :offset`,
    toItem,
  ),
}));

const DOCUMENT = defineStatement<{ organisation: string; id: string }, { title: string; passages: number; indexedAtMs: number }>(
  'run_items.document',
  `SELECT title, passage_count, indexed_at_ms FROM documents WHERE public_id = :id AND organisation_id = :organisation`,
  (row) => ({ title: row.text('title'), passages: row.number('passage_count'), indexedAtMs: row.number('indexed_at_ms') }),
);

const TEXTS = defineStatement<{ organisation: string; id: string; limit: number }, string>(
  'run_items.texts',
  `SELECT text FROM passages WHERE document_id = (SELECT id FROM documents WHERE public_id = :id AND organisation_id = :organisation)
   ORDER BY position LIMIT :limit`,
  (row) => row.text('text'),
);

const PROBLEM = defineStatement<{ organisation: string; run: string; position: number }, string>(
  'run_items.problem',
  `SELECT run_problems.reason || ' ' || remedy AS error FROM run_problems JOIN runs ON runs.id = run_id
   WHERE run_id = :run AND position = :position AND organisation_id = :organisation`,
  (row) => row.text('error'),
);

const ORGANISATION_OF_RUN = defineStatement<{ id: string }, string>(
  'runs.organisation',
  'SELECT organisation_id FROM runs WHERE id = :id',
  (row) => row.text('organisation_id'),
);

const ORGANISATION_OF_DOCUMENT = defineStatement<{ id: string }, string>(
  'documents.organisation',
  'SELECT organisation_id FROM documents WHERE public_id = :id',
  (row) => row.text('organisation_id'),
);

/** A page of what a run wrote and left out; of the latter the first 100 are known. */
export async function listRunItems(database: Database, request: RunItemRequest): Promise<{ items: RunItem[]; total: number }> {
  const { order, limit, offset, status = null, run, connection, fromMs, untilMs } = request;
  const params = { run, connection, fromMs, untilMs, status };
  const page = PAGES.find((candidate) => candidate.order === order);
  if (page === undefined) throw new TypeError(`run items have no order ${order}`);
  const [total, items] = await Promise.all([database.readOne(COUNT, params), database.read(page.statement, { ...params, limit, offset })]);
  return { items, total: total ?? 0 };
}

/** A document of an organisation with the texts of its first passages. */
export async function getIndexedText(
  database: Database,
  key: { organisation: string; id: string },
  limit: number,
): Promise<{ title: string; passages: number; indexedAtMs: number; texts: string[] } | undefined> {
  const document = await database.readOne(DOCUMENT, key);
  return document === undefined ? undefined : { ...document, texts: await database.read(TEXTS, { ...key, limit }) };
}

/** Why a run of an organisation left something out. */
export async function getRunProblem(
  database: Database,
  key: { organisation: string; run: string; position: number },
): Promise<string | undefined> {
  return database.readOne(PROBLEM, key);
}

/** Whose a run is: for callers of the whole host only. */
export async function organisationOfRun(database: Database, id: string): Promise<string | undefined> {
  return database.readOne(ORGANISATION_OF_RUN, { id });
}

/** Whose a document is: for callers of the whole host only. */
export async function organisationOfDocument(database: Database, id: string): Promise<string | undefined> {
  return database.readOne(ORGANISATION_OF_DOCUMENT, { id });
}

function toItem(row: Columns): RunItem {
  return {
    id: row.text('id'),
    sourceId: row.text('source_id'),
    title: row.text('title'),
    link: row.optionalText('link'),
    status: row.oneOf('status', ['completed', 'failed'] as const),
    error: row.optionalText('error'),
    atMs: row.number('at_ms'),
  };
}
