import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import Libsql from 'libsql';
import { COMMAND_LINE } from '../../host/domain/caller.ts';
import { createApp } from '../../host/app.ts';
import { buildDatasource } from '../../host/authoring/build.ts';
import { readConfig } from '../../host/config.ts';
import { listen } from '../../host/listen.ts';
import { createLog } from '../../host/log.ts';
import { openServices } from '../../host/services/open.ts';
import type { Services } from '../../host/services/services.ts';
import { textOf, wordOf } from './corpus/words.ts';
import { compared, type Figure, median, quantile, timings } from './figure.ts';

const DOCUMENTS = 2_000;
const QUERIES = 200;
export const CORPUS = join(import.meta.dirname, 'corpus');

/** A datasource's documents through sandbox, checks, splitting and store, against bare inserts of the same passages; then questions over HTTP against the bare query. */
export async function benchIndexing(scratch: string): Promise<Figure[]> {
  const { file } = await buildDatasource(CORPUS, { outFile: join(scratch, 'corpus.wasm') });
  const config = readConfig({ DATA_DIR: join(scratch, 'data'), LOG_LEVEL: 'error' });
  const log = createLog({ level: 'error', pretty: false, write: (line) => process.stderr.write(line) });
  const { services, close } = await openServices(config, log);
  const listener = await listen(createApp(services, { log, config }), { host: '127.0.0.1', port: 0, log });
  const raw = new RawIndex(join(scratch, 'raw.db'));
  try {
    const indexedMs = await indexCorpus(services, new Uint8Array(await readFile(file)));
    const rawMs = raw.copyFrom(join(config.dataDir, 'lorelai.db'));
    const perSecond = (elapsedMs: number): number => (DOCUMENTS / elapsedMs) * 1_000;
    const { text: key } = await services.keys.create({ organisation: 'default', name: 'bench', scopes: ['operator'] }, COMMAND_LINE);
    const overHttp = await timings(QUERIES, (index) => ask({ url: listener.url, key }, questionOf(index)));
    const bare = await timings(QUERIES, async (index) => raw.query(questionOf(index)));
    return [
      compared(`index ${DOCUMENTS} documents`, 'documents/s', perSecond(indexedMs), { name: 'bare inserts', value: perSecond(rawMs) }),
      compared('retrieve over HTTP, p50', 'ms', median(overHttp), { name: 'bare FTS5', value: median(bare) }),
      compared('retrieve over HTTP, p99', 'ms', quantile(overHttp, 0.99), { name: 'bare FTS5', value: quantile(bare, 0.99) }),
    ];
  } finally {
    raw.close();
    await listener.close(1_000);
    await close();
  }
}

/** Gives the milliseconds that it took. */
export async function indexCorpus(services: Services, component: Uint8Array): Promise<number> {
  await services.organisations.create({ id: 'default' }, COMMAND_LINE);
  await services.registry.install(component, { http: { origins: [], privateNetworks: [] }, storage: false, limits: {} }, COMMAND_LINE);
  const connection = await services.connections.create(
    'default',
    {
      datasource: 'bench_corpus',
      features: { documents: { config: { documents: DOCUMENTS } } },
    },
    COMMAND_LINE,
  );
  const startedMs = performance.now();
  const run = await services.runs.start('default', connection.id, {}, COMMAND_LINE);
  await services.runs.work({ signal: new AbortController().signal, untilIdle: true });
  const elapsedMs = performance.now() - startedMs;
  const ended = await services.runs.get('default', run.id);
  if (ended.state !== 'succeeded') throw new Error(`${ended.state}: ${ended.reason}`);
  return elapsedMs;
}

/** A question that a person might ask: some words of a document, rare and frequent. */
function questionOf(index: number): string {
  return `${textOf(index * 7, 4)} ${wordOf(200 + index)}`;
}

async function ask({ url, key }: { url: string; key: string }, question: string): Promise<void> {
  const response = await fetch(`${url}/api/v1/retrieve`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ question, k: 10 }),
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  await response.arrayBuffer();
}

/** libSQL and FTS5 with nothing around them. */
class RawIndex {
  readonly #database: InstanceType<typeof Libsql>;

  constructor(file: string) {
    this.#database = new Libsql(file);
    this.#database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
      CREATE TABLE passages (id INTEGER PRIMARY KEY, title TEXT, text TEXT) STRICT;
      CREATE VIRTUAL TABLE passages_fts USING fts5 (title, text, content = '', contentless_delete = 1, tokenize = 'porter unicode61');`);
  }

  /** Inserts the passages of the host's own database, 200 in a transaction as the host does; gives the milliseconds. */
  copyFrom(file: string): number {
    const source = new Libsql(file, { readonly: true });
    const rows = source
      .prepare('SELECT passages.id, documents.title, passages.text FROM passages JOIN documents ON documents.id = passages.document_id')
      .all() as { id: number; title: string; text: string }[];
    source.close();
    const startedMs = performance.now();
    const passage = this.#database.prepare('INSERT INTO passages (id, title, text) VALUES (?, ?, ?)');
    const entry = this.#database.prepare('INSERT INTO passages_fts (rowid, title, text) VALUES (?, ?, ?)');
    for (let at = 0; at < rows.length; at += 200) {
      this.#database.exec('BEGIN');
      for (const { id, title, text } of rows.slice(at, at + 200)) {
        passage.run([id, title, text]);
        entry.run([id, title, text]);
      }
      this.#database.exec('COMMIT');
    }
    return performance.now() - startedMs;
  }

  query(question: string): void {
    const match = question
      .split(' ')
      .map((word) => `"${word}"`)
      .join(' OR ');
    this.#database
      .prepare(
        `SELECT passages.id, passages.title, passages.text, bm25(passages_fts, 2.0, 1.0) AS rank
         FROM passages_fts JOIN passages ON passages.id = passages_fts.rowid WHERE passages_fts MATCH ? ORDER BY rank LIMIT 10`,
      )
      .all([match]);
  }

  close(): void {
    this.#database.close();
  }
}
