import { RequestError } from '../domain/errors.ts';
import { isUniqueViolation, operation } from './database.ts';
import type { Database } from './database.ts';
import { pageBounds, toPage } from './page.ts';
import type { PageRequest, StoredPage } from './page.ts';
import { searchIndexTables } from './search-index.ts';
import { defineStatement } from './statement.ts';
import type { Columns, NoParams } from './statement.ts';

/** A tenant. */
export interface StoredOrganisation {
  id: string;
  name: string;
  createdAtMs: number;
}

const INSERT = defineStatement<{ id: string; name: string; createdAtMs: number }>(
  'organisations.insert',
  'INSERT INTO organisations (id, name, created_at_ms) VALUES (:id, :name, :createdAtMs)',
);

const GET = defineStatement<{ id: string }, StoredOrganisation>(
  'organisations.get',
  'SELECT id, name, created_at_ms FROM organisations WHERE id = :id',
  toOrganisation,
);

const CALLED = defineStatement<{ text: string }, StoredOrganisation>(
  'organisations.called',
  'SELECT id, name, created_at_ms FROM organisations WHERE id = :text OR name = :text ORDER BY id LIMIT 2',
  toOrganisation,
);

const LIST = defineStatement<NoParams, StoredOrganisation>(
  'organisations.list',
  'SELECT id, name, created_at_ms FROM organisations ORDER BY id',
  toOrganisation,
);

const PAGE = defineStatement<{ key: string; limit: number }, StoredOrganisation>(
  'organisations.page',
  'SELECT id, name, created_at_ms FROM organisations WHERE id > :key ORDER BY id LIMIT :limit',
  toOrganisation,
);

/** Adds an organisation and its search index. CONFLICT when the id is taken. */
export async function insertOrganisation(database: Database, organisation: StoredOrganisation): Promise<void> {
  try {
    const tables = searchIndexTables(organisation.id).map((sql) => defineStatement<NoParams>('organisations.make-index', sql));
    await database.write([operation(INSERT, organisation), ...tables.map((table) => operation(table, {}))]);
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new RequestError('CONFLICT', `There is an organisation "${organisation.id}" already.`, {
      remedy: 'Choose another id.',
      cause: error,
    });
  }
}

export async function getOrganisation(database: Database, id: string): Promise<StoredOrganisation | undefined> {
  return database.readOne(GET, { id });
}

/** Those that have this text as their id or their name; the first two when there are more. */
export async function organisationsCalled(database: Database, text: string): Promise<StoredOrganisation[]> {
  return database.read(CALLED, { text });
}

/** By id. */
export async function listOrganisations(database: Database): Promise<StoredOrganisation[]> {
  return database.read(LIST, {});
}

/** By id, in pages. INVALID_REQUEST for a bad limit or cursor. */
export async function pageOrganisations(database: Database, page: PageRequest): Promise<StoredPage<StoredOrganisation>> {
  return toPage(await database.read(PAGE, pageBounds(page, '')), page, ({ id }) => id);
}

function toOrganisation(row: Columns): StoredOrganisation {
  return { id: row.text('id'), name: row.text('name'), createdAtMs: row.number('created_at_ms') };
}
