import Libsql from 'libsql';
import { expect, onTestFinished, test } from 'vitest';
import { migrate, MIGRATIONS } from '../../../host/store/migrate.ts';

type Row = Record<string, unknown>;

interface Column {
  name: string;
  type: string;
  notnull: number;
  dflt_value: string | null;
  pk: number;
}

interface ForeignKey {
  table: string;
  from: string;
  to: string | null;
}

function rowsOf<T>(database: Libsql.Database, sql: string): T[] {
  return database.prepare(sql).all([]) as T[];
}

function tablesOf(database: Libsql.Database): string[] {
  const listed = rowsOf<{ name: string }>(
    database,
    `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`,
  );
  return listed.map(({ name }) => name);
}

/** A value that the column takes: what its row in another table has, else what its CHECK names first, else any of its type. */
function valueFor(database: Libsql.Database, table: string, column: Column): unknown {
  const [key] = rowsOf<ForeignKey>(database, `PRAGMA foreign_key_list(${table})`).filter(({ from }) => from === column.name);
  if (key !== undefined && key.table !== table) {
    const [parent] = rowsOf<Row>(database, `SELECT * FROM ${key.table}`);
    if (parent === undefined) throw new Error(`${key.table} is empty`);
    return parent[key.to ?? column.name] ?? parent.id;
  }
  const [{ sql }] = rowsOf<{ sql: string }>(database, `SELECT sql FROM sqlite_schema WHERE name = '${table}'`) as [{ sql: string }];
  const listed = new RegExp(`\\b${column.name} IN \\('([^']+)'`).exec(sql)?.[1];
  if (listed !== undefined) return listed;
  if (column.type === 'BLOB') return Buffer.alloc(32);
  // Its index is called by it.
  if (table === 'organisations' && column.name === 'id') return 'acme';
  // JSON, for that is what many texts are, and steps look into some.
  return column.type === 'TEXT' || column.type === 'ANY' ? JSON.stringify({ [table]: column.name }) : 1;
}

/** Every organisation has had one since the first version. */
const INDEX = `CREATE VIRTUAL TABLE passages_fts_acme USING fts5 (title, headings, text, identifiers, scope, content = '')`;

/** A row in every table that has none, those that it refers to first. Every column is filled, so that nothing can be lost unseen. */
function fill(database: Libsql.Database): void {
  const empty = tablesOf(database).filter((table) => rowsOf(database, `SELECT 1 FROM ${table} LIMIT 1`).length === 0);
  for (let left = empty; left.length > 0;) {
    const failed: [string, unknown][] = [];
    for (const table of left) {
      try {
        const columns = rowsOf<Column>(database, `PRAGMA table_info(${table})`);
        const values = columns.map((column) => valueFor(database, table, column));
        const sql = `INSERT INTO ${table} (${columns.map(({ name }) => name).join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`;
        database.prepare(sql).run(values);
        if (table === 'organisations') database.exec(INDEX);
      } catch (error) {
        failed.push([table, error]);
      }
    }
    if (failed.length === left.length)
      throw new Error(`no row fits ${failed.map(([table, error]) => `${table}: ${String(error)}`).join('\n')}`);
    left = failed.map(([table]) => table);
  }
}

function contentOf(database: Libsql.Database): Map<string, Row[]> {
  return new Map(tablesOf(database).map((table) => [table, rowsOf<Row>(database, `SELECT * FROM ${table}`)]));
}

/** The rows with these columns alone. */
function within(rows: readonly Row[], columns: readonly string[]): Row[] {
  return rows.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => columns.includes(name))));
}

function fresh(): Libsql.Database {
  const database = new Libsql(':memory:');
  onTestFinished(() => void database.close());
  return database;
}

test.each(MIGRATIONS.map(({ version, name }) => [version, name] as const))(
  'a database of version %i (%s) with a row in every table comes to the newest with all of them',
  (version) => {
    const database = fresh();
    for (const step of MIGRATIONS.slice(0, version)) {
      migrate(database, MIGRATIONS.slice(0, step.version));
      fill(database);
    }
    const before = contentOf(database);
    migrate(database);
    const after = contentOf(database);
    expect(rowsOf(database, 'PRAGMA foreign_key_check')).toEqual([]);
    expect(rowsOf(database, 'PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
    for (const [table, rows] of before) {
      const kept = after.get(table) ?? [];
      expect(kept, `the table ${table}`).toHaveLength(rows.length);
      const both = Object.keys(kept[0] ?? {}).filter((column) => rows[0] !== undefined && column in rows[0]);
      expect(within(kept, both), table).toEqual(within(rows, both));
    }
  },
);

test('every way through the steps ends with the same schema', () => {
  const schemas = MIGRATIONS.map(({ version }) => {
    const database = fresh();
    migrate(database, MIGRATIONS.slice(0, version));
    migrate(database);
    return rowsOf(database, 'SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name');
  });
  for (const found of schemas) expect(found).toEqual(schemas.at(-1));
});
