import type { SqlValue } from './statement.ts';

/** Which documents a search is about; what is left out filters nothing. */
export interface DocumentFilter {
  /** Ids. */
  connections?: readonly string[] | undefined;
  /** `text/markdown`, or `text/*` for all of a kind; parameters such as `charset` do not matter. Lower-case. */
  mediaTypes?: readonly string[] | undefined;
  /** `connection/feature` of each whose documents are not to be found. */
  hidden?: readonly string[] | undefined;
  /** Last changed at the source at this time or later; a document without any time is in no range. */
  fromMs?: number | undefined;
  /** Last changed before this time. */
  beforeMs?: number | undefined;
  /** Of each name one of the values. */
  attributes?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** When a document last changed; one that never did has been made. */
const CHANGED_AT = 'coalesce(documents.updated_at_ms, documents.created_at_ms)';

/** A media type without its parameters. */
const ESSENCE = `lower(trim(substr(documents.media_type, 1, instr(documents.media_type || ';', ';') - 1)))`;

/** A condition on the joined table `documents`, with the values of its parameters; undefined when nothing is filtered. */
export function documentCondition(filter: DocumentFilter): { sql: string; params: Record<string, SqlValue> } | undefined {
  const clauses: string[] = [];
  const params: Record<string, SqlValue> = {};
  const add = (name: string, value: SqlValue | undefined, sql: string): void => {
    if (value === undefined) return;
    clauses.push(sql);
    params[name] = value;
  };
  add('connections', json(filter.connections), 'documents.connection_id IN (SELECT value FROM json_each(:connections))');
  add('hidden', json(filter.hidden), `documents.connection_id || '/' || documents.feature NOT IN (SELECT value FROM json_each(:hidden))`);
  add('mediaTypes', json(filter.mediaTypes), `EXISTS (SELECT 1 FROM json_each(:mediaTypes) WHERE ${ESSENCE} GLOB value)`);
  add('fromMs', filter.fromMs, `${CHANGED_AT} >= :fromMs`);
  add('beforeMs', filter.beforeMs, `${CHANGED_AT} < :beforeMs`);
  add(
    'attributes',
    json(filter.attributes),
    `NOT EXISTS (SELECT 1 FROM json_each(:attributes) AS wanted
       WHERE (documents.attributes ->> wanted.key) IS NULL
         OR (documents.attributes ->> wanted.key) NOT IN (SELECT value FROM json_each(wanted.value)))`,
  );
  return clauses.length === 0 ? undefined : { sql: clauses.join(' AND '), params };
}

function json(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value);
}
