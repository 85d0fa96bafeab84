import type { Database } from './database.ts';
import { accessWord } from './search-scope.ts';
import { defineStatement } from './statement.ts';

/**
 * What somebody may see of an organisation. `everything` is for its admins; for all others it is the access lists that they
 * satisfy, and a document without one of these is not there.
 */
export type Visibility = { readonly kind: 'everything' } | { readonly kind: 'lists'; readonly lists: readonly VisibleList[] };

/** An access list that is satisfied. */
export interface VisibleList {
  id: number;
  key: string;
}

/** For those who see everything of their organisation. */
export const EVERYTHING: Visibility = Object.freeze({ kind: 'everything' });

/** Whose lists, and how old access may be. */
export interface VisibilityOf {
  organisation: string;
  nowMs: number;
  /** For connections that say nothing else. Access that was confirmed longer ago is not known: only admins see by it. */
  maxAgeMs: number;
}

/** Which lists count at `:nowMs`: those of a connection that has lately said so, its groups where they matter. */
export const FRESH = `coalesce(
    CASE access_lists.names_groups
      WHEN 1 THEN connection_access.groups_at_ms
      ELSE max(coalesce(connection_access.groups_at_ms, 0), coalesce(connection_access.read_at_ms, 0)) END, 0)
  > :nowMs - coalesce(connection_access.max_age_ms, :maxAgeMs)`;

const PUBLIC = defineStatement<{ organisation: string; nowMs: number; maxAgeMs: number }, VisibleList>(
  'access_lists.public',
  `SELECT access_lists.id, access_lists.key FROM access_lists
   JOIN connection_access ON connection_access.connection_id = access_lists.connection_id
   WHERE access_lists.organisation_id = :organisation AND access_lists.kind = 'everyone' AND ${FRESH}`,
  (row) => ({ id: row.number('id'), key: row.text('key') }),
);

/**
 * All principals of a person, by id: of their addresses, the domains of these, their accounts, and every group that any of
 * them is in, through groups of any depth. An account that operators gave to somebody is nobody else's, whatever a source says.
 */
export const HELD = `addresses(email) AS (
    SELECT email FROM person_emails WHERE organisation_id = :organisation AND person_id = :person),
  held(id) AS (
    SELECT principals.id FROM addresses CROSS JOIN principals
      ON principals.organisation_id = :organisation AND principals.kind = 'email' AND principals.name = addresses.email
    UNION SELECT principals.id FROM addresses CROSS JOIN principals
      ON principals.organisation_id = :organisation AND principals.kind = 'domain'
        AND principals.name = substr(addresses.email, instr(addresses.email, '@') + 1)
    UNION SELECT principals.id FROM person_accounts CROSS JOIN principals
      ON principals.organisation_id = :organisation AND principals.kind = 'account' AND principals.name = person_accounts.account
        AND coalesce(principals.connection_id, '') = person_accounts.connection_id
      WHERE person_accounts.person_id = :person
    UNION SELECT principals.id FROM addresses CROSS JOIN account_emails ON account_emails.email = addresses.email CROSS JOIN principals
      ON principals.organisation_id = :organisation AND principals.kind = 'account' AND principals.name = account_emails.account
        AND coalesce(principals.connection_id, '') = account_emails.connection_id
      WHERE NOT EXISTS (SELECT 1 FROM person_accounts
        WHERE person_accounts.connection_id = account_emails.connection_id AND person_accounts.account = account_emails.account)
    UNION SELECT group_members.group_id FROM held CROSS JOIN group_members ON group_members.member_id = held.id)`;

const OF_PERSON = defineStatement<{ organisation: string; person: string; nowMs: number; maxAgeMs: number }, VisibleList>(
  'access_lists.of-person',
  `WITH RECURSIVE ${HELD},
   satisfied(list_id, sets) AS (
     SELECT list_id, count(DISTINCT position) FROM held
     CROSS JOIN access_list_principals ON access_list_principals.principal_id = held.id GROUP BY list_id)
   SELECT access_lists.id, access_lists.key FROM satisfied CROSS JOIN access_lists ON access_lists.id = satisfied.list_id
   CROSS JOIN connection_access ON connection_access.connection_id = access_lists.connection_id
   WHERE access_lists.organisation_id = :organisation AND access_lists.kind = 'all-of' AND access_lists.sets = satisfied.sets AND ${FRESH}`,
  (row) => ({ id: row.number('id'), key: row.text('key') }),
);

/** What everyone of an organisation may see. */
export async function publicVisibility(database: Database, of: VisibilityOf): Promise<Visibility> {
  return { kind: 'lists', lists: await database.read(PUBLIC, { ...of }) };
}

/** What one person, by id, may see: what everyone may, and every list all sets of which they satisfy. */
export async function personVisibility(database: Database, of: VisibilityOf & { person: string }): Promise<Visibility> {
  const { person, ...rest } = of;
  const [everyone, own] = await Promise.all([database.read(PUBLIC, rest), database.read(OF_PERSON, { ...rest, person })]);
  return { kind: 'lists', lists: [...everyone, ...own] };
}

/**
 * Up to so many words the index is asked for the passages of each; beyond, it is cheaper to look at the list of every passage
 * that matches. At 157,000 passages, p50 / p99 ms: 10 lists 6 / 22 against 12 / 70, 100 lists 13 / 26 against 11 / 108,
 * 500 lists 79 / 308 against 10 / 35.
 */
const MAX_WORDS = 64;

/** How a visibility goes into a search of passages; undefined: it leaves nothing out. */
export interface VisibilityFilter {
  /**
   * A set of words of the index column `scope`, one of which every passage that may be seen has. They narrow what is looked
   * at, no more: two connections may share one.
   */
  words: readonly string[] | undefined;
  /** The value of `:visible` in `VISIBLE_PASSAGE`. */
  visible: string;
}

/** Takes a visibility apart for SQL. */
export function visibilityFilter(visibility: Visibility): VisibilityFilter | undefined {
  if (visibility.kind === 'everything') return undefined;
  const words = new Set(visibility.lists.map(({ key }) => accessWord(key)));
  return {
    words: words.size > 0 && words.size <= MAX_WORDS ? [...words] : undefined,
    visible: JSON.stringify(visibility.lists.map(({ id }) => id)),
  };
}

/**
 * The exact condition on the passage of a rowid: it reads an index of a few bytes a passage, before anything is ranked or
 * counted. A passage without an access list never satisfies it.
 */
export const VISIBLE_PASSAGE = (rowid: string): string =>
  `(SELECT access_id FROM passages INDEXED BY passages_access WHERE passages.id = ${rowid}) IN (SELECT value FROM json_each(:visible))`;

/** The same condition once more on a document, where nothing that should not be shown can pass it. */
export const VISIBLE_DOCUMENT = 'documents.access_id IN (SELECT value FROM json_each(:visible))';
