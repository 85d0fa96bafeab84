import type { ArmResult, Candidate } from '../../retrieval/candidate.ts';
import { closenessOf, totalCloseness, type Closeness } from '../../retrieval/closeness.ts';
import { matchExpression, selectTerms } from '../../retrieval/query.ts';
import { toScore } from '../../retrieval/score.ts';
import type { Database } from '../../store/database.ts';
import type { DocumentFilter } from '../../store/document-filter.ts';
import type { FoundPassage } from '../../store/found-passages.ts';
import { searchByPlaces, type PassageRanking } from '../../store/passage-ranking.ts';
import { searchPassages, type PassageSearch, type SearchWeights } from '../../store/search.ts';
import type { Narrowed } from '../../store/narrowing.ts';
import type { AskedIndex, QuestionPlan } from './question-plan.ts';

/** The one configuration of the index's own ranking; see `closeness.ts` for what is measured together with it. */
const WEIGHTS: SearchWeights = { title: 3, headings: 1.5, text: 0.9, identifiers: 0.5 };
/** The same in the order of the index's columns; its scope counts nothing. */
const COLUMN_WEIGHTS = [WEIGHTS.title, WEIGHTS.headings, WEIGHTS.text, WEIGHTS.identifiers, 0];

/** Passages that are ranked for each hit wanted: a long document may take many of the first places. */
const CANDIDATES_PER_HIT = 10;
const MIN_CANDIDATES = 200;
/** Where looking for more documents behind one that fills the list ends. */
const MAX_CANDIDATES = 10_000;

/** Passages whose text is compared with the question: of the order that bm25 gives, only the first places are worth mending. */
const COMPARED_PER_HIT = 3;
const MIN_COMPARED = 30;

/** The place whose score is compared with the best one's, the share of it up to which words are clear, and from which on they count least. */
const LOOKED_AT = 10;
const CLEAR = 0.3;
const UNCLEAR = 0.7;
const LEAST_WEIGHT = 0.4;

/** A passage of the index, or a document of a source's own search. */
export type Source = Omit<FoundPassage, 'id' | 'relevance' | 'candidates' | 'position' | 'feature'> & { feature: string | undefined };

/** One that may become a hit. */
export interface HitCandidate extends Candidate {
  source: Source;
  /** Of the keyword arm: what bm25 gave, and what the text added to it. */
  keyword?: { bm25: number; closeness: Closeness; bound: number };
}

export interface KeywordSearch extends AskedIndex {
  filter: DocumentFilter;
  /** What `scope` says, by name. */
  datasources?: readonly string[] | undefined;
  features?: readonly string[] | undefined;
  /** Hits wanted. */
  k: number;
  /** Passages of one document that may be of use: hits, and neighbours to join them with. */
  perDocument: number;
  /** Passages whose text is compared with the question, at least: where another arm ranks passages too, also those further down count. */
  compared?: number;
}

/** Finds passages by words: bm25 over the index, then a closer look at the texts of the best. */
export async function searchKeywords(database: Database, search: KeywordSearch, plan: QuestionPlan): Promise<ArmResult<HitCandidate>> {
  const passages = plan.selection.searched.length === 0 ? [] : await findPassages(database, search, plan);
  const found = passages.map((passage) => rate(passage, plan));
  return { arm: 'keyword', weight: weightOf(found.map(({ score }) => score)), found };
}

/**
 * How much words count beside other arms. They know the answer where one passage has them and the tenth has few of them; where
 * the tenth has nearly as many, they do not tell passages apart. Such a look at how fast scores fall foretells how good a list is: after
 * Shtok, Kurland, Carmel, Raiber and Markovits, "Predicting Query Performance by Query-Drift Estimation" (2012).
 */
function weightOf(scores: readonly number[]): number {
  const [best = 0, ...others] = scores.toSorted((a, b) => b - a);
  const tenth = others[LOOKED_AT - 2] ?? 0;
  const alike = best === 0 ? 0 : Math.min(1, Math.max(0, (tenth / best - CLEAR) / (UNCLEAR - CLEAR)));
  return 1 / (1 + (1 / LEAST_WEIGHT - 1) * alike);
}

