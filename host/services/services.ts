import type { Actor, Caller } from '../domain/caller.ts';
import type { AuditEvent, AuditKind } from '../domain/audit.ts';
import type { Failure } from '../domain/document.ts';
import type { Problem } from '../domain/errors.ts';
import type { Grant } from '../domain/grant.ts';
import type { JsonObject } from '../domain/json.ts';
import type { Limits } from '../domain/limits.ts';
import type { Manifest } from '../domain/manifest.ts';
import type { InspectionReport } from '../sandbox/inspect.ts';

/**
 * What the product does, for every front door: the HTTP routes and the command line speak to
 * these and to nothing below them. Each method throws `RequestError` with the codes it names.
 */
export interface Services {
  organisations: OrganisationService;
  registry: RegistryService;
  flags: FlagService;
  connections: ConnectionService;
  runs: RunService;
  retrieval: RetrievalService;
  audit: AuditService;
  metrics: MetricsService;
  health: HealthService;
}

/** A tenant. */
export interface Organisation {
  /** 1 to 63 of `a-z`, `0-9` and `-`, beginning with a letter or digit. */
  id: string;
  name: string;
  createdAtMs: number;
}

export interface OrganisationService {
  /** CONFLICT when the id is taken, INVALID_REQUEST when it is malformed. */
  create(input: { id: string; name?: string }, actor: Actor): Promise<Organisation>;
  /** UNKNOWN_ORGANISATION. */
  get(id: string): Promise<Organisation>;
  /** By id: those that the caller may know of, which is its own, or all for a caller of the host. */
  list(caller: Pick<Caller, 'organisation'>): Promise<Organisation[]>;
}

export interface FeatureFlag {
  feature: string;
  description: string;
  enabled: boolean;
  /** Defaults of the manifest with the operator's settings over them. */
  config: JsonObject;
  updatedAtMs: number | undefined;
}

export interface InstalledDatasource {
  name: string;
  version: string;
  digest: string;
  manifest: Manifest;
  grant: Grant;
  /** Every limit in force: the defaults with the grant's over them. */
  limits: Limits;
  features: FeatureFlag[];
  installedAtMs: number;
}

export interface RegistryService {
  /** Never throws on a bad component: the report says what is wrong. */
  inspect(component: Uint8Array): Promise<InspectionReport>;
  /**
   * Inspects, compiles and registers; replaces an installed one of the same name. INVALID_GRANT and
   * the inspection's own codes: NOT_A_COMPONENT, WRONG_WORLD, COMPONENT_TOO_LARGE, INVALID_MANIFEST.
   */
  install(component: Uint8Array, grant: Grant, actor: Actor): Promise<InstalledDatasource>;
  /** The grant that gives all that a manifest asks for by fixed origin. */
  askedGrant(manifest: Manifest): Grant;
  list(): Promise<InstalledDatasource[]>;
  /** UNKNOWN_DATASOURCE. */
  get(name: string): Promise<InstalledDatasource>;
}

export interface FlagService {
  /** UNKNOWN_DATASOURCE, UNKNOWN_FEATURE, INVALID_CONFIG. Takes effect from the next batch on. */
  set(datasource: string, feature: string, input: { enabled: boolean; config?: JsonObject }, actor: Actor): Promise<FeatureFlag>;
}

/** A datasource set up for one organisation. The credential is never shown. */
export interface Connection {
  id: string;
  organisation: string;
  datasource: string;
  name: string;
  config: JsonObject;
  features: Record<string, { enabled?: boolean; config?: JsonObject }>;
  hasCredential: boolean;
  documents: number;
  passages: number;
  metrics: Record<string, number>;
  createdAtMs: number;
  updatedAtMs: number;
}

export interface ConnectionInput {
  datasource: string;
  name?: string;
  config?: JsonObject;
  features?: Record<string, { enabled?: boolean; config?: JsonObject }>;
  /** The secret that the broker attaches; write-only. */
  credential?: string;
}

export interface ConnectionCheck {
  ready: boolean;
  account: string | undefined;
  problems: Problem[];
  failure: Failure | undefined;
}

