import { essenceOf } from '../../domain/media-type.ts';
import type { SourceDocument } from '../../domain/document.ts';
import type { Extractor } from '../../domain/extraction.ts';
import { extractText, type ExtractOptions } from '../../indexing/extract.ts';
import { splitText } from '../../indexing/split.ts';
import { ContractError } from '../../indexing/contract-fields.ts';
import { toHits } from '../../indexing/validate.ts';
import type { ArmResult } from '../../retrieval/candidate.ts';
import { closenessOf, totalCloseness, type Closeness, type WeighedQuestion } from '../../retrieval/closeness.ts';
import { toScore } from '../../retrieval/score.ts';
import { listConnections } from '../../store/connections.ts';
import type { DocumentFilter } from '../../store/document-filter.ts';
import type { CallTargets } from '../connections/call-targets.ts';
import { describeFailure } from '../connections/connections.ts';
import { DatasourceSession, type SessionOptions } from '../connections/datasource-session.ts';
import type { HitCandidate } from './keyword-arm.ts';
import { openLiveAccess } from './live-access.ts';
import type { QuestionPlan } from './question-plan.ts';
import type { SourceFailure } from './retrieval-service.ts';
import type { Sight } from './visibility.ts';

export interface LiveQuestion {
  organisation: string;
  question: string;
  k: number;
  datasources?: readonly string[] | undefined;
  /** Answers of a source belong to no feature: with this filter nobody is asked. */
  features?: readonly string[] | undefined;
  filter: DocumentFilter;
  /** For all sources together. */
  deadlineMs: number;
  sight: Sight;
  plan: QuestionPlan;
}

/** What sources answered themselves, and which of them did not. */
export interface LiveAnswer {
  arm: ArmResult<HitCandidate>;
  failures: SourceFailure[];
}

export interface LiveSearch {
  /** Never rejects for a source's fault. */
  search(question: LiveQuestion): Promise<LiveAnswer>;
}

export interface LiveSearchOptions extends SessionOptions {
  targets: CallTargets;
  /** Reads files that are not text. */
  extractor: Extractor;
  /** Groups that were confirmed longer ago are not known. */
  accessMaxAgeMs: number;
}

/** Connections that are asked for one question, oldest first, and how many of them at the same time. */
const MAX_CONNECTIONS = 50;
const CONCURRENT = 4;
/** WIT: a query is at most 4 KiB, and gives at most 100 hits. */
const MAX_QUERY_BYTES = 4_096;
const MAX_HITS = 100;
const MAX_FAILURE_CHARACTERS = 500;
/** Of one answer that are looked at. */
const MAX_PASSAGES = 200;
/** How much what the source says of its own answer counts, beside its words. */
const SOURCE_SHARE = 0.25;

interface Live {
  connection: string;
  datasource: string;
  document: SourceDocument;
  score: number;
}

/** Asks datasources that can search their source themselves. */
export function createLiveSearch(options: LiveSearchOptions): LiveSearch {
  // By digest: what a component cannot do it never learns. A host that has forgotten asks once more.
  const unsupported = new Set<string>();
  return {
    async search(question) {
      const arm = { arm: 'live' as const, weight: 1, found: [] };
      if (question.features !== undefined) return { arm, failures: [] };
      const deadline = AbortSignal.timeout(question.deadlineMs);
      const connections = await connectionsOf(options, question);
      const failures: SourceFailure[] = [];
      const answers: Live[] = [];
      const queue = [...connections];
      const worker = async (): Promise<void> => {
        for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
          const answer = await ask(options, { ...question, connection: next }, unsupported, deadline);
          answers.push(...answer.found);
          if (answer.failure !== undefined) failures.push(answer.failure);
        }
      };
      await Promise.all(Array.from({ length: CONCURRENT }, worker));
      const of = { organisation: question.organisation, nowMs: Date.now(), maxAgeMs: options.accessMaxAgeMs };
      const mayBeSeen = await openLiveAccess(options.database, of, question.sight);
      const visible = answers.filter(
        ({ connection, document }) => mayBeSeen(connection, document.access) && passes(document, question.filter),
      );
      const read = { extractor: options.extractor, signal: deadline };
      const found = await Promise.all(
        visible.map(async (live) =>
          rate(live, await passagesOf(live.document, { ...read, owner: `${question.organisation}/${live.datasource}` }), question.plan),
        ),
      );
      return { arm: { ...arm, found }, failures: failures.toSorted((a, b) => (a.connection < b.connection ? -1 : 1)) };
    },
  };
}

interface Asked {
  id: string;
  datasource: string;
}

async function connectionsOf({ database }: LiveSearchOptions, { organisation, datasources, filter }: LiveQuestion): Promise<Asked[]> {
  const { items } = await listConnections(database, organisation, { limit: 200 });
  const wanted = items.filter(
    ({ id, datasource }) => (datasources?.includes(datasource) ?? true) && (filter.connections?.includes(id) ?? true),
  );
  return wanted.slice(0, MAX_CONNECTIONS);
}