async function findPassages(database: Database, search: KeywordSearch, plan: QuestionPlan): Promise<FoundPassage[]> {
  const { k, compared = MIN_COMPARED, perDocument } = search;
  const depth = { candidates: Math.max(MIN_CANDIDATES, k * CANDIDATES_PER_HIT), limit: Math.max(compared, k * COMPARED_PER_HIT) };
  const byMatch = { ...matchOf(search, plan), ...depth, perDocument };
  if (!plan.byPlaces) return findByMatch(database, search, byMatch, plan);
  const found = await searchByPlaces(database, { ...narrowedTo(search), ...placesOf(plan), ...depth, documents: k, perDocument });
  if (found === undefined) return findByMatch(database, search, byMatch, plan);
  return documentsOf(found) >= k ? found : withFrequent(database, found, { ...search, ...byMatch }, plan);
}

function placesOf({ selection, size, averageLength }: QuestionPlan): Pick<PassageRanking, 'words' | 'index' | 'share' | 'mostCandidates'> {
  return {
    words: selection.searched.filter(({ passages }) => passages > 0).map(({ stem }) => stem),
    index: { passages: size.passages, averageLength, weights: COLUMN_WEIGHTS },
    share: size.narrowing,
    mostCandidates: MAX_CANDIDATES,
  };
}

function narrowedTo({ organisation, visibility, filter, datasources, features }: KeywordSearch): Narrowed {
  return { organisation, visibility, filter, datasources, features };
}

function documentsOf(found: readonly FoundPassage[]): number {
  return new Set(found.map(({ documentId }) => documentId)).size;
}

function matchOf(search: KeywordSearch, { selection }: QuestionPlan): Omit<PassageSearch, 'candidates' | 'limit' | 'perDocument'> {
  const { organisation, visibility, filter, scope } = search;
  return {
    organisation,
    visibility,
    filter,
    match: matchExpression(selection.searched, scope),
    weights: WEIGHTS,
    share: isRestricted(search) ? 1 : selection.share,
  };
}

async function findByMatch(database: Database, search: KeywordSearch, first: PassageSearch, plan: QuestionPlan): Promise<FoundPassage[]> {
  const wanted = { ...first };
  for (;;) {
    const found = await searchPassages(database, wanted);
    const [best] = found;
    const noMore = best !== undefined && best.candidates < wanted.candidates && found.length < wanted.limit;
    if (documentsOf(found) >= search.k) return found;
    if (noMore || wanted.candidates >= MAX_CANDIDATES) return withFrequent(database, found, { ...search, ...wanted }, plan);
    // A few long documents filled the list, or a connection that is being removed did: look further down.
    wanted.candidates *= 10;
    wanted.limit *= 2;
  }
}

/**
 * Where the rarer words gave fewer documents than were asked for, the frequent ones that were left out may give more.
 * `closenessOf` counts these words in full, so bm25 must not count them again.
 */
async function withFrequent(
  database: Database,
  found: FoundPassage[],
  wanted: PassageSearch & AskedIndex,
  { selection, size }: QuestionPlan,
): Promise<FoundPassage[]> {
  const { searched, share } = selectTerms(selection.leftOut, size);
  if (searched.length === 0) return found;
  const known = new Set(found.map(({ id }) => id));
  const more = await searchPassages(database, {
    ...wanted,
    match: matchExpression(searched, wanted.scope),
    share: isRestricted(wanted) ? 1 : share,
  });
  return [...found, ...more.filter(({ id }) => !known.has(id)).map((passage) => ({ ...passage, relevance: 0 }))];
}

/** Whether only a part of the index may be shown: then all of it is looked at, since what is left over may be old. */
function isRestricted({ visibility, filter }: Pick<PassageSearch, 'visibility' | 'filter'>): boolean {
  return visibility.kind !== 'everything' || Object.values(filter).some((condition) => condition !== undefined);
}

function rate(passage: FoundPassage, { weighed, bound }: QuestionPlan): { candidate: HitCandidate; score: number } {
  const { relevance, title, text } = passage;
  const closeness = closenessOf(weighed, title, text);
  const candidate = { ...toCandidate(passage), keyword: { bm25: relevance, closeness, bound } };
  return { candidate, score: toScore(relevance + totalCloseness(closeness), bound) };
}

/** A passage of the index, however it was found. */
export function toCandidate({ id, relevance, candidates, position, ...source }: FoundPassage): HitCandidate {
  return {
    key: `passage:${id}`,
    document: source.documentId,
    position,
    text: source.text,
    updatedAtMs: source.updatedAtMs ?? source.createdAtMs,
    source,
  };
}
