import { RequestError } from '../../domain/errors.ts';
import { unknownOrganisation } from '../../domain/organisation.ts';
import type { ArmResult } from '../../retrieval/candidate.ts';
import { diversify } from '../../retrieval/diversity.ts';
import { foldDuplicates, groupDocuments, type Group } from '../../retrieval/fold.ts';
import { byScore as byCandidate, fuse } from '../../retrieval/fuse.ts';
import { recencyFactor } from '../../retrieval/recency.ts';
import type { SearchScope } from '../../retrieval/query.ts';
import type { Database } from '../../store/database.ts';
import type { DocumentFilter } from '../../store/document-filter.ts';
import { hiddenFeatures } from '../../store/feature-documents.ts';
import { getOrganisation } from '../../store/organisations.ts';
import { getDatasource } from '../../store/registry.ts';
import { datasourceWord, featureWord } from '../../store/search-scope.ts';
import { KnownFrequencies } from '../../store/search-statistics.ts';
import { searchFeedback } from './feedback-arm.ts';
import { searchKeywords, type HitCandidate, type KeywordSearch } from './keyword-arm.ts';
import type { LiveSearch } from './live-search.ts';
import { planQuestion, type QuestionPlan } from './question-plan.ts';
import { toHit, type RankedGroup } from './retrieval-hits.ts';
import type { Reranking } from './reranking.ts';
import type { MissingPart, RetrievalInput, RetrievalService, RetrievalStage } from './retrieval-service.ts';
import { Stopwatch } from './stopwatch.ts';
import { NO_VECTORS, type VectorArm } from './vector-arm.ts';
import type { Sight, VisibilityService } from './visibility.ts';

/** Characters. */
const MAX_QUESTION = 8_192;
const MAX_K = 100;
const MAX_PER_DOCUMENT = 10;
/** Passages of a document beside those that may be hits: neighbours are joined with them. */
const NEIGHBOURS = 2;
/** Passages that are rated by their words where vectors rank them too. */
const COMPARED_WITH_VECTORS = 100;

export interface RetrievalOptions {
  database: Database;
  visibility: VisibilityService;
  /** Left out: no source is asked itself. */
  live?: LiveSearch;
  /** Left out: passages are found by their words alone. */
  vectors?: VectorArm;
  /** Left out: nothing looks at the best once more. */
  reranking?: Reranking | undefined;
}

/**
 * Answers questions from the index of one organisation, and from sources that are asked themselves. Each way of searching is an
 * arm; what they find is fused, folded by document and by likeness, and ranked. The same question gives the same answer.
 *
 * What may be seen is decided once, from who asks and for whom, and is a part of the query: what lies outside is neither a
 * candidate nor counted.
 */
export function createRetrieval(options: RetrievalOptions): RetrievalService {
  const { database, visibility, live, reranking } = options;
  const frequencies = new KnownFrequencies();
  return {
    async retrieve(input) {
      const watch = new Stopwatch<RetrievalStage>();
      const seen = Promise.all([visibility.of(input.organisation, input.asker), hiddenFeatures(database, input.organisation)]);
      // What is wrong with the question itself is said first.
      seen.catch(() => undefined);
      await checkInput(database, input);
      const [sight, hidden] = await seen;
      watch.lap('access');
      const search = { ...toSearch(input, sight, hidden), frequencies };
      const plan = await planQuestion(database, input.question, search);
      watch.lap('plan');
      const asked = input.live === undefined ? undefined : live?.search({ ...input, ...search, ...input.live, sight, plan });
      const { arms, missing } = await searchIndex(options, search, plan, input, watch);
      const answered = await asked;
      if (answered !== undefined) {
        arms.push(answered.arm);
        watch.lap('live');
      }
      const grouped = group(arms, input);
      const reranked = input.rerank === false ? undefined : await reranking?.rate(input.question, grouped, input.k);
      if (reranked !== undefined) watch.lap('rerank');
      if (reranked?.missing !== undefined) missing.push(reranked.missing);
      const rated = reranked !== undefined && reranked.missing === undefined && reranked.groups !== grouped;
      const ranked = rank(reranked?.groups ?? grouped, input, rated);
      const hits = ranked.map((group) => toHit(group, { words: plan.weighed, explain: input.explain ?? false }));
      watch.lap('shape');
      return {
        hits,
        failures: answered?.failures ?? [],
        missing,
        tookMs: watch.totalMs(),
        ...(input.timings === true ? { timings: watch.laps() } : {}),
      };
    },
  };
}

/** What the organisation's own index gives, and what it had to do without. */
interface IndexAnswer {
  arms: ArmResult<HitCandidate>[];
  missing: MissingPart[];
}

