import Libsql from 'libsql';
import { matchExpression, selectTerms } from '../../../host/retrieval/query.ts';
import { questionTerms } from '../../../host/retrieval/terms.ts';

interface RawPassage {
  id: number;
  link: string;
  title: string;
  text: string;
  identifiers: string;
}

const ROWS_PER_TRANSACTION = 500;
/** Read from the host's database at a time, outside of what is measured. */
const ROWS_PER_READ = 5_000;

/**
 * libSQL and FTS5 with nothing around them: the same passages, and the levers of the host's own
 * query (stop list, frequent terms left out, terms joined by OR, a weight for the title).
 */
export class RawIndex {
  readonly #database: InstanceType<typeof Libsql>;

  constructor(file: string) {
    this.#database = new Libsql(file);
    this.#database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
      CREATE TABLE passages (id INTEGER PRIMARY KEY, link TEXT, title TEXT, text TEXT) STRICT;
      CREATE VIRTUAL TABLE entries USING fts5 (title, headings, text, identifiers, content = '', tokenize = 'porter unicode61 remove_diacritics 2');
      CREATE VIRTUAL TABLE words USING fts5vocab (entries, row);`);
  }

  /** Inserts the passages of the host's own database; gives their number and the milliseconds that inserting took. */
  copyFrom(file: string): { passages: number; elapsedMs: number } {
    const source = new Libsql(file, { readonly: true });
    const read = source.prepare(`SELECT passages.id, documents.link, documents.title, passages.text, passages.identifiers
      FROM passages JOIN documents ON documents.id = passages.document_id WHERE passages.id > ? ORDER BY passages.id LIMIT ${ROWS_PER_READ}`);
    let elapsedMs = 0;
    let passages = 0;
    for (let after = 0; ;) {
      const rows = read.all([after]).map(toRawPassage);
      const last = rows.at(-1);
      if (last === undefined) break;
      elapsedMs += this.#insert(rows);
      passages += rows.length;
      after = last.id;
    }
    source.close();
    return { passages, elapsedMs };
  }

  #insert(rows: readonly RawPassage[]): number {
    const passage = this.#database.prepare('INSERT INTO passages (id, link, title, text) VALUES (?, ?, ?, ?)');
    const entry = this.#database.prepare('INSERT INTO entries (rowid, title, text, identifiers) VALUES (?, ?, ?, ?)');
    const startedMs = performance.now();
    for (let at = 0; at < rows.length; at += ROWS_PER_TRANSACTION) {
      this.#database.exec('BEGIN');
      for (const { id, link, title, text, identifiers } of rows.slice(at, at + ROWS_PER_TRANSACTION)) {
        passage.run([id, link, title, text]);
        entry.run([id, title, text, identifiers]);
      }
      this.#database.exec('COMMIT');
    }
    return performance.now() - startedMs;
  }

  /** The links of the best documents, best first. */
  query(question: string, limit: number, passages: number): string[] {
    const asked = questionTerms(question);
    const counts = new Map(
      this.#database
        .prepare('SELECT term, doc FROM words WHERE term IN (SELECT value FROM json_each(?))')
        .raw(true)
        .all([JSON.stringify(asked.map(({ stem }) => stem))])
        .map((row) => toPair(row)),
    );
    const terms = selectTerms(
      asked.map((term) => ({ ...term, passages: counts.get(term.stem) ?? 0 })),
      { passages },
    ).searched;
    if (terms.length === 0) return [];
    const rows = this.#database
      .prepare(
        `SELECT passages.link, passages.title, passages.text FROM (
           SELECT rowid AS id, bm25(entries, 2.0, 1.0, 1.0, 0.5) AS relevance FROM entries WHERE entries MATCH ? ORDER BY relevance LIMIT ?) AS best
         JOIN passages ON passages.id = best.id ORDER BY best.relevance`,
      )
      .raw(true)
      .all([matchExpression(terms, { anyOf: [] }), BigInt(limit)]);
    return [...new Set(rows.map((row) => (Array.isArray(row) ? String(row[0]) : '')))];
  }

  close(): void {
    this.#database.close();
  }
}

function toPair(row: unknown): [string, number] {
  if (!Array.isArray(row)) throw new TypeError('that is no row');
  return [String(row[0]), Number(row[1])];
}

function toRawPassage(row: unknown): RawPassage {
  if (typeof row !== 'object' || row === null || !('id' in row && 'link' in row && 'title' in row && 'text' in row && 'identifiers' in row))
    throw new TypeError('that is no passage');
  return {
    id: Number(row.id),
    link: String(row.link),
    title: String(row.title),
    text: String(row.text),
    identifiers: String(row.identifiers),
  };
}

/** Bytes that the tables of a database take, what is only in its write-ahead log included. */
export function databaseBytes(file: string): number {
  const database = new Libsql(file, { readonly: true });
  const [row] = database
    .prepare('SELECT (page_count - freelist_count) * page_size AS bytes FROM pragma_page_count, pragma_freelist_count, pragma_page_size')
    .raw(true)
    .all([]);
  database.close();
  return Array.isArray(row) ? Number(row[0]) : Number.NaN;
}
