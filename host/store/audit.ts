import { AUDIT_KINDS, type AuditEvent, type AuditKind, type AuditRequest } from '../domain/audit.ts';
import { operation } from './database.ts';
import type { Database, Operation } from './database.ts';
import { pageBounds, toPage } from './page.ts';
import type { PageRequest, StoredPage } from './page.ts';
import { defineStatement } from './statement.ts';
import type { Columns } from './statement.ts';

const FIELDS = `id, kind, organisation_id, connection_id, datasource_name, at_ms, method, origin, path, outcome, bytes_out, bytes_in,
  duration_ms, cause, reason, granted, withdrawn, missing`;

type InsertParams = Record<'id' | 'subject' | 'kind' | 'datasource', string> &
  Record<'organisation' | 'connection' | 'method' | 'origin' | 'path' | 'outcome' | 'cause' | 'reason' | 'granted', string | null> &
  Record<'withdrawn', string | null> &
  Record<'bytesOut' | 'bytesIn' | 'durationMs' | 'missing', number | null> & { atMs: number };

const INSERT = defineStatement<InsertParams>(
  'audit_events.insert',
  `INSERT INTO audit_events (subject, ${FIELDS})
   VALUES (:subject, :id, :kind, :organisation, :connection, :datasource, :atMs, :method, :origin, :path, :outcome, :bytesOut, :bytesIn,
     :durationMs, :cause, :reason, :granted, :withdrawn, :missing)`,
);

type ListParams = Record<'organisation' | 'connection' | 'datasource' | 'key', string> & { limit: number };

// Each half stops after one page, so that the sort has two pages to look at and no more.
function listStatement(ofKind: string): string {
  const half = (subject: string): string =>
    `SELECT * FROM (SELECT ${FIELDS} FROM audit_events WHERE ${subject} AND id < :key${ofKind} ORDER BY id DESC LIMIT :limit)`;
  return `${half('subject = :connection AND +organisation_id = :organisation')}
   UNION ALL ${half(`subject = 'datasource/' || :datasource`)} ORDER BY id DESC LIMIT :limit`;
}

const LIST = defineStatement<ListParams, AuditEvent>('audit_events.list', listStatement(''), toEvent);

const LIST_OF_KIND = defineStatement<ListParams & { kind: string }, AuditEvent>(
  'audit_events.list-of-kind',
  listStatement(' AND kind = :kind'),
  toEvent,
);

// The newest one that is too many.
const LAST_OVER = defineStatement<{ subject: string; kind: string; maxRows: number }, string>(
  'audit_events.last-over',
  'SELECT id FROM audit_events WHERE subject = :subject AND kind = :kind ORDER BY id DESC LIMIT 1 OFFSET :maxRows',
  (row) => row.text('id'),
);

const DELETE_OVER = defineStatement<{ subject: string; kind: string; last: string; limit: number }>(
  'audit_events.delete-over',
  `DELETE FROM audit_events WHERE rowid IN (
     SELECT rowid FROM audit_events WHERE subject = :subject AND kind = :kind AND id <= :last ORDER BY id LIMIT :limit)`,
);

const DELETE_OLD = defineStatement<{ beforeMs: number; limit: number }>(
  'audit_events.delete-old',
  'DELETE FROM audit_events WHERE rowid IN (SELECT rowid FROM audit_events WHERE at_ms < :beforeMs ORDER BY at_ms LIMIT :limit)',
);

/** Rows deleted in one transaction: nothing else can be written while it runs. */
const ROWS_PER_DELETE = 1_000;
/** Greater than every ULID. */
const BEFORE_NEWEST = '~';

/** Whose events: a connection with the datasource that it is of. */
export interface AuditSubject {
  organisation: string;
  connection: string;
  datasource: string;
}

/** What its events are kept under: with its kind, what the cap of rows counts. */
export function subjectOf({ home, datasource }: Pick<AuditEvent, 'home' | 'datasource'>): string {
  return home === undefined ? `datasource/${datasource}` : home.connection;
}

