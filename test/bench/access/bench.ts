import { createHash } from 'node:crypto';
import { join } from 'node:path';
import Libsql from 'libsql';
import { LOCAL_CALLER } from '../../../host/domain/caller.ts';
import { matchExpression } from '../../../host/retrieval/query.ts';
import { searchKeywords } from '../../../host/services/retrieval/keyword-arm.ts';
import { planQuestion } from '../../../host/services/retrieval/question-plan.ts';
import { createRetrieval } from '../../../host/services/retrieval/retrieval.ts';
import { createVisibility } from '../../../host/services/retrieval/visibility.ts';
import { commitBatch } from '../../../host/store/batch.ts';
import type { DocumentChange } from '../../../host/store/written-changes.ts';
import { insertConnection } from '../../../host/store/connections.ts';
import { openDatabase, type Database } from '../../../host/store/database.ts';
import { replaceGroups, stageGroups } from '../../../host/store/groups.ts';
import { insertOrganisation } from '../../../host/store/organisations.ts';
import { insertPerson } from '../../../host/store/people.ts';
import { putDatasource } from '../../../host/store/registry.ts';
import { claimNextRun, createRun } from '../../../host/store/runs.ts';
import type { Visibility } from '../../../host/store/visibility.ts';
import { quantile } from '../figure.ts';
import { readCollection } from '../retrieval/collection.ts';
import { WordPool } from '../retrieval/distractors.ts';

/** What a person of some share costs and finds. */
export interface AccessFigure {
  /** Of all documents that they may see: 1 for whoever sees everything without being asked about. */
  share: number;
  p50Ms: number;
  p99Ms: number;
  /** Of the ten best by bm25 that brute force gives, the share that a question's words give with the same relevance. */
  recallAt10: number;
  /** Passages that were given and may not be seen: 0, or something is broken. */
  leaks: number;
  /** Of the compared questions, those that the host ranked from the places of words; FTS5 ranked the rest. */
  byPlaces: number;
}

const ORGANISATION = 'bench';
const GROUPS = 1_000;
const QUESTIONS = 150;
const HITS = 10;
/** Of these, those whose whole ranking is worked out by brute force. */
const QUESTIONS_OF_RECALL = 40;
/** Groups that a person is in: 10 %, 1 % and 0.3 % of a thousand, half of them, and all. */
const MEMBERSHIPS = [100, 10, 3, 500, 1_000];
const WEIGHTS = { title: 3, headings: 1.5, text: 0.9, identifiers: 0.5 };

/** Indexes documents of a thousand groups, made of the words of a collection, and asks its questions for people of several shares. */
export async function benchAccess(options: { collection: string; documents: number; scratch: string }): Promise<AccessFigure[]> {
  const { collection, documents, scratch } = options;
  const { documents: readDocuments, queries } = await readCollection(collection);
  const pool = new WordPool();
  for await (const document of readDocuments()) pool.add(document);
  const file = join(scratch, 'access.db');
  const database = await openDatabase({ file });
  try {
    await fill(database, pool, documents);
    const step = Math.max(1, Math.floor(queries.length / QUESTIONS));
    const questions = queries.filter((_, index) => index % step === 0).map(({ text }) => text);
    const figures = [await measure(database, file, questions, undefined)];
    for (const memberships of MEMBERSHIPS) figures.push(await measure(database, file, questions, memberships));
    return figures;
  } finally {
    await database.close();
  }
}

async function fill(database: Database, pool: WordPool, count: number): Promise<void> {
  const [connection, run] = ['c', 'r'];
  await insertOrganisation(database, { id: ORGANISATION, name: ORGANISATION, createdAtMs: 1 });
  await putDatasource(database, { name: 'd', version: '1.0.0', digest: 'd', manifest: {}, grant: {}, inspection: {}, nowMs: 1 });
  const more = { datasource: 'd', name: 'c', config: {}, features: {}, sealedCredential: undefined, nowMs: 1 };
  await insertConnection(database, { id: connection, organisation: ORGANISATION, ...more });
  await createRun(database, { id: run, organisation: ORGANISATION, connection, features: ['f'], nowMs: 1 });
  const claimed = await claimNextRun(database, { owner: 'bench', nowMs: 2, leaseMs: 1_000_000 });
  if (claimed === undefined) throw new Error('the run was not due');
  const batch = { lease: claimed.lease, leaseUntilMs: 1_000_000, organisation: ORGANISATION, connection, datasource: 'd', feature: 'f' };
  const rest = { checkpoint: new Uint8Array([1]), done: false, problems: [], storage: [], metrics: [] };
  let changes: DocumentChange[] = [];
  const flush = async (): Promise<void> => {
    await commitBatch(database, { ...batch, ...rest, changes, progress: { seen: changes.length, expected: undefined }, nowMs: Date.now() });
    changes = [];
  };
  let place = 0;
  for (const { id, title, text } of pool.documents(count, [undefined])) {
    // A prime number of steps, so that neighbours belong to different groups.
    changes.push(toChange({ id, title, text }, (place * 7_919) % GROUPS));
    place += 1;
    if (changes.length === 1_000) await flush();
  }
  await flush();
  const groups = Array.from({ length: GROUPS }, (_, number) => ({
    id: `g${number}`,
    name: '',
    members: MEMBERSHIPS.filter((memberships) => number < memberships).map((memberships) => ({
      kind: 'email' as const,
      id: emailOf(memberships),
    })),
  }));
  const home = { organisation: ORGANISATION, connection, run };
  await database.write([...stageGroups(home, groups), ...replaceGroups(home, Date.now())]);
  for (const memberships of MEMBERSHIPS) {
    const person = { email: emailOf(memberships), name: '', aliases: [], accounts: [] };
    await insertPerson(database, { organisation: ORGANISATION, id: `p${memberships}` }, person, 1);
  }
}

