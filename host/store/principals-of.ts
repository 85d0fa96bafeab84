import type { Access, Principal } from '../domain/document.ts';
import type { Database } from './database.ts';
import { pageBounds, toPage, type PageRequest, type StoredPage } from './page.ts';
import { SAME_PRINCIPAL } from './principals.ts';
import { defineStatement } from './statement.ts';
import type { Columns } from './statement.ts';
import { PRINCIPAL_KINDS, toStoredAccess } from './stored-access.ts';
import { HELD } from './visibility.ts';

/** A principal of somebody, and which of their others it is theirs by. */
export interface HeldPrincipal extends Principal {
  /** The row of it; `by` of others refers to it. */
  row: number;
  /** Of an account or a group. */
  connection: string | undefined;
  /** What a group is called at the source. */
  name: string | undefined;
  /** Members of a group by which it is held; empty for what is held by itself. */
  by: number[];
}

const heldStatement = <Params extends Record<string, string>>(name: string, held: string) =>
  defineStatement<Params, HeldPrincipal>(
    name,
    `WITH RECURSIVE ${held}
     SELECT principals.id, principals.kind, principals.name, principals.connection_id, source_groups.name AS group_name,
       (SELECT json_group_array(member_id) FROM group_members WHERE group_id = principals.id AND member_id IN (SELECT id FROM held)) AS members
     FROM held JOIN principals ON principals.id = held.id LEFT JOIN source_groups ON source_groups.group_id = principals.id
     ORDER BY principals.kind, principals.name, principals.connection_id`,
    toHeld,
  );

const OF_PERSON = heldStatement<{ organisation: string; person: string }>('principals.of-person', HELD);

const OF_PRINCIPAL = heldStatement<{ organisation: string; kind: string; name: string; connection: string }>(
  'principals.of-principal',
  `held(id) AS (
     SELECT id FROM principals
     WHERE ${SAME_PRINCIPAL({ organisation: ':organisation', kind: ':kind', name: ':name', connection: ':connection' })}
     UNION SELECT group_members.group_id FROM held CROSS JOIN group_members ON group_members.member_id = held.id)`,
);

/** Every principal of a person that any source has named, groups of any depth included. */
export async function principalsOfPerson(database: Database, organisation: string, person: string): Promise<HeldPrincipal[]> {
  return database.read(OF_PERSON, { organisation, person });
}

/** A principal and every group that it is in; empty when no source has named it. `connection` is '' for e-mails and domains. */
export async function groupsOfPrincipal(
  database: Database,
  organisation: string,
  [kind, name, connection]: readonly [string, string, string],
): Promise<HeldPrincipal[]> {
  return database.read(OF_PRINCIPAL, { organisation, kind, name, connection });
}

/** Who may see a document, as it was indexed. */
export interface DocumentAccess {
  id: string;
  connection: string;
  datasource: string;
  feature: string;
  title: string;
  access: Access;
  /** When that was last confirmed, in milliseconds; undefined: never, or not since the groups that it names were listed. */
  confirmedAtMs: number | undefined;
  /** How long that is believed, when the connection says so. */
  maxAgeMs: number | undefined;
}

const DOCUMENT = defineStatement<{ organisation: string; id: string }, DocumentAccess>(
  'documents.access',
  `SELECT documents.public_id, documents.connection_id, connections.datasource_name, documents.feature, documents.title, documents.access,
     connection_access.max_age_ms,
     CASE WHEN access_lists.id IS NULL THEN NULL WHEN access_lists.names_groups THEN connection_access.groups_at_ms
       ELSE nullif(max(coalesce(connection_access.groups_at_ms, 0), coalesce(connection_access.read_at_ms, 0)), 0) END AS confirmed_at_ms
   FROM documents
   JOIN connections ON connections.id = documents.connection_id
   LEFT JOIN connection_access ON connection_access.connection_id = documents.connection_id
   LEFT JOIN access_lists ON access_lists.id = documents.access_id
   WHERE documents.public_id = :id AND documents.organisation_id = :organisation AND connections.removed_at_ms IS NULL`,
  (row) => ({
    id: row.text('public_id'),
    connection: row.text('connection_id'),
    datasource: row.text('datasource_name'),
    feature: row.text('feature'),
    title: row.text('title'),
    access: toStoredAccess(row.json('access')),
    confirmedAtMs: row.optionalNumber('confirmed_at_ms'),
    maxAgeMs: row.optionalNumber('max_age_ms'),
  }),
);

/** Undefined also for a document of another organisation. */
export async function getDocumentAccess(database: Database, organisation: string, id: string): Promise<DocumentAccess | undefined> {
  return database.readOne(DOCUMENT, { organisation, id });
}

/** An account that sources name and that is no known person's. */
export interface UnmappedAccount {
  connection: string;
  account: string;
  /** The address that the source gave it, which is no known person's either. */
  email: string | undefined;
  /** Groups that it is in. */
  groups: number;
  /** Access lists that name it. */
  accessLists: number;
}

const UNMAPPED = defineStatement<{ organisation: string; key: string; limit: number }, UnmappedAccount & { key: string }>(
  'principals.unmapped',
  `SELECT printf('%016x', principals.id) AS key, principals.connection_id, principals.name, account_emails.email,
     (SELECT count(*) FROM group_members WHERE member_id = principals.id) AS groups,
     (SELECT count(DISTINCT list_id) FROM access_list_principals WHERE principal_id = principals.id) AS access_lists
   FROM principals
   LEFT JOIN account_emails ON account_emails.connection_id = principals.connection_id AND account_emails.account = principals.name
   WHERE principals.organisation_id = :organisation AND principals.kind = 'account' AND printf('%016x', principals.id) > :key
     AND NOT EXISTS (SELECT 1 FROM person_accounts
       WHERE person_accounts.connection_id = principals.connection_id AND person_accounts.account = principals.name)
     AND NOT EXISTS (SELECT 1 FROM person_emails
       WHERE person_emails.organisation_id = :organisation AND person_emails.email = account_emails.email)
     AND (EXISTS (SELECT 1 FROM group_members WHERE member_id = principals.id)
       OR EXISTS (SELECT 1 FROM access_list_principals JOIN documents ON documents.access_id = list_id WHERE principal_id = principals.id))
     AND EXISTS (SELECT 1 FROM connections WHERE connections.id = principals.connection_id AND removed_at_ms IS NULL)
   ORDER BY principals.id LIMIT :limit`,
  (row) => ({
    key: row.text('key'),
    connection: row.text('connection_id'),
    account: row.text('name'),
    email: row.optionalText('email'),
    groups: row.number('groups'),
    accessLists: row.number('access_lists'),
  }),
);

/** Accounts that documents or groups name and that are no known person's, in the order in which they were first named. */
export async function listUnmappedAccounts(
  database: Database,
  organisation: string,
  page: PageRequest,
): Promise<StoredPage<UnmappedAccount>> {
  const rows = await database.read(UNMAPPED, { organisation, ...pageBounds(page, '') });
  const { items, next } = toPage(rows, page, ({ key }) => key);
  return { items: items.map(({ key: _key, ...account }) => account), next };
}

function toHeld(row: Columns): HeldPrincipal {
  const members = row.json('members');
  return {
    row: row.number('id'),
    kind: row.oneOf('kind', PRINCIPAL_KINDS),
    id: row.text('name'),
    connection: row.optionalText('connection_id'),
    name: row.optionalText('group_name'),
    by: Array.isArray(members) ? members.filter((member) => typeof member === 'number') : [],
  };
}