async function searchIndex(
  { database, vectors = NO_VECTORS }: RetrievalOptions,
  search: KeywordSearch,
  plan: QuestionPlan,
  { question, feedback = false, vectors: wanted = true }: RetrievalInput,
  watch: Stopwatch<RetrievalStage>,
): Promise<IndexAnswer> {
  // Its vector is on the way while the index is searched for its words.
  const near = wanted ? vectors.search({ ...search, question }) : undefined;
  // Should the words fail, nobody would wait for it any more.
  near?.catch(() => undefined);
  const ranksToo = wanted && vectors !== NO_VECTORS;
  const keyword = await searchKeywords(database, ranksToo ? { ...search, compared: COMPARED_WITH_VECTORS } : search, plan);
  watch.lap('keyword');
  const arms = [keyword];
  if (feedback && keyword.found.length > 0) {
    arms.push(await searchFeedback(database, search, keyword));
    watch.lap('feedback');
  }
  const nearest = await near;
  if (ranksToo) watch.lap('vector');
  if (nearest !== undefined && 'arm' in nearest) arms.push(nearest.arm);
  return { arms, missing: nearest !== undefined && 'missing' in nearest ? [nearest.missing] : [] };
}

/** Fused, then folded. */
function group(arms: readonly ArmResult<HitCandidate>[], { k, perDocument = 1, fold = true }: RetrievalInput): Group<HitCandidate>[] {
  // What a source answers itself is rated by the same words on the same scale, and is nowhere else.
  const found = [...fuse(arms.filter(({ arm }) => arm !== 'live')), ...fuse(arms.filter(({ arm }) => arm === 'live'))];
  const grouped = groupDocuments(found.toSorted(byCandidate), perDocument);
  return fold ? foldDuplicates(grouped, k) : grouped;
}

/** Weighed by age, then chosen. `rated`: by a reranker. */
function rank(groups: readonly Group<HitCandidate>[], { k, recency = 0, diversity = 0 }: RetrievalInput, rated: boolean): RankedGroup[] {
  const nowMs = Date.now();
  const weighed = groups.map((found) => {
    const factor = recency === 0 ? 1 : recencyFactor(found.lead.candidate.updatedAtMs, nowMs, recency);
    return { ...found, score: found.score * factor, factor, reranked: rated ? found.score : undefined };
  });
  if (recency > 0) weighed.sort(byScore);
  return diversify(weighed, diversity, k).map((chosen) => {
    const { factor, reranked } = weighed.find((other) => other.lead === chosen.lead) ?? { factor: 1, reranked: undefined };
    return { group: chosen, score: chosen.score, recency: factor, reranked };
  });
}

function byScore(a: Group<HitCandidate>, b: Group<HitCandidate>): number {
  return b.score - a.score || (a.lead.candidate.document < b.lead.candidate.document ? -1 : 1);
}

function toSearch(input: RetrievalInput, { visibility }: Sight, hidden: readonly string[]): KeywordSearch {
  const { organisation, k, perDocument = 1 } = input;
  return {
    organisation,
    visibility,
    scope: scopeOf(input),
    datasources: named(input.datasources),
    features: named(input.features),
    filter: { ...filterOf(input), hidden: hidden.length === 0 ? undefined : hidden },
    k,
    perDocument: perDocument + NEIGHBOURS,
  };
}

/** One set of words for each filter that the index knows by itself. */
function scopeOf({ datasources, features }: RetrievalInput): SearchScope {
  const sets = [(datasources ?? []).map(datasourceWord), (features ?? []).map(featureWord)];
  return { anyOf: sets.filter((words) => words.length > 0) };
}

/** An empty list names nothing and filters nothing. */
function named(names: readonly string[] | undefined): readonly string[] | undefined {
  return names === undefined || names.length === 0 ? undefined : names;
}

function filterOf({ connections, mediaTypes, updatedFromMs, updatedBeforeMs, attributes }: RetrievalInput): DocumentFilter {
  return {
    connections,
    mediaTypes: mediaTypes?.map((mediaType) => mediaType.toLowerCase()),
    fromMs: updatedFromMs,
    beforeMs: updatedBeforeMs,
    attributes,
  };
}

async function checkInput(database: Database, input: RetrievalInput): Promise<void> {
  checkLength(input.question);
  checkRange('k', input.k, 1, MAX_K);
  if (input.perDocument !== undefined) checkRange('perDocument', input.perDocument, 1, MAX_PER_DOCUMENT);
  const names = [...new Set(input.datasources)];
  const [organisation, ...datasources] = await Promise.all([
    getOrganisation(database, input.organisation),
    ...names.map((name) => getDatasource(database, name)),
  ]);
  if (organisation === undefined) throw unknownOrganisation(input.organisation);
  const unknown = names.find((_, index) => datasources[index] === undefined);
  if (unknown !== undefined) {
    throw new RequestError('UNKNOWN_DATASOURCE', `No datasource "${unknown}" is installed.`, {
      remedy: 'Install it, or leave it out of `datasources`.',
    });
  }
}

function checkLength(question: string): void {
  const { length } = [...question];
  if (length >= 1 && length <= MAX_QUESTION) return;
  const reason = `question has ${length} characters, and must have 1 to ${MAX_QUESTION} characters`;
  throw unanswerable('question', reason, `Use 1 to ${MAX_QUESTION} characters.`);
}

function checkRange(field: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  const reason = `${field} is ${value}, and must be a whole number from ${least} to ${most}`;
  throw unanswerable(field, reason, `Use ${least} to ${most}.`);
}

function unanswerable(field: string, reason: string, remedy: string): RequestError {
  return new RequestError('INVALID_REQUEST', `The question cannot be answered: ${reason}.`, {
    problems: [{ path: `/${field}`, reason, remedy }],
  });
}
