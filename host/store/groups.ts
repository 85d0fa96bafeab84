import type { Principal } from '../domain/document.ts';
import { operation } from './database.ts';
import type { Database, Operation } from './database.ts';
import { internPrincipals, SAME_PRINCIPAL, toPrincipalRow, type PrincipalHome } from './principals.ts';
import { defineStatement } from './statement.ts';

/** A group at the source, as `list-groups` gives it. Groups may contain groups, and each other. */
export interface SourceGroup {
  id: string;
  name: string;
  members: readonly Principal[];
}

/** Which groups are read, and by which run. */
export interface GroupsHome extends PrincipalHome {
  run: string;
}

/** Groups of one connection, and members of all of them together, that a host keeps. */
export const MAX_GROUPS = 200_000;
export const MAX_MEMBERSHIPS = 2_000_000;

/** What a run has listed so far. */
export interface StagedGroups {
  groups: number;
  memberships: number;
}

const STAGE_GROUPS = defineStatement<{ organisation: string; connection: string; run: string; groups: string }>(
  'staged_groups.insert',
  `INSERT INTO staged_groups (run_id, group_id, name)
   SELECT :run, principals.id, page.value ->> 1 FROM json_each(:groups) AS page CROSS JOIN principals
   ON ${SAME_PRINCIPAL({ organisation: ':organisation', kind: "'group'", name: 'page.value ->> 0', connection: ':connection' })}
   WHERE true ON CONFLICT DO NOTHING`,
);

// [group, kind, name, connection]
const STAGE_MEMBERS = defineStatement<{ organisation: string; connection: string; run: string; members: string }>(
  'staged_members.insert',
  `INSERT INTO staged_members (run_id, group_id, member_id)
   SELECT :run, source_group.id, principals.id FROM json_each(:members) AS page
   CROSS JOIN principals AS source_group
     ON source_group.organisation_id = :organisation AND source_group.kind = 'group' AND source_group.name = page.value ->> 0
       AND coalesce(source_group.connection_id, '') = :connection
   CROSS JOIN principals
     ON ${SAME_PRINCIPAL({ organisation: ':organisation', kind: 'page.value ->> 1', name: 'page.value ->> 2', connection: 'page.value ->> 3' })}
   WHERE true ON CONFLICT DO NOTHING`,
);

const STAGE_EMAILS = defineStatement<{ run: string; accounts: string }>(
  'staged_account_emails.insert',
  `INSERT INTO staged_account_emails (run_id, account, email)
   SELECT :run, value ->> 0, value ->> 1 FROM json_each(:accounts) WHERE true
   ON CONFLICT DO UPDATE SET email = excluded.email`,
);

const STAGED = defineStatement<{ run: string }, StagedGroups>(
  'staged_groups.count',
  `SELECT (SELECT count(*) FROM staged_groups WHERE run_id = :run) AS groups,
     (SELECT count(*) FROM staged_members WHERE run_id = :run) AS memberships`,
  (row) => ({ groups: row.number('groups'), memberships: row.number('memberships') }),
);

/**
 * Keeps a page of groups for `replaceGroups`, to be written with the cursor of the next page under the lease of the run.
 * A group that comes on several pages has the members of all of them.
 */
export function stageGroups(home: GroupsHome, groups: readonly SourceGroup[]): Operation[] {
  const { organisation, connection, run } = home;
  const members = groups.flatMap(({ id, members: of }) => of.map((member) => [id, ...toPrincipalRow(member, connection)] as const));
  const principals = [...groups.map(({ id }) => toPrincipalRow({ kind: 'group', id }, connection)), ...members.map(([, ...row]) => row)];
  const accounts = groups.flatMap(identityOf);
  return [
    internPrincipals(home, principals),
    operation(STAGE_GROUPS, { organisation, connection, run, groups: JSON.stringify(groups.map(({ id, name }) => [id, name])) }),
    operation(STAGE_MEMBERS, { organisation, connection, run, members: JSON.stringify(members) }),
    ...(accounts.length === 0 ? [] : [operation(STAGE_EMAILS, { run, accounts: JSON.stringify(accounts) })]),
  ];
}

/** How much a run has listed, to be held against `MAX_GROUPS` and `MAX_MEMBERSHIPS` before the next page is asked for. */
export async function countStagedGroups(database: Database, run: string): Promise<StagedGroups> {
  return (await database.readOne(STAGED, { run })) ?? { groups: 0, memberships: 0 };
}

/** A source says whose account it is by a group of the account's own id with two members: the account and its e-mail. */
function identityOf({ id, members }: SourceGroup): [account: string, email: string][] {
  const [first, second] = members;
  if (members.length !== 2 || first === undefined || second === undefined) return [];
  const [account, email] = first.kind === 'account' ? [first, second] : [second, first];
  const says = account.kind === 'account' && account.id === id && email.kind === 'email';
  return says ? [[account.id, toPrincipalRow(email, '')[1]]] : [];
}

type Swap = { run: string; connection: string };