function toChange({ id, title, text }: { id: string; title: string; text: string }, group: number): DocumentChange {
  const none = { version: undefined, author: undefined, createdAtMs: undefined, updatedAtMs: undefined };
  return {
    kind: 'upsert',
    document: {
      ...none,
      id,
      title,
      link: `https://bench.example/${id}`,
      mediaType: 'text/plain',
      location: [],
      access: { kind: 'all-of', allOf: [[{ kind: 'group', id: `g${group}` }]] },
      attributes: {},
    },
    contentHash: new Uint8Array(createHash('sha256').update(text).digest()),
    passages: [{ position: 0, headings: [], text }],
  };
}

function emailOf(memberships: number): string {
  return `in-${memberships}@bench.example`;
}

async function measure(
  database: Database,
  file: string,
  questions: readonly string[],
  memberships: number | undefined,
): Promise<AccessFigure> {
  const visibility = createVisibility({ database, maxAgeMs: 86_400_000 });
  const retrieval = createRetrieval({ database, visibility });
  const asker = { caller: LOCAL_CALLER, requestId: undefined, ...(memberships === undefined ? {} : { person: emailOf(memberships) }) };
  const ask = (question: string): Promise<unknown> => retrieval.retrieve({ organisation: ORGANISATION, question, k: HITS, asker });
  for (const question of questions.slice(0, 30)) await ask(question);
  const timesMs: number[] = [];
  for (const question of [...questions, ...questions]) {
    const startedMs = performance.now();
    await ask(question);
    timesMs.push(performance.now() - startedMs);
  }
  const seen = (await visibility.of(ORGANISATION, asker)).visibility;
  return {
    share: memberships === undefined ? 1 : memberships / GROUPS,
    p50Ms: quantile(timesMs, 0.5),
    p99Ms: quantile(timesMs, 0.99),
    ...(await compare(database, file, questions.slice(0, QUESTIONS_OF_RECALL), seen)),
  };
}

/** What a question's words give, as `retrieve` asks for it, against brute force. */
async function compare(
  database: Database,
  file: string,
  questions: readonly string[],
  visibility: Visibility,
): Promise<Pick<AccessFigure, 'recallAt10' | 'leaks' | 'byPlaces'>> {
  const lists = visibility.kind === 'everything' ? undefined : new Set(visibility.lists.map(({ id }) => id));
  const raw = new Libsql(file, { readonly: true });
  const accessOf = raw.prepare('SELECT access_id AS list FROM passages WHERE id = ?');
  const maySee = (id: number): boolean => lists === undefined || lists.has(numberOf(accessOf.all([id])[0], 'list'));
  let [wanted, found, leaks, byPlaces, compared] = [0, 0, 0, 0, 0];
  for (const question of questions) {
    const search = { organisation: ORGANISATION, visibility, scope: { anyOf: [] }, filter: {}, k: HITS, perDocument: 3 };
    const plan = await planQuestion(database, question, search);
    const words = plan.selection.searched;
    // Who sees everything is answered from the newest part of the index where all words are frequent: that is no matter of access.
    if (words.length === 0 || (lists === undefined && plan.selection.share < 1)) continue;
    compared += 1;
    if (plan.byPlaces) byPlaces += 1;
    const given = (await searchKeywords(database, search, plan)).found.map(({ candidate: { key, keyword } }) => {
      return { id: Number(key.replace('passage:', '')), relevance: keyword?.bm25 ?? 0 };
    });
    leaks += given.filter(({ id }) => !maySee(id)).length;
    const best = given.toSorted((a, b) => b.relevance - a.relevance);
    const exact = bruteForce(raw, matchExpression(words, search.scope), maySee);
    wanted += exact.length;
    // Passages that are worth the same may stand for each other.
    found += exact.filter((relevance, place) => Math.abs((best[place]?.relevance ?? 0) - relevance) <= 1e-9 * relevance).length;
  }
  raw.close();
  return { recallAt10: wanted === 0 ? 1 : found / wanted, leaks, byPlaces: compared === 0 ? 0 : byPlaces / compared };
}

/** What the ten best passages are worth: all that match are ranked, and those that may not be seen are passed over. */
function bruteForce(raw: Libsql.Database, match: string, maySee: (id: number) => boolean): number[] {
  const index = `passages_fts_${ORGANISATION}`;
  const ranking = `bm25(${index}, ${Object.values(WEIGHTS).join(', ')}, 0)`;
  const ranked = raw
    .prepare(`SELECT rowid AS id, ${ranking} AS rank FROM ${index} WHERE ${index} MATCH ? ORDER BY rank, rowid`)
    .all([match]);
  const best: number[] = [];
  for (const row of ranked) {
    if (maySee(numberOf(row, 'id'))) best.push(-numberOf(row, 'rank'));
    if (best.length === HITS) break;
  }
  return best;
}

function numberOf(row: unknown, column: 'id' | 'list' | 'rank'): number {
  const value: unknown = typeof row === 'object' && row !== null ? new Map<string, unknown>(Object.entries(row)).get(column) : undefined;
  if (typeof value === 'number') return value;
  throw new TypeError(`a row has no ${column}`);
}