export interface ConnectionService {
  /** UNKNOWN_ORGANISATION, UNKNOWN_DATASOURCE, UNKNOWN_FEATURE, INVALID_CONFIG. */
  create(organisation: string, input: ConnectionInput, actor: Actor): Promise<Connection>;
  /** UNKNOWN_CONNECTION, also when it belongs to another organisation. */
  get(organisation: string, id: string): Promise<Connection>;
  list(organisation: string, page: PageInput): Promise<Page<Connection>>;
  /** UNKNOWN_CONNECTION, UNKNOWN_FEATURE, INVALID_CONFIG. `credential: null` forgets it. */
  change(
    organisation: string,
    id: string,
    input: Partial<Omit<ConnectionInput, 'datasource' | 'credential'>> & { credential?: string | null },
    actor: Actor,
  ): Promise<Connection>;
  /** Removes it with its documents, passages, checkpoints, collections and runs. UNKNOWN_CONNECTION, RUN_IN_PROGRESS. */
  remove(organisation: string, id: string, actor: Actor): Promise<void>;
  /** Asks the datasource, in its sandbox, whether the connection can work. */
  check(organisation: string, id: string): Promise<ConnectionCheck>;
}

export type RunState = 'queued' | 'running' | 'parked' | 'succeeded' | 'partial' | 'failed' | 'cancelled';

export interface RunFeature {
  feature: string;
  state: 'pending' | 'running' | 'done' | 'failed' | 'skipped';
  reason: string | undefined;
  batches: number;
  seen: number;
  expected: number | undefined;
  upserted: number;
  unchanged: number;
  deleted: number;
  skipped: number;
}

/** One indexing job of a connection. */
export interface Run {
  id: string;
  organisation: string;
  connection: string;
  state: RunState;
  reason: string | undefined;
  features: RunFeature[];
  /** Items and scopes that were left out, the first 100. */
  problems: (Problem & { feature: string })[];
  wakeAtMs: number | undefined;
  createdAtMs: number;
  startedAtMs: number | undefined;
  finishedAtMs: number | undefined;
}

export interface RunService {
  /** UNKNOWN_CONNECTION, UNKNOWN_FEATURE, RUN_IN_PROGRESS. Returns at once with a queued run. */
  start(organisation: string, connection: string, input: { features?: string[] }, actor: Actor): Promise<Run>;
  /** UNKNOWN_RUN. */
  get(organisation: string, id: string): Promise<Run>;
  /** Newest first. */
  list(organisation: string, filter: { connection?: string }, page: PageInput): Promise<Page<Run>>;
  /** UNKNOWN_RUN, RUN_NOT_ACTIVE. Takes effect within the current call. */
  cancel(organisation: string, id: string, actor: Actor): Promise<Run>;
  /** Works on queued, parked and orphaned runs until `signal` aborts or, with `untilIdle`, nothing is left to do now. */
  work(options: { signal: AbortSignal; untilIdle?: boolean; onProgress?: (run: Run) => void }): Promise<void>;
}

export interface RetrievalInput {
  organisation: string;
  /** Any text. */
  question: string;
  /** 1 to 100. */
  k: number;
  datasources?: string[];
  features?: string[];
}

export interface RetrievalHit {
  /** 0 to 1, better is higher. */
  score: number;
  title: string;
  link: string;
  datasource: string;
  feature: string;
  connection: string;
  documentId: string;
  /** Headings above the passage, outermost first. */
  headings: string[];
  text: string;
  /** The part that answers, plain text. */
  snippet: string;
  /** Where the question's words stand in `snippet`: [start, end) in UTF-16 code units. */
  highlights: [number, number][];
  mediaType: string;
  author: string | undefined;
  updatedAtMs: number | undefined;
}

export interface RetrievalService {
  /** UNKNOWN_ORGANISATION, UNKNOWN_DATASOURCE. */
  retrieve(input: RetrievalInput): Promise<{ hits: RetrievalHit[]; tookMs: number }>;
}

export interface AuditService {
  /**
   * What a connection asked for, was denied and was ended for, with what its datasource was granted; newest first.
   * UNKNOWN_CONNECTION, INVALID_REQUEST.
   */
  list(organisation: string, connection: string, filter: { kind?: AuditKind }, page: PageInput): Promise<Page<AuditEvent>>;
}

export interface MetricsService {
  /** All metrics of this host since its start, in the text format of Prometheus 0.0.4. */
  text(): Promise<string>;
}

export interface HealthService {
  /** `ready` is false when the store does not answer or the host is shutting down. */
  ready(): Promise<{ ready: boolean; checks: { name: string; ok: boolean; detail: string }[] }>;
}

/** Cursor pagination: `after` is the `next` of the page before. */
export interface PageInput {
  /** 1 to 200. */
  limit: number;
  after?: string;
}

export interface Page<T> {
  items: T[];
  /** None after the last page. */
  next: string | undefined;
}
