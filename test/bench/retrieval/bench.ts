import { join } from 'node:path';
import { isJsonObject } from '../../../host/domain/json.ts';
import { quantile } from '../figure.ts';
import { openBenchHost, type BenchHost } from './bench-host.ts';
import { readCollection, type Collection, type CollectionDocument } from './collection.ts';
import { WordPool } from './distractors.ts';
import { meanQuality, qualityOf, type Quality } from './measures.ts';
import { servePages, writePages } from './pages.ts';
import { databaseBytes, RawIndex } from './raw-index.ts';
import { openVectorIndex } from './vector-index.ts';

export interface BenchOptions {
  scratch: string;
  /** Of the collection. */
  folder: string;
  /** For whom to ask; for nobody in particular when it is left out. */
  person: string | undefined;
  /** Documents beside the collection's own that answer nothing. */
  distractors: number;
  /** Settings of an embedder by the names of their variables; empty for none. */
  embeddings: Record<string, string>;
}

/** How good the answers to one way of asking are, and how long they take. */
interface Answers extends Quality {
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
}

/** What was measured of one way of asking. */
export interface Figures extends Answers {
  documentsPerSecond: number;
  indexBytes: number;
}

export interface RetrievalBench extends Figures {
  collection: string;
  documents: number;
  passages: number;
  queries: number;
  distractors: number;
  /** With a person: how exactly access is kept. */
  access?: AccessFigures;
  /** With an embedder, when the figures above are of both together: each of the two alone. */
  alone?: ArmFigures;
  /** Bare FTS5 over the same passages, called without HTTP. */
  raw: Figures;
  /** The whole path by the bare one. */
  ratio: { documentsPerSecond: number; p50Ms: number; p99Ms: number };
}

interface ArmFigures {
  /** Over HTTP. */
  words: Answers;
  /** The index of vectors, called without HTTP, with the vectors of the questions at hand. */
  vectors: Answers;
  vectorsPerSecond: number;
}

/** What a person is shown, against what brute force leaves over of what everybody is shown. */
interface AccessFigures {
  visibleDocuments: number;
  /** Hits outside of what the person may see: 0, or something is broken. */
  leaks: number;
  /** Of the first ten that brute force leaves over of the first hundred: the share that is there. */
  recallAt10: number;
}

/** What is asked for, to measure quality and time. */
const DEPTH = 100;
const HITS = 10;
/** Each way is timed over at least so many questions, and warmed with some before. */
const TIMED = 1_000;
const WARM = 100;

export async function benchRetrieval(options: BenchOptions): Promise<RetrievalBench> {
  const collection = await readCollection(options.folder);
  const pagesFile = join(options.scratch, 'pages');
  const { documents } = await writePages(pagesFile, withDistractors(collection, options.distractors), collection.groups);
  const server = await servePages(pagesFile);
  const host = await openBenchHost(options.scratch, options.embeddings);
  const raw = new RawIndex(join(options.scratch, 'raw.db'));
  try {
    const indexedMs = await host.index(server.origin);
    const { passages, elapsedMs: rawMs } = raw.copyFrom(host.databaseFile);
    const vectorsMs = host.embeddings === undefined ? undefined : await host.makeVectors();
    const perSecond = (elapsedMs: number): number => (documents / elapsedMs) * 1_000;
    const person = options.person === undefined ? undefined : await host.addPerson(options.person);
    const visible = await visibleTo(collection, options.person);
    const whole: Figures = {
      ...(await measure(collection, visible, (question, k) => ask(host, person, question, k))),
      documentsPerSecond: perSecond(indexedMs),
      indexBytes: databaseBytes(host.databaseFile),
    };
    const bare: Figures = {
      ...(await measure(collection, undefined, (question, limit) => raw.query(question, limit, passages).map(idOf))),
      documentsPerSecond: perSecond(rawMs),
      indexBytes: databaseBytes(join(options.scratch, 'raw.db')),
    };
    const ratio = (field: 'documentsPerSecond' | 'p50Ms' | 'p99Ms'): number => rounded(whole[field] / bare[field]);
    return {
      collection: collection.name,
      documents,
      passages,
      queries: collection.queries.length,
      distractors: options.distractors,
      ...roundedAll(whole),
      ...(vectorsMs === undefined ? {} : { alone: await measureAlone(host, collection, (passages / vectorsMs) * 1_000) }),
      ...(visible === undefined
        ? {}
        : { access: await measureAccess(collection, visible, (who, question, k) => ask(host, who ? person : undefined, question, k)) }),
      raw: roundedAll(bare),
      ratio: { documentsPerSecond: ratio('documentsPerSecond'), p50Ms: ratio('p50Ms'), p99Ms: ratio('p99Ms') },
    };
  } finally {
    raw.close();
    await host.close();
    server.close();
  }
}