const DROP_MEMBERS = defineStatement<Swap>(
  'group_members.delete-gone',
  `DELETE FROM group_members WHERE group_id IN (SELECT group_id FROM source_groups WHERE connection_id = :connection)
     AND NOT EXISTS (SELECT 1 FROM staged_members AS staged
       WHERE staged.run_id = :run AND staged.group_id = group_members.group_id AND staged.member_id = group_members.member_id)`,
);

const DROP_GROUPS = defineStatement<Swap>(
  'source_groups.delete-gone',
  `DELETE FROM source_groups WHERE connection_id = :connection
     AND NOT EXISTS (SELECT 1 FROM staged_groups AS staged WHERE staged.run_id = :run AND staged.group_id = source_groups.group_id)`,
);

const ADD_GROUPS = defineStatement<Swap>(
  'source_groups.upsert',
  `INSERT INTO source_groups (group_id, connection_id, name)
   SELECT group_id, :connection, name FROM staged_groups WHERE run_id = :run
   ON CONFLICT DO UPDATE SET name = excluded.name WHERE name <> excluded.name`,
);

const ADD_MEMBERS = defineStatement<{ run: string }>(
  'group_members.insert',
  `INSERT INTO group_members (member_id, group_id) SELECT member_id, group_id FROM staged_members WHERE run_id = :run
   ON CONFLICT DO NOTHING`,
);

const DROP_EMAILS = defineStatement<{ connection: string }>(
  'account_emails.delete',
  'DELETE FROM account_emails WHERE connection_id = :connection',
);

const ADD_EMAILS = defineStatement<Swap>(
  'account_emails.insert',
  `INSERT INTO account_emails (connection_id, account, email) SELECT :connection, account, email FROM staged_account_emails WHERE run_id = :run`,
);

const FRESH = defineStatement<{ connection: string; nowMs: number }>(
  'connection_access.set-groups',
  `INSERT INTO connection_access (connection_id, groups_at_ms) VALUES (:connection, :nowMs)
   ON CONFLICT DO UPDATE SET groups_at_ms = excluded.groups_at_ms`,
);

// Lists that no document has any more; a batch that needs one again makes it again.
const DROP_LISTS = defineStatement<{ connection: string }>(
  'access_lists.delete-unused',
  `DELETE FROM access_lists WHERE connection_id = :connection
     AND NOT EXISTS (SELECT 1 FROM documents WHERE documents.access_id = access_lists.id)`,
);

const UNSTAGE: readonly ReturnType<typeof defineStatement<{ run: string }>>[] = [
  defineStatement<{ run: string }>('staged_members.delete', 'DELETE FROM staged_members WHERE run_id = :run'),
  defineStatement<{ run: string }>('staged_groups.delete', 'DELETE FROM staged_groups WHERE run_id = :run'),
  defineStatement<{ run: string }>('staged_account_emails.delete', 'DELETE FROM staged_account_emails WHERE run_id = :run'),
];

/**
 * Makes what the run has staged the groups of the connection, all at once, and says that they were true at `nowMs`. To be
 * written under the lease of the run after the last page; also, with nothing staged, for a source that has no groups.
 * Only what differs is written.
 */
export function replaceGroups({ connection, run }: GroupsHome, nowMs: number): Operation[] {
  const swap = { connection, run };
  return [
    operation(DROP_MEMBERS, swap),
    operation(DROP_GROUPS, swap),
    operation(ADD_GROUPS, swap),
    operation(ADD_MEMBERS, { run }),
    operation(DROP_EMAILS, { connection }),
    operation(ADD_EMAILS, swap),
    operation(FRESH, { connection, nowMs }),
    operation(DROP_LISTS, { connection }),
    ...unstageGroups(run),
  ];
}

/** Forgets what a run has staged: before its first page, and when it ends without its last. */
export function unstageGroups(run: string): Operation[] {
  return UNSTAGE.map((statement) => operation(statement, { run }));
}

const PURGE_MEMBERS = defineStatement<{ connection: string; limit: number }>(
  'group_members.purge',
  `DELETE FROM group_members WHERE (member_id, group_id) IN (
     SELECT member_id, group_id FROM group_members
     WHERE group_id IN (SELECT group_id FROM source_groups WHERE connection_id = :connection) LIMIT :limit)`,
);

const PURGE_LISTED = defineStatement<{ connection: string; limit: number }>(
  'access_list_principals.purge',
  `DELETE FROM access_list_principals WHERE (principal_id, list_id, position) IN (
     SELECT principal_id, list_id, position FROM access_list_principals
     WHERE list_id IN (SELECT id FROM access_lists WHERE connection_id = :connection) LIMIT :limit)`,
);

/** Rows deleted in one transaction: a connection may have two million members, and nothing else can be written meanwhile. */
const ROWS_PER_PURGE = 5_000;

/** Deletes members of groups and of access lists of a connection without documents, in pieces; the rest is little and goes with its row. */
export async function purgeGroups(database: Database, connection: string): Promise<void> {
  for (const purge of [PURGE_MEMBERS, PURGE_LISTED]) {
    for (let deleted = ROWS_PER_PURGE; deleted === ROWS_PER_PURGE;) {
      deleted = (await database.write([operation(purge, { connection, limit: ROWS_PER_PURGE })])).changes(0);
    }
  }
}
