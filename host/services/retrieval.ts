import { RequestError } from '../domain/errors.ts';
import { unknownOrganisation } from '../domain/organisation.ts';
import { plainText } from '../retrieval/plain-text.ts';
import { matchExpression, selectTerms } from '../retrieval/query.ts';
import type { CountedTerm, SearchScope } from '../retrieval/query.ts';
import { inverseDocumentFrequency, relevanceBound, toScore } from '../retrieval/score.ts';
import { makeSnippet } from '../retrieval/snippet.ts';
import { questionTerms } from '../retrieval/terms.ts';
import type { Database } from '../store/database.ts';
import { getOrganisation } from '../store/organisations.ts';
import { getDatasource } from '../store/registry.ts';
import { countPassages, passageFrequencies, searchPassages } from '../store/search.ts';
import type { FoundPassage, PassageSearch } from '../store/search.ts';
import { datasourceWord, featureWord } from '../store/search-scope.ts';
import type { Visibility } from '../store/visibility.ts';
import type { RetrievalHit, RetrievalInput, RetrievalService } from './services.ts';
import type { VisibilityService } from './visibility.ts';

/** The one configuration: nDCG@10 of SciFact .698, CoSQA .407, Cranfield .392; 2 for the title and 1 for the text give .695, .404, .388. */
const WEIGHTS = { title: 3, headings: 1.5, text: 0.9, identifiers: 0.5 };

/** Passages that are ranked for each document wanted: a long document may take many of the first places. */
const CANDIDATES_PER_HIT = 10;

/** Where looking for more documents behind one that fills the list ends. */
const MAX_CANDIDATES = 10_000;

const MAX_K = 100;

/** What a question's words are worth in this index. */
interface Plan {
  terms: CountedTerm[];
  /** Of the organisation. */
  passages: number;
}

/**
 * Answers questions from the index of one organisation by the words in them: one hit a document, with
 * the passage that fits best. Equal scores keep the order of the documents' ids.
 *
 * What may be seen is decided once, from who asks and for whom, and is a part of the query: what lies outside is neither a
 * candidate nor counted.
 */
export function createRetrieval({ database, visibility }: { database: Database; visibility: VisibilityService }): RetrievalService {
  return {
    async retrieve(input) {
      const startedMs = performance.now();
      await checkInput(database, input);
      const sight = await visibility.of(input.organisation, input.asker);
      const plan = await planTerms(database, input);
      const found = plan.terms.length === 0 ? [] : await search(database, input, plan, sight.visibility);
      const weights = new Map(plan.terms.map((term) => [term.stem, inverseDocumentFrequency(plan.passages, term.passages)]));
      const bound = relevanceBound(plan.terms, plan.passages);
      const hits = found.map((passage) => toHit(passage, bound, weights));
      return { hits, tookMs: performance.now() - startedMs };
    },
  };
}

async function checkInput(database: Database, input: RetrievalInput): Promise<void> {
  if (!Number.isInteger(input.k) || input.k < 1 || input.k > MAX_K) {
    const reason = `k is ${input.k}, and must be a whole number from 1 to ${MAX_K}`;
    throw new RequestError('INVALID_REQUEST', `The question cannot be answered: ${reason}.`, {
      problems: [{ path: '/k', reason, remedy: `Ask for 1 to ${MAX_K} hits.` }],
    });
  }
  if ((await getOrganisation(database, input.organisation)) === undefined) {
    throw unknownOrganisation(input.organisation);
  }
  for (const name of new Set(input.datasources)) {
    if ((await getDatasource(database, name)) === undefined) {
      throw new RequestError('UNKNOWN_DATASOURCE', `No datasource "${name}" is installed.`, {
        remedy: 'Install it, or leave it out of `datasources`.',
      });
    }
  }
}

async function planTerms(database: Database, { organisation, question }: RetrievalInput): Promise<Plan> {
  const terms = questionTerms(question);
  const [passages, frequencies] = await Promise.all([
    countPassages(database, organisation),
    passageFrequencies(
      database,
      organisation,
      terms.map((term) => term.stem),
    ),
  ]);
  const counted = terms.map((term) => ({ ...term, passages: frequencies.get(term.stem) ?? 0 }));
  return { terms: selectTerms(counted, passages), passages };
}

async function search(database: Database, input: RetrievalInput, plan: Plan, visibility: Visibility): Promise<FoundPassage[]> {
  const { organisation, k } = input;
  const match = matchExpression(plan.terms, scopeOf(input));
  const wanted: PassageSearch = { organisation, match, visibility, weights: WEIGHTS, candidates: k * CANDIDATES_PER_HIT, limit: k };
  for (;;) {
    const found = await searchPassages(database, wanted);
    const [first] = found;
    const complete = found.length >= k || (first !== undefined && first.candidates < wanted.candidates);
    if (complete || wanted.candidates >= MAX_CANDIDATES) return found;
    // A few long documents filled the list, or a connection that is being removed did: look further down.
    wanted.candidates *= 10;
  }
}

/** One set of words for each filter. */
function scopeOf({ datasources, features }: RetrievalInput): SearchScope {
  const sets = [(datasources ?? []).map(datasourceWord), (features ?? []).map(featureWord)];
  return { anyOf: sets.filter((words) => words.length > 0) };
}

function toHit(passage: FoundPassage, bound: number, weights: ReadonlyMap<string, number>): RetrievalHit {
  const { relevance, candidates, ...hit } = passage;
  return { ...hit, score: toScore(relevance, bound), ...makeSnippet(plainText(passage.text, passage.mediaType), weights) };
}