async function ask(
  options: LiveSearchOptions,
  question: LiveQuestion & { connection: Asked },
  unsupported: Set<string>,
  deadline: AbortSignal,
): Promise<{ found: Live[]; failure?: SourceFailure }> {
  const { id, datasource } = question.connection;
  const failed = (code: SourceFailure['code'], message: string): { found: Live[]; failure: SourceFailure } => ({
    found: [],
    failure: { connection: id, datasource, code, message: message.slice(0, MAX_FAILURE_CHARACTERS) },
  });
  if (deadline.aborted) return failed('timed-out', 'the deadline passed before it was its turn');
  const session = new DatasourceSession(options);
  try {
    const target = await options.targets.load(question.organisation, id);
    if (unsupported.has(target.datasource.digest)) return { found: [] };
    const limit = Math.min(MAX_HITS, question.k);
    const query = { text: cutToBytes(question.question, MAX_QUERY_BYTES), limit };
    const result = await session.call(target, 'search', [query], deadline);
    if (result.ok)
      return { found: toHits(result.value, limit).map((hit, rank, all) => toLive(hit, { id, datasource }, 1 - rank / all.length)) };
    if (result.failure === undefined) return failed('timed-out', `it did not answer within ${question.deadlineMs} ms`);
    if (result.failure.kind !== 'unsupported') return failed(result.failure.kind, describeFailure(result.failure));
    unsupported.add(target.datasource.digest);
    return { found: [] };
  } catch (error) {
    if (error instanceof ContractError) return failed('failed', `its answer breaks the contract: ${error.message}`);
    options.log.error('a live search failed', { connection: id, error });
    return failed('failed', 'it could not be asked; the log of the host says why');
  } finally {
    await session.close();
  }
}

function toLive(hit: { document: SourceDocument; score: number | undefined }, { id, datasource }: Asked, byRank: number): Live {
  return { connection: id, datasource, document: hit.document, score: hit.score ?? byRank };
}

/** The filters of the index, for a document that is not in it. */
function passes(document: SourceDocument, { mediaTypes, fromMs, beforeMs, attributes }: DocumentFilter): boolean {
  const essence = essenceOf(document.mediaType);
  const changedAtMs = document.updatedAtMs ?? document.createdAtMs;
  const inTime =
    (fromMs === undefined && beforeMs === undefined) ||
    (changedAtMs !== undefined && changedAtMs >= (fromMs ?? -Infinity) && changedAtMs < (beforeMs ?? Infinity));
  return (
    inTime &&
    (mediaTypes?.some((wanted) => wanted === essence || (wanted.endsWith('/*') && essence.startsWith(wanted.slice(0, -1)))) ?? true) &&
    Object.entries(attributes ?? {}).every(([name, values]) => values.includes(document.attributes[name] ?? ''))
  );
}

interface LivePassage {
  headings: string[];
  text: string;
}

/** None for what cannot be read: it is found by its title. */
async function passagesOf(document: SourceDocument, options: ExtractOptions): Promise<LivePassage[]> {
  const extraction = await extractText(document, options);
  if (!extraction.ok) return [];
  const passages: LivePassage[] = [];
  for (const piece of splitText(extraction.text)) {
    if (piece !== undefined) passages.push(piece);
    if (passages.length === MAX_PASSAGES) break;
  }
  return passages;
}

/** By the words of its best passage, as those of the index are, and by what the source thinks of it. */
function rate(
  { connection, datasource, document, score }: Live,
  passages: readonly LivePassage[],
  plan: QuestionPlan,
): { candidate: HitCandidate; score: number } {
  const question: WeighedQuestion = { ...plan.weighed, terms: plan.weighed.terms.map((term) => ({ ...term, searched: false })) };
  let best: (LivePassage & { closeness: Closeness }) | undefined;
  for (const { text, headings } of passages) {
    const closeness = closenessOf(question, document.title, text);
    if (best === undefined || totalCloseness(closeness) > totalCloseness(best.closeness)) best = { text, headings, closeness };
  }
  const { text, headings, closeness } = best ?? {
    text: document.title,
    headings: [],
    closeness: closenessOf(question, document.title, ''),
  };
  const { content, access, id, version, ...facts } = document;
  const documentId = `live:${connection}:${id}`;
  const byWords = toScore(totalCloseness(closeness), plan.bound);
  return {
    score: (1 - SOURCE_SHARE) * byWords + SOURCE_SHARE * score,
    candidate: {
      key: documentId,
      document: documentId,
      position: undefined,
      text,
      updatedAtMs: document.updatedAtMs ?? document.createdAtMs,
      source: { ...facts, documentId, connection, datasource, feature: undefined, headings, text },
      keyword: { bm25: 0, closeness, bound: plan.bound },
    },
  };
}

/** The longest beginning of a text that is within so many bytes of UTF-8. */
function cutToBytes(text: string, maxBytes: number): string {
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(maxBytes));
  return text.slice(0, read).toWellFormed();
}
