import { identityId } from '../domain/identity.ts';
import type { TrustedIdentity } from '../domain/trust.ts';
import { operation } from './database.ts';
import type { Database } from './database.ts';
import { defineStatement } from './statement.ts';
import type { NoParams } from './statement.ts';

export interface StoredIdentity extends TrustedIdentity {
  id: string;
  addedAtMs: number;
}

type PutParams = Record<'id' | 'publisher' | 'root' | 'issuer' | 'subject' | 'match' | 'names', string> & { nowMs: number };

// As with keys: an identity belongs to one publisher; who adds it again says anew what it is good for.
const PUT = defineStatement<PutParams>(
  'trusted_identities.put',
  `INSERT INTO trusted_identities (id, publisher, root, issuer, subject, match, names, added_at_ms)
   VALUES (:id, :publisher, :root, :issuer, :subject, :match, :names, :nowMs)
   ON CONFLICT (id) DO UPDATE SET names = excluded.names WHERE publisher = excluded.publisher`,
);

const DELETE = defineStatement<{ id: string }>('trusted_identities.delete', 'DELETE FROM trusted_identities WHERE id = :id');

const LIST = defineStatement<NoParams, StoredIdentity>(
  'trusted_identities.list',
  'SELECT id, publisher, root, issuer, subject, match, names, added_at_ms FROM trusted_identities ORDER BY publisher, id',
  (row) => {
    const names = row.json('names');
    return {
      id: row.text('id'),
      publisher: row.text('publisher'),
      identity: {
        root: row.text('root'),
        issuer: row.text('issuer'),
        subject: row.text('subject'),
        match: row.text('match') === 'pattern' ? 'pattern' : 'exact',
      },
      names: Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [],
      addedAtMs: row.number('added_at_ms'),
    };
  },
);

/** Gives its id. `ExpectationError` when it is another publisher's. */
export async function putIdentity(database: Database, { publisher, identity, names }: TrustedIdentity, nowMs: number): Promise<string> {
  const id = identityId(identity);
  await database.write([operation(PUT, { id, publisher, ...identity, names: JSON.stringify(names), nowMs }, { expectChanges: 1 })]);
  return id;
}

/** `ExpectationError` when there is none. */
export async function deleteIdentity(database: Database, id: string): Promise<void> {
  await database.write([operation(DELETE, { id }, { expectChanges: 1 })]);
}

/** By publisher. */
export async function listIdentities(database: Database): Promise<StoredIdentity[]> {
  return database.read(LIST, {});
}