/** An event as part of a transaction. */
export function insertAuditEvent(event: AuditEvent): Operation {
  const { id, kind, home, datasource, atMs, request, cause = null, reason = null, grant, missing = null } = event;
  return operation(INSERT, {
    id,
    subject: subjectOf(event),
    kind,
    organisation: home?.organisation ?? null,
    connection: home?.connection ?? null,
    datasource,
    atMs,
    ...requestColumns(request),
    cause,
    reason,
    granted: grant === undefined ? null : JSON.stringify(grant.granted),
    withdrawn: grant === undefined ? null : JSON.stringify(grant.withdrawn),
    missing,
  });
}

/** Writes events in one transaction. */
export async function insertAuditEvents(database: Database, events: readonly AuditEvent[]): Promise<void> {
  await database.write(events.map(insertAuditEvent));
}

/** Newest first: the connection's own events and the grants of its datasource. INVALID_REQUEST for a bad limit or cursor. */
export async function listAuditEvents(
  database: Database,
  { organisation, connection, datasource }: AuditSubject,
  filter: { kind?: AuditKind },
  page: PageRequest,
): Promise<StoredPage<AuditEvent>> {
  const bounds = { organisation, connection, datasource, ...pageBounds(page, BEFORE_NEWEST) };
  const rows =
    filter.kind === undefined ? await database.read(LIST, bounds) : await database.read(LIST_OF_KIND, { ...bounds, kind: filter.kind });
  return toPage(rows, page, ({ id }) => id);
}

/** Deletes the oldest events of one kind of one subject until `maxRows` are left, in pieces. */
export async function trimAudit(database: Database, subject: string, kind: AuditKind, maxRows: number): Promise<number> {
  const last = await database.readOne(LAST_OVER, { subject, kind, maxRows });
  if (last === undefined) return 0;
  return inPieces(async () => (await database.write([operation(DELETE_OVER, { subject, kind, last, limit: ROWS_PER_DELETE })])).changes(0));
}

/** Deletes what happened before a moment, in pieces. */
export async function expireAudit(database: Database, beforeMs: number): Promise<number> {
  return inPieces(async () => (await database.write([operation(DELETE_OLD, { beforeMs, limit: ROWS_PER_DELETE })])).changes(0));
}

async function inPieces(deletePiece: () => Promise<number>): Promise<number> {
  let total = 0;
  for (let deleted = ROWS_PER_DELETE; deleted === ROWS_PER_DELETE; total += deleted) deleted = await deletePiece();
  return total;
}

function requestColumns(
  request: AuditRequest | undefined,
): Pick<InsertParams, 'method' | 'origin' | 'path' | 'outcome' | 'bytesOut' | 'bytesIn' | 'durationMs'> {
  if (request === undefined) {
    return { method: null, origin: null, path: null, outcome: null, bytesOut: null, bytesIn: null, durationMs: null };
  }
  return { ...request, durationMs: Math.round(request.durationMs) };
}

function toEvent(row: Columns): AuditEvent {
  const organisation = row.optionalText('organisation_id');
  const connection = row.optionalText('connection_id');
  const withGrant = row.optionalText('granted') !== undefined;
  return {
    id: row.text('id'),
    atMs: row.number('at_ms'),
    kind: row.oneOf('kind', AUDIT_KINDS),
    home: organisation === undefined || connection === undefined ? undefined : { organisation, connection },
    datasource: row.text('datasource_name'),
    request: row.optionalText('method') === undefined ? undefined : toRequest(row),
    cause: row.optionalText('cause'),
    reason: row.optionalText('reason'),
    grant: withGrant ? { granted: row.texts('granted'), withdrawn: row.texts('withdrawn') } : undefined,
    missing: row.optionalNumber('missing'),
  };
}

function toRequest(row: Columns): AuditRequest {
  return {
    method: row.text('method'),
    origin: row.text('origin'),
    path: row.text('path'),
    outcome: row.text('outcome'),
    bytesOut: row.number('bytes_out'),
    bytesIn: row.number('bytes_in'),
    durationMs: row.number('duration_ms'),
  };
}
