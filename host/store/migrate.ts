import type Libsql from 'libsql';
import { FIRST_LIGHT } from './migrations/0001-first-light.ts';
import { AUDIT } from './migrations/0002-audit.ts';
import { RUN_ENGINE } from './migrations/0003-runs.ts';
import { PASSAGES } from './migrations/0004-passages.ts';
import { PEOPLE } from './migrations/0005-people.ts';
import { CALLERS } from './migrations/0006-callers.ts';
import { AUTHORISATIONS } from './migrations/0007-authorisations.ts';
import { VECTORS } from './migrations/0008-vectors.ts';
import { DELIVERIES } from './migrations/0009-deliveries.ts';
import { WEBHOOKS } from './migrations/0010-webhooks.ts';
import { VERSIONS } from './migrations/0011-versions.ts';
import { SOURCES } from './migrations/0012-sources.ts';
import { FEATURES } from './migrations/0013-features.ts';
import { NOTIFICATIONS } from './migrations/0014-notifications.ts';
import { PLACES } from './migrations/0015-places.ts';
import { SIGSTORE } from './migrations/0016-sigstore.ts';
import { BROWSERS } from './migrations/0017-browsers.ts';
import { MERGING } from './migrations/0018-merging.ts';
import type { Migration } from './migrations/migration.ts';
import { Columns } from './statement.ts';

/** In order of version; new ones go to the end. */
export const MIGRATIONS: readonly Migration[] = [
  FIRST_LIGHT,
  AUDIT,
  RUN_ENGINE,
  PASSAGES,
  PEOPLE,
  CALLERS,
  AUTHORISATIONS,
  VECTORS,
  DELIVERIES,
  WEBHOOKS,
  VERSIONS,
  SOURCES,
  FEATURES,
  NOTIFICATIONS,
  PLACES,
  SIGSTORE,
  BROWSERS,
  MERGING,
];

/** The file was written by a newer version of this host. */
export class DatabaseNewerError extends Error {
  readonly found: number;
  readonly known: number;

  constructor(found: number, known: number) {
    super(`schema version ${found} is newer than ${known}`);
    this.found = found;
    this.known = known;
  }
}

/**
 * Brings a file to the newest schema, one transaction a step. Several processes may do so at the
 * same time: each step is decided under the write lock, so that it is taken once. Throws
 * `DatabaseNewerError`, with nothing changed, when the file is ahead of this code.
 */
export function migrate(database: Libsql.Database, migrations: readonly Migration[] = MIGRATIONS): void {
  const known = migrations.at(-1)?.version ?? 0;
  if (versionOf(database) === known) return;
  for (const migration of migrations) {
    database.exec('BEGIN IMMEDIATE');
    try {
      const found = versionOf(database);
      if (found > known) throw new DatabaseNewerError(found, known);
      if (found < migration.version) {
        apply(database, migration);
        // A pragma takes no parameters; the number is a constant of ours.
        database.exec(`PRAGMA user_version = ${migration.version}`);
      }
      database.exec('COMMIT');
    } catch (error) {
      if (database.inTransaction) database.exec('ROLLBACK');
      throw error;
    }
  }
}

function apply(database: Libsql.Database, { sql, perOrganisation }: Migration): void {
  database.exec(sql);
  if (perOrganisation === undefined) return;
  for (const row of database.prepare('SELECT id FROM organisations').all([])) {
    database.exec(perOrganisation(new Columns('migrate.organisations', row).text('id')));
  }
}

/** The schema version of an open file. */
export function versionOf(database: Libsql.Database): number {
  const row = database.prepare('SELECT user_version AS version FROM pragma_user_version').all([])[0];
  if (typeof row === 'object' && row !== null && 'version' in row && typeof row.version === 'number') return row.version;
  throw new TypeError('the database does not tell its version');
}
