import type { Actor, Caller } from '../../domain/caller.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { RunItem, RunItemOrder } from '../../store/run-items.ts';
import type { Attempt, AuthorisationStatus, Revocation } from '../authorisations/authorisation-view.ts';
import type { RetrievalHit } from '../retrieval/retrieval-hit.ts';
import type { Run } from '../runs/run-view.ts';

/** A question of Lorelai, of each datasource by itself. */
export interface LorelaiQuestion {
  /** Id or exact name. */
  org: string;
  userEmail: string;
  question: string;
  /** In any spelling; all that are connected when left out. */
  datasources: readonly string[] | undefined;
  /** Passages of a datasource that are ranked: 1 to 100. */
  k: number;
  /** How many of them are given. */
  topN: number;
  /** Whether a reranker looks at them, where one is set up. */
  rerank: boolean;
  /** Whether datasources that can search their source themselves are asked to. */
  live: boolean;
}

/** Why something is not there; a code of `RequestError`, INDEX_NOT_FOUND or SOURCE_FAILED. */
export interface LorelaiFault {
  code: string;
  message: string;
  connection?: string;
}

/** What one datasource knows, under the name by which it was asked for. */
export interface LorelaiResult {
  name: string;
  hits: RetrievalHit[];
  fault: LorelaiFault | undefined;
}

/** What was begun for each connection of a datasource. */
export interface LorelaiJobs {
  jobs: string[];
  unknownUsers: string[];
  faults: LorelaiFault[];
}

/** A run with the name of its datasource. */
export interface LorelaiRun {
  run: Run;
  datasource: string;
}

export interface LorelaiItemPage {
  run: string;
  items: RunItem[];
  total: number;
}

export interface LorelaiItemDetails {
  text: string;
  log: string;
  error: string | undefined;
}

/** What a connection reads of its source, and the setting that says so. */
export interface LorelaiSelection {
  connection: string;
  setting: string;
  items: (string | JsonObject)[];
}

type Whose = Pick<Caller, 'organisation'>;

/** In which order the items of a run come. */
export { RUN_ITEM_ORDERS } from '../../store/run-items.ts';

/**
 * What Lorelai's own indexers and retrievers do, in its words, on the services of this host. Each method keeps to the caller's
 * organisation: what belongs to another one is unknown.
 */
export interface LorelaiService {
  /**
   * One result for each datasource; what one of them fails with is in its result. UNKNOWN_ORGANISATION, CONFLICT when the
   * name could mean two, FORBIDDEN and UNKNOWN_PERSON as `RetrievalService.retrieve`.
   */
  retrieve(caller: Caller, requestId: string | undefined, question: LorelaiQuestion): Promise<LorelaiResult[]>;
  /** Begins to read every connection of a datasource. UNKNOWN_ORGANISATION, CONFLICT, UNKNOWN_DATASOURCE, UNKNOWN_CONNECTION when there is none. */
  index(
    caller: Whose,
    input: { org: string; users: 'all' | readonly string[]; datasource: string; full: boolean },
    actor: Actor,
  ): Promise<LorelaiJobs>;
  /** UNKNOWN_RUN. */
  run(caller: Whose, id: string): Promise<LorelaiRun>;
  /** UNKNOWN_RUN. */
  items(
    caller: Whose,
    run: string,
    page: { page: number; perPage: number; status: RunItem['status'] | undefined; order: RunItemOrder },
  ): Promise<LorelaiItemPage>;
  /** UNKNOWN_DOCUMENT. */
  item(caller: Whose, id: string): Promise<LorelaiItemDetails>;
  /** Whose the connection is: the caller's own organisation, whatever it is, unless it is of the whole host. */
  organisationOf(caller: Whose, connection: string): Promise<string>;
  /** UNKNOWN_DATASOURCE, UNKNOWN_CONNECTION; the errors of `AuthorisationService.begin`. */
  authorise(
    caller: Whose,
    input: { org: string; datasource: string; connection: string | undefined },
    actor: Actor,
  ): Promise<{ connection: string; attempt: Attempt | undefined }>;
  /** The errors of `AuthorisationService.refresh`. */
  refresh(caller: Whose, connection: string): Promise<AuthorisationStatus>;
  /** The errors of `AuthorisationService.revoke`. */
  revoke(caller: Whose, connection: string, actor: Actor): Promise<Revocation>;
  /** UNKNOWN_CONNECTION, SELECTION_UNSUPPORTED. */
  selection(caller: Whose, connection: string): Promise<LorelaiSelection>;
  /** Undefined takes the setting away, so that the datasource's default counts. UNKNOWN_CONNECTION, SELECTION_UNSUPPORTED, INVALID_CONFIG, CHANGED_MEANWHILE. */
  select(caller: Whose, connection: string, items: readonly (string | JsonObject)[] | undefined, actor: Actor): Promise<LorelaiSelection>;
}
