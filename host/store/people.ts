import { foldAddress } from '../domain/access.ts';
import type { Person, PersonAccount } from '../domain/person.ts';
import { RequestError } from '../domain/errors.ts';
import { DatabaseError, ExpectationError, isUniqueViolation, operation } from './database.ts';
import type { Database, Operation } from './database.ts';
import { pageBounds, toPage } from './page.ts';
import type { PageRequest, StoredPage } from './page.ts';
import { defineStatement } from './statement.ts';
import type { Columns } from './statement.ts';

type Key = { organisation: string; id: string };

const INSERT = defineStatement<Key & { email: string; name: string; nowMs: number }>(
  'people.insert',
  `INSERT INTO people (id, organisation_id, email, name, created_at_ms, updated_at_ms)
   VALUES (:id, :organisation, :email, :name, :nowMs, :nowMs)`,
);

const UPDATE = defineStatement<Key & { email: string; name: string; nowMs: number }>(
  'people.update',
  'UPDATE people SET email = :email, name = :name, updated_at_ms = :nowMs WHERE id = :id AND organisation_id = :organisation',
);

const DELETE = defineStatement<Key>('people.delete', 'DELETE FROM people WHERE id = :id AND organisation_id = :organisation');

const DELETE_EMAILS = defineStatement<{ id: string }>('person_emails.delete', 'DELETE FROM person_emails WHERE person_id = :id');

const INSERT_EMAILS = defineStatement<Key & { emails: string }>(
  'person_emails.insert',
  'INSERT INTO person_emails (organisation_id, email, person_id) SELECT :organisation, value, :id FROM json_each(:emails)',
);

const DELETE_ACCOUNTS = defineStatement<{ id: string }>('person_accounts.delete', 'DELETE FROM person_accounts WHERE person_id = :id');

// Only of connections of the organisation: the number of rows says whether all were.
const INSERT_ACCOUNTS = defineStatement<Key & { accounts: string }>(
  'person_accounts.insert',
  `INSERT INTO person_accounts (connection_id, account, person_id)
   SELECT connections.id, value ->> 1, :id FROM json_each(:accounts)
   JOIN connections ON connections.id = value ->> 0 AND organisation_id = :organisation AND removed_at_ms IS NULL`,
);

const VIEW = `SELECT id, organisation_id, email, name, created_at_ms, updated_at_ms,
    (SELECT json_group_array(alias.email) FROM person_emails AS alias WHERE alias.person_id = people.id AND alias.email <> people.email) AS aliases,
    (SELECT json_group_array(json_array(connection_id, account)) FROM person_accounts WHERE person_id = people.id) AS accounts
  FROM people`;

const GET = defineStatement<Key, Person>('people.get', `${VIEW} WHERE id = :id AND organisation_id = :organisation`, toPerson);

const FIND = defineStatement<{ organisation: string; email: string }, Person>(
  'people.find',
  `${VIEW} WHERE organisation_id = :organisation
   AND id = (SELECT person_id FROM person_emails WHERE organisation_id = :organisation AND email = :email)`,
  toPerson,
);

const LIST = defineStatement<{ organisation: string; key: string; limit: number }, Person>(
  'people.list',
  `${VIEW} WHERE organisation_id = :organisation AND id > :key ORDER BY id LIMIT :limit`,
  toPerson,
);

/** A person as they are to be: addresses folded, each once. */
export type PersonFacts = Pick<Person, 'email' | 'name' | 'aliases' | 'accounts'>;

/** CONFLICT when an address or an account is somebody else's, UNKNOWN_CONNECTION for an account at none of the organisation's. */
export async function insertPerson(database: Database, key: Key, person: PersonFacts, nowMs: number): Promise<void> {
  const { email, name } = person;
  await writePerson(database, [operation(INSERT, { ...key, email, name, nowMs }), ...relations(key, person)]);
}

/** Replaces all that is known of a person. False when there is none of that id; otherwise as `insertPerson`. */
export async function updatePerson(database: Database, key: Key, person: PersonFacts, nowMs: number): Promise<boolean> {
  const { id } = key;
  const { email, name } = person;
  try {
    await writePerson(database, [
      operation(UPDATE, { ...key, email, name, nowMs }, { expectChanges: 1 }),
      operation(DELETE_EMAILS, { id }),
      operation(DELETE_ACCOUNTS, { id }),
      ...relations(key, person),
    ]);
    return true;
  } catch (error) {
    if (error instanceof ExpectationError && error.statement === UPDATE.name) return false;
    throw error;
  }
}

/** Forgets a person with their addresses and accounts. False when there is none of that id. */
export async function deletePerson(database: Database, key: Key): Promise<boolean> {
  try {
    await database.write([operation(DELETE, key, { expectChanges: 1 })]);
    return true;
  } catch (error) {
    if (error instanceof ExpectationError) return false;
    throw error;
  }
}

export async function getPerson(database: Database, organisation: string, id: string): Promise<Person | undefined> {
  return database.readOne(GET, { organisation, id });
}

/** The person of the organisation whose address or alias it is. */
export async function findPerson(database: Database, organisation: string, email: string): Promise<Person | undefined> {
  return database.readOne(FIND, { organisation, email: foldAddress(email) });
}

/** By id. INVALID_REQUEST for a bad limit or cursor. */
export async function listPeople(database: Database, organisation: string, page: PageRequest): Promise<StoredPage<Person>> {
  const rows = await database.read(LIST, { organisation, ...pageBounds(page, '') });
  return toPage(rows, page, ({ id }) => id);
}

function relations(key: Key, { email, aliases, accounts }: PersonFacts): Operation[] {
  const pairs = accounts.map(({ connection, account }) => [connection, account]);
  return [
    operation(INSERT_EMAILS, { ...key, emails: JSON.stringify([email, ...aliases]) }),
    operation(INSERT_ACCOUNTS, { ...key, accounts: JSON.stringify(pairs) }, { expectChanges: pairs.length }),
  ];
}

async function writePerson(database: Database, operations: readonly Operation[]): Promise<void> {
  try {
    await database.write(operations);
  } catch (error) {
    if (error instanceof ExpectationError && error.statement === INSERT_ACCOUNTS.name) {
      throw new RequestError('UNKNOWN_CONNECTION', 'An account is at a connection that the organisation does not have.', {
        remedy: 'Name connections that GET /api/v1/connections lists for this organisation.',
        cause: error,
      });
    }
    if (!(error instanceof DatabaseError) || !isUniqueViolation(error)) throw error;
    const taken = error.message.includes('person_accounts') ? 'account' : 'address';
    throw new RequestError('CONFLICT', `An ${taken} belongs to another person of the organisation already.`, {
      remedy: `Take it from that person first, or leave it out.`,
      cause: error,
    });
  }
}

function toPerson(row: Columns): Person {
  return {
    id: row.text('id'),
    organisation: row.text('organisation_id'),
    email: row.text('email'),
    name: row.text('name'),
    aliases: row.texts('aliases'),
    accounts: toAccounts(row),
    createdAtMs: row.number('created_at_ms'),
    updatedAtMs: row.number('updated_at_ms'),
  };
}

function toAccounts(row: Columns): PersonAccount[] {
  const pairs = row.json('accounts');
  if (!Array.isArray(pairs)) throw new TypeError('accounts are not a list');
  return pairs.flatMap((pair) => {
    if (!Array.isArray(pair)) throw new TypeError('an account is not a pair');
    const [connection, account] = pair;
    return typeof connection === 'string' && typeof account === 'string' ? [{ connection, account }] : [];
  });
}