async function* withDistractors(collection: Collection, count: number): AsyncGenerator<CollectionDocument> {
  const words = new WordPool();
  const access: CollectionDocument['access'][] = [];
  for await (const document of collection.documents()) {
    words.add(document);
    access.push(document.access);
    yield document;
  }
  yield* words.documents(count, access);
}

async function measureAlone(host: BenchHost, collection: Collection, vectorsPerSecond: number): Promise<ArmFigures> {
  if (host.embeddings === undefined) throw new TypeError('there is no embedder');
  const texts = collection.queries.map(({ text }) => text);
  const index = await openVectorIndex(host.databaseFile, host.embeddings, texts);
  try {
    const words = await measure(collection, undefined, (question, k) => ask(host, undefined, question, k, { vectors: false }));
    const vectors = await measure(collection, undefined, async (question, limit) => (await index.query(question, limit)).map(idOf));
    return { words: roundedEach(words), vectors: roundedEach(vectors), vectorsPerSecond: rounded(vectorsPerSecond) };
  } finally {
    await index.close();
  }
}

type Ask = (question: string, k: number) => string[] | Promise<string[]>;

/** Ids of what a person may see; undefined without a person. */
async function visibleTo(collection: Collection, person: string | undefined): Promise<Set<string> | undefined> {
  if (person === undefined) return undefined;
  const visible = new Set<string>();
  for await (const { id, access } of collection.documents()) if (collection.maySee(person, access)) visible.add(id);
  return visible;
}

async function measureAccess(
  collection: Collection,
  visible: ReadonlySet<string>,
  ask: (asPerson: boolean, question: string, k: number) => Promise<string[]>,
): Promise<AccessFigures> {
  const isShown = (id: string): boolean => visible.has(id) || id.startsWith('distractor-');
  let leaks = 0;
  const recalls: number[] = [];
  for (const { text } of collection.queries) {
    const shown = await ask(true, text, DEPTH);
    leaks += shown.filter((id) => !isShown(id)).length;
    const wanted = (await ask(false, text, DEPTH)).filter((id) => visible.has(id)).slice(0, HITS);
    const first = new Set(shown.filter((id) => visible.has(id)).slice(0, wanted.length));
    if (wanted.length > 0) recalls.push(wanted.filter((id) => first.has(id)).length / wanted.length);
  }
  return {
    visibleDocuments: visible.size,
    leaks,
    recallAt10: rounded(recalls.reduce((sum, recall) => sum + recall, 0) / Math.max(1, recalls.length)),
  };
}

/** `visible`: nothing else is judged; undefined: everything is. */
async function measure(collection: Collection, visible: ReadonlySet<string> | undefined, ask: Ask): Promise<Answers> {
  const { queries, judgements } = collection;
  const qualities: Quality[] = [];
  for (const { id, text } of queries) {
    const grades = [...(judgements.get(id) ?? [])].filter(([document]) => visible?.has(document) ?? true);
    const quality = qualityOf(await ask(text, DEPTH), new Map(grades));
    if (quality !== undefined) qualities.push(quality);
  }
  const timed = Math.max(TIMED, queries.length);
  const timesMs: number[] = [];
  for (let index = -WARM; index < timed; index += 1) {
    const { text } = queries[(index + WARM) % queries.length] ?? { text: '' };
    const startedMs = performance.now();
    await ask(text, HITS);
    if (index >= 0) timesMs.push(performance.now() - startedMs);
  }
  return { ...meanQuality(qualities), p50Ms: quantile(timesMs, 0.5), p95Ms: quantile(timesMs, 0.95), p99Ms: quantile(timesMs, 0.99) };
}

async function ask(host: BenchHost, person: string | undefined, question: string, k: number, more: object = {}): Promise<string[]> {
  const body = await host.retrieve({ question, k, ...more, ...(person === undefined ? {} : { person }) });
  const hits = isJsonObject(body) && Array.isArray(body.hits) ? body.hits : [];
  return hits.map((hit: unknown) => (isJsonObject(hit) && typeof hit.link === 'string' ? idOf(hit.link) : ''));
}

/** The collection's own id of a document, which its link ends with. */
function idOf(link: string): string {
  return decodeURIComponent(link.slice(link.lastIndexOf('/') + 1));
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

function roundedAll({ indexBytes, documentsPerSecond, ...answers }: Figures): Figures {
  return { ...roundedEach(answers), documentsPerSecond: rounded(documentsPerSecond), indexBytes };
}

function roundedEach({ ndcgAt10, recallAt10, recallAt100, mrrAt10, p50Ms, p95Ms, p99Ms }: Answers): Answers {
  return {
    ndcgAt10: rounded(ndcgAt10),
    recallAt10: rounded(recallAt10),
    recallAt100: rounded(recallAt100),
    mrrAt10: rounded(mrrAt10),
    p50Ms: rounded(p50Ms),
    p95Ms: rounded(p95Ms),
    p99Ms: rounded(p99Ms),
  };
}
