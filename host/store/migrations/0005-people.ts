import type { Migration } from './migration.ts';

/**
 * People, their principals, groups and who may see what. Documents that were indexed before have no access list yet;
 * until `healAccess` has given them one, nobody but admins finds them.
 */
export const PEOPLE: Migration = {
  version: 5,
  name: 'people',
  sql: `
CREATE TABLE people (
  id TEXT PRIMARY KEY NOT NULL,
  organisation_id TEXT NOT NULL REFERENCES organisations (id),
  email TEXT NOT NULL,
  name TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX people_by_organisation ON people (organisation_id, id);

-- The address in people and all aliases: within an organisation each belongs to one person.
CREATE TABLE person_emails (
  organisation_id TEXT NOT NULL,
  email TEXT NOT NULL,
  person_id TEXT NOT NULL REFERENCES people (id) ON DELETE CASCADE,
  PRIMARY KEY (organisation_id, email)
) STRICT, WITHOUT ROWID;
CREATE INDEX person_emails_by_person ON person_emails (person_id);

-- What operators said. The same account at two connections may be two people.
CREATE TABLE person_accounts (
  connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  account TEXT NOT NULL,
  person_id TEXT NOT NULL REFERENCES people (id) ON DELETE CASCADE,
  PRIMARY KEY (connection_id, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX person_accounts_by_person ON person_accounts (person_id);

-- What the sources said: it counts where operators said nothing.
CREATE TABLE account_emails (
  connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  account TEXT NOT NULL,
  email TEXT NOT NULL,
  PRIMARY KEY (connection_id, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX account_emails_by_email ON account_emails (email);

-- connection_id of accounts and groups; e-mails and domains mean the same in the whole organisation.
CREATE TABLE principals (
  id INTEGER PRIMARY KEY,
  organisation_id TEXT NOT NULL REFERENCES organisations (id),
  connection_id TEXT REFERENCES connections (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('account', 'email', 'group', 'domain')),
  name TEXT NOT NULL,
  CHECK ((connection_id IS NULL) = (kind IN ('email', 'domain')))
) STRICT;
CREATE UNIQUE INDEX principals_by_name ON principals (organisation_id, kind, name, coalesce(connection_id, ''));
CREATE INDEX principals_by_connection ON principals (connection_id, kind);

CREATE TABLE source_groups (
  group_id INTEGER PRIMARY KEY REFERENCES principals (id) ON DELETE CASCADE,
  connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  name TEXT NOT NULL
) STRICT;
CREATE INDEX source_groups_by_connection ON source_groups (connection_id);

CREATE TABLE group_members (
  member_id INTEGER NOT NULL REFERENCES principals (id) ON DELETE CASCADE,
  group_id INTEGER NOT NULL REFERENCES source_groups (group_id) ON DELETE CASCADE,
  PRIMARY KEY (member_id, group_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_members_by_group ON group_members (group_id);

-- Pages of groups that a run has read, until it has read all of them.
CREATE TABLE staged_groups (
  run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  group_id INTEGER NOT NULL REFERENCES principals (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  PRIMARY KEY (run_id, group_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX staged_groups_by_group ON staged_groups (group_id);
CREATE TABLE staged_members (
  run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  group_id INTEGER NOT NULL REFERENCES principals (id) ON DELETE CASCADE,
  member_id INTEGER NOT NULL REFERENCES principals (id) ON DELETE CASCADE,
  PRIMARY KEY (run_id, group_id, member_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX staged_members_by_group ON staged_members (group_id);
CREATE INDEX staged_members_by_member ON staged_members (member_id);
CREATE TABLE staged_account_emails (
  run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  account TEXT NOT NULL,
  email TEXT NOT NULL,
  PRIMARY KEY (run_id, account)
) STRICT, WITHOUT ROWID;

-- Who may see a document, once for all documents of a connection that say the same. sets: how many there are to satisfy.
CREATE TABLE access_lists (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  organisation_id TEXT NOT NULL REFERENCES organisations (id),
  connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  key TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('admins-only', 'everyone', 'all-of')),
  sets INTEGER NOT NULL,
  names_groups INTEGER NOT NULL,
  UNIQUE (connection_id, key)
) STRICT;
CREATE INDEX access_lists_by_organisation ON access_lists (organisation_id, kind);

CREATE TABLE access_list_principals (
  principal_id INTEGER NOT NULL REFERENCES principals (id) ON DELETE CASCADE,
  list_id INTEGER NOT NULL REFERENCES access_lists (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  PRIMARY KEY (principal_id, list_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX access_list_principals_by_list ON access_list_principals (list_id, position);

-- When the source last said who may see what, and how long that is believed; NULL: as the host is set.
CREATE TABLE connection_access (
  connection_id TEXT PRIMARY KEY NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  max_age_ms INTEGER,
  read_at_ms INTEGER,
  groups_at_ms INTEGER
) STRICT, WITHOUT ROWID;
INSERT INTO connection_access (connection_id, read_at_ms)
  SELECT id, (SELECT max(updated_at_ms) FROM checkpoints WHERE connection_id = connections.id) FROM connections;

ALTER TABLE documents ADD COLUMN access_id INTEGER REFERENCES access_lists (id);
CREATE INDEX documents_by_access ON documents (access_id);
-- A copy of the document's, so that a search looks at a few bytes for each passage that matches.
ALTER TABLE passages ADD COLUMN access_id INTEGER;
CREATE INDEX passages_access ON passages (id, access_id, document_id, position);

-- Questions that were asked for a person: by whom, and what came of it. Never the question.
CREATE TABLE questions_for_people (
  id TEXT PRIMARY KEY NOT NULL,
  organisation_id TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  person TEXT NOT NULL,
  person_id TEXT,
  caller_kind TEXT NOT NULL,
  caller_id TEXT NOT NULL,
  request_id TEXT,
  outcome TEXT NOT NULL,
  hits INTEGER NOT NULL
) STRICT;
CREATE INDEX questions_for_people_by_organisation ON questions_for_people (organisation_id, id);
CREATE INDEX questions_for_people_by_time ON questions_for_people (at_ms);
`,
};
