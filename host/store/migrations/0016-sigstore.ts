import type { Migration } from './migration.ts';

/** Which sigstore instances the operator believes, and which identities of theirs. */
export const SIGSTORE: Migration = {
  version: 16,
  name: 'sigstore',
  sql: `
-- body: the text of a trusted_root.json; witnesses, authorities: JSON, what it asks of a bundle and what is in it.
CREATE TABLE sigstore_roots (
  name TEXT PRIMARY KEY,
  body TEXT NOT NULL,
  digest TEXT NOT NULL,
  witnesses TEXT NOT NULL,
  authorities TEXT NOT NULL,
  added_at_ms INTEGER NOT NULL
) STRICT;

-- id: of root, issuer, match and subject. root: a name, which need not be there: without it nothing is proved.
-- names: as in trusted_keys.
CREATE TABLE trusted_identities (
  id TEXT PRIMARY KEY,
  publisher TEXT NOT NULL,
  root TEXT NOT NULL,
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL,
  match TEXT NOT NULL CHECK (match IN ('exact', 'pattern')),
  names TEXT NOT NULL,
  added_at_ms INTEGER NOT NULL
) STRICT;
`,
};
