import type { ConformanceResult } from '../conformance/suite.ts';
import type { Actor, Caller } from '../domain/caller.ts';
import type { Flow } from '../domain/authorisation.ts';
import type { AuditEvent, AuditKind } from '../domain/audit.ts';
import type { RecordedChange } from '../domain/change.ts';
import type { FeatureOverride, OffDocuments } from '../domain/connection.ts';
import type { DependencyFault, DependencyNode } from '../domain/dependencies.ts';
import type { Failure } from '../domain/document.ts';
import type { Problem } from '../domain/errors.ts';
import type { Grant } from '../domain/grant.ts';
import type { Json, JsonObject } from '../domain/json.ts';
import type { Limits } from '../domain/limits.ts';
import type { ManifestDifference } from '../domain/manifest-difference.ts';
import type { Manifest } from '../domain/manifest.ts';
import type { VersionState } from '../domain/version-state.ts';
import type { Pause, RunBounds } from '../domain/run-bounds.ts';
import type { RunKind, RunState, ScheduledKind } from '../domain/run-kind.ts';
import type { IncomingDelivery, WebhookProof } from '../domain/webhook.ts';
import type { InspectionReport } from '../sandbox/inspect.ts';
import type { Attempt, AuthorisationStatus, Revocation } from './authorisation-view.ts';
import type { CallerService } from './callers.ts';
import type { ChangeService } from './changes.ts';
import type { IdempotencyService } from './idempotency.ts';
import type { KeyService } from './keys.ts';
import type { LorelaiService } from './lorelai-services.ts';
import type { Page, PageInput } from './page.ts';
import type { AccessService, ConnectionAccessService, PeopleService, QuestionRecord } from './people-services.ts';
import type { VectorService } from './vector-services.ts';
import type { FolderService, MarketService, SourceService, TrustService } from './source-services.ts';
import type { RetrievalHit } from './retrieval-hit.ts';
import type { Run } from './run-view.ts';
import type { Asker } from './visibility.ts';

/**
 * What the product does, for every front door: the HTTP routes and the command line speak to
 * these and to nothing below them. Each method throws `RequestError` with the codes it names.
 */
export interface Services {
  organisations: OrganisationService;
  keys: KeyService;
  callers: CallerService;
  changes: ChangeService;
  idempotency: IdempotencyService;
  registry: RegistryService;
  versions: VersionService;
  trust: TrustService;
  sources: SourceService;
  folders: FolderService;
  markets: MarketService;
  flags: FlagService;
  connections: ConnectionService;
  authorisations: AuthorisationService;
  variables: VariableService;
  vault: VaultService;
  runs: RunService;
  schedules: ScheduleService;
  webhooks: WebhookService;
  retrieval: RetrievalService;
  vectors: VectorService;
  people: PeopleService;
  access: AccessService;
  connectionAccess: ConnectionAccessService;
  questions: Omit<QuestionRecord, 'close'>;
  audit: AuditService;
  metrics: MetricsService;
  health: HealthService;
  lorelai: LorelaiService;
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
  list(caller: Pick<Caller, 'organisation'>, page: PageInput): Promise<Page<Organisation>>;
}

export interface FeatureFlag {
  feature: string;
  description: string;
  enabled: boolean;
  /** Defaults of the manifest with the operator's settings over them. */
  config: JsonObject;
  /** What becomes of the documents while it is off. */
  documents: OffDocuments;
  updatedAtMs: number | undefined;
}

export interface FeatureFlagInput {
  enabled: boolean;
  /** As it is when left out. */
  config?: JsonObject;
  /** Of a feature that is switched off: `keep` when left out, or what it was while it was off. */
  documents?: OffDocuments;
}

/** Documents that are still to be deleted, and of how many connections. */
export interface FeaturePurging {
  connections: number;
  documents: number;
}

export interface InstalledDatasource {
  name: string;
  version: string;
  digest: string;
  manifest: Manifest;
  grant: Grant;
  /** Every limit in force: the defaults with the grant's over them. */
  limits: Limits;
  /** Whether its connections are worked on. */
  enabled: boolean;
  /** The version that ran before, and can be gone back to. */
  previousVersion: string | undefined;
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
  /** By name. INVALID_REQUEST for a bad page. */
  page(page: PageInput): Promise<Page<InstalledDatasource>>;
  /** UNKNOWN_DATASOURCE. */
  get(name: string): Promise<InstalledDatasource>;
}

/** One version of a datasource that the host knows. */
export interface DatasourceVersion {
  version: string;
  digest: string;
  frameworkVersion: string;
  /** Where its file came from, in words. */
  origin: string;
  /** Who vouches for it: an object with `kind`. */
  trust: Json;
  state: VersionState;
  reason: string | undefined;
  addedAtMs: number;
  updatedAtMs: number;
}

/** A switch from one version to the next on the way to another. */
export interface UpgradeStep {
  from: string;
  to: string;
  differences: ManifestDifference[];
  /** Whether runs go on where the version before stopped. */
  checkpoints: 'go-on' | 'afresh';
}

/** A change of state of a version. */
export interface VersionTransition {
  version: string;
  from: string | undefined;
  to: string;
  /** Kind and id of who did it. */
  actor: string;
  reason: string;
  atMs: number;
}

/** What depends on what, and whether all of it can be loaded. */
export interface DependencyGraph {
  frameworkVersion: string;
  nodes: DependencyNode[];
  faults: DependencyFault[];
  /** Each behind what it needs; undefined when there is a ring. */
  order: string[] | undefined;
}

/** Which versions of a datasource work with which framework. */
export interface MatrixRow {
  name: string;
  version: string;
  state: VersionState;
  frameworkVersion: string;
  fits: { framework: string; fits: boolean }[];
}

/** How a version is tried. */
export interface VerifyInput {
  signal: AbortSignal;
  /** Hears of each rule before it is tried. */
  onRule?(name: string, number: number, total: number): void;
}

/** A power that a version asks for and the one before it did not. */
export interface NewAsk {
  /** As `http https://api.example.com`. */
  what: string;
  /** In the author's words; undefined where a manifest gives none. */
  reason: string | undefined;
}

export interface VersionService {
  /** Highest first. UNKNOWN_DATASOURCE. */
  list(name: string): Promise<DatasourceVersion[]>;
  /** Newest first; also of a datasource that was removed. */
  history(name: string, page: PageInput): Promise<Page<VersionTransition>>;
  /** Keeps a version beside the one that runs. The codes of `RegistryService.install`, DIGEST_CHANGED. */
  add(component: Uint8Array, origin: string, actor: Actor): Promise<DatasourceVersion>;
  /**
   * Runs the conformance suite against a version at hand, in its sandbox and without a source; the one that runs when none is
   * named. UNKNOWN_DATASOURCE, UNKNOWN_VERSION, HOST_BUSY.
   */
  verify(name: string, version: string | undefined, how: VerifyInput): Promise<ConformanceResult>;
  /** How one would get to a version. UNKNOWN_DATASOURCE, UNKNOWN_VERSION, NO_UPGRADE_PATH. */
  path(name: string, to: string): Promise<UpgradeStep[]>;
  /**
   * Switches, step by step, to a version at hand: the highest when none is named. `approve` gives what it newly asks for;
   * `afresh` needs no path and reads everything again. Each step is verified first. UNKNOWN_DATASOURCE, UNKNOWN_VERSION,
   * NO_UPGRADE_PATH, APPROVAL_NEEDED, DEPENDENCY_UNMET, INCOMPATIBLE_UPGRADE, DATASOURCE_FAULT, CONFLICT.
   */
  upgrade(name: string, input: { version?: string; approve?: boolean; afresh?: boolean }, actor: Actor): Promise<{ steps: UpgradeStep[] }>;
  /** What an operator would give by approving a version. UNKNOWN_DATASOURCE, UNKNOWN_VERSION. */
  asks(name: string, version: string): Promise<{ digest: string; asks: NewAsk[] }>;
  /**
   * Gives a version that waits for approval what it newly asks for, and switches to it. `digest`: what was looked at. CONFLICT when it
   * does not wait, DIGEST_CHANGED, the codes of `upgrade`.
   */
  approve(name: string, version: string, input: { digest?: string }, actor: Actor): Promise<{ steps: UpgradeStep[] }>;
  /** Back to the version before, with the checkpoints and collections of then. UNKNOWN_DATASOURCE, NOTHING_TO_ROLL_BACK, the codes of `upgrade`. */
  rollback(name: string, actor: Actor): Promise<void>;
  /** Whether its connections are worked on. UNKNOWN_DATASOURCE. */
  setEnabled(name: string, enabled: boolean, reason: string, actor: Actor): Promise<void>;
  /** Gives it other powers; effective with the next call. UNKNOWN_DATASOURCE, INVALID_GRANT. */
  setGrant(name: string, grant: unknown, actor: Actor): Promise<void>;
  /** Takes out all versions with their files. UNKNOWN_DATASOURCE, DATASOURCE_IN_USE, RUN_IN_PROGRESS. */
  remove(name: string, input: { connections: boolean }, actor: Actor): Promise<{ versions: number; connections: number }>;
  graph(): Promise<DependencyGraph>;
  /** By name, then the highest version first. */
  matrix(name?: string): Promise<MatrixRow[]>;
}

/** A feature with what is left to be purged of it. */
export interface FeatureStatus extends FeatureFlag {
  purging: FeaturePurging | undefined;
}

export interface FlagService {
  /**
   * Takes effect from the next batch on; what is purged goes in pieces behind it. UNKNOWN_DATASOURCE, UNKNOWN_FEATURE, INVALID_CONFIG,
   * INVALID_REQUEST; FEATURE_DEPENDENCY when something on would lack what it needs; CONFLICT when its documents are still being purged.
   */
  set(datasource: string, feature: string, input: FeatureFlagInput, actor: Actor): Promise<FeatureStatus>;
  /** UNKNOWN_DATASOURCE, UNKNOWN_FEATURE. */
  get(datasource: string, feature: string): Promise<FeatureStatus>;
  /** What is left to be purged, of all connections or of one; undefined when nothing is. */
  purging(datasource: string, feature: string, connection?: string): Promise<FeaturePurging | undefined>;
  /** Who set the feature for the datasource, newest first. UNKNOWN_DATASOURCE, UNKNOWN_FEATURE, INVALID_REQUEST. */
  history(datasource: string, feature: string, page: PageInput): Promise<Page<RecordedChange>>;
  /** Deletes what is to be purged and nobody else is at; a host that serves does so by itself. */
  purgeDue(): Promise<void>;
}

/** A datasource set up for one organisation. The credential is never shown. */
export interface Connection {
  id: string;
  organisation: string;
  datasource: string;
  name: string;
  config: JsonObject;
  features: Record<string, FeatureOverride>;
  hasCredential: boolean;
  documents: number;
  passages: number;
  metrics: Record<string, number>;
  createdAtMs: number;
  updatedAtMs: number;
  /** Counts the changes of its settings: 1 at first. */
  revision: number;
}

export interface ConnectionInput {
  datasource: string;
  name?: string;
  config?: JsonObject;
  features?: Record<string, FeatureOverride>;
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
  /** UNKNOWN_CONNECTION, UNKNOWN_FEATURE, INVALID_CONFIG. `credential: null` forgets it. CHANGED_MEANWHILE unless it has the revision that is given. */
  change(
    organisation: string,
    id: string,
    input: Partial<Omit<ConnectionInput, 'datasource' | 'credential'>> & { credential?: string | null; ifRevision?: number },
    actor: Actor,
  ): Promise<Connection>;
  /** Removes it with its documents, passages, checkpoints, collections and runs. UNKNOWN_CONNECTION, RUN_IN_PROGRESS. */
  remove(organisation: string, id: string, actor: Actor, ifRevision?: number): Promise<void>;
  /** Asks the datasource, in its sandbox, whether the connection can work. */
  check(organisation: string, id: string): Promise<ConnectionCheck>;
}

export interface RunInput {
  /** `content` when it is left out. */
  kind?: ScheduledKind;
  /** Of `content` and `prune`. */
  features?: string[];
  /** Of `content`: reads everything again, and not only what has changed. */
  full?: boolean;
}

/** A document that a held prune would remove. */
export interface HeldDocument {
  feature: string;
  id: string;
  title: string;
  link: string;
}

/** An item that is not, or not wholly, in the index. */
export interface FailedItem extends Problem {
  feature: string;
  /** How often it has failed. */
  times: number;
  /** Whether the host has kept it, so that it can be taken up again alone. */
  kept: boolean;
  firstAtMs: number;
  lastAtMs: number;
}

export interface RunService {
  /** UNKNOWN_CONNECTION, UNKNOWN_FEATURE, RUN_IN_PROGRESS, CONNECTION_PAUSED. Returns at once with a queued run. */
  start(organisation: string, connection: string, input: RunInput, actor: Actor): Promise<Run>;
  /** UNKNOWN_RUN. */
  get(organisation: string, id: string): Promise<Run>;
  /** Newest first. */
  list(organisation: string, filter: { connection?: string; state?: RunState; kind?: RunKind }, page: PageInput): Promise<Page<Run>>;
  /** UNKNOWN_RUN, RUN_NOT_ACTIVE. Takes effect within the current call. */
  cancel(organisation: string, id: string, actor: Actor): Promise<Run>;
  /** What a held prune would remove. UNKNOWN_RUN, RUN_NOT_HELD. */
  held(organisation: string, id: string, page: PageInput): Promise<Page<HeldDocument>>;
  /** Lets a held prune remove what it was held for and what is still not listed then. UNKNOWN_RUN, RUN_NOT_HELD, RUN_IN_PROGRESS, CONNECTION_PAUSED. */
  approve(organisation: string, id: string, actor: Actor): Promise<Run>;
  /** Ends a held prune; nothing is removed. UNKNOWN_RUN, RUN_NOT_HELD. */
  dismiss(organisation: string, id: string, actor: Actor): Promise<Run>;
  /** Items of a connection that failed. UNKNOWN_CONNECTION. */
  failedItems(organisation: string, connection: string, page: PageInput): Promise<Page<FailedItem>>;
  /** Starts a run that takes up again what the host has kept of failed items, and nothing else. UNKNOWN_CONNECTION, NOTHING_TO_RETRY, RUN_IN_PROGRESS, CONNECTION_PAUSED. */
  retryFailed(organisation: string, connection: string, actor: Actor): Promise<Run>;
  /** Queues the runs whose time has come at `nowMs`, each once however many hosts do so. Gives how many. `work` does it by itself. */
  queueDue(nowMs: number): Promise<number>;
  /** Works on queued, parked and orphaned runs until `signal` aborts or, with `untilIdle`, nothing is left to do now. */
  work(options: { signal: AbortSignal; untilIdle?: boolean; onProgress?: (run: Run) => void }): Promise<void>;
}

/** When the runs of one kind come by themselves. */
export interface KindSchedule {
  /** Five fields of cron, in UTC, or `off`. */
  cron: string;
  /** Who says so: an operator for this connection, the datasource's manifest, or the host. */
  from: 'connection' | 'datasource' | 'host';
  /** None while it is off, and until a host has looked at it. */
  dueAtMs: number | undefined;
  /** Whether the datasource has said that it lacks the function. */
  unsupported: boolean;
}

/** When a connection is worked on, within which bounds, and whether at all. */
export interface ConnectionSchedule extends Record<ScheduledKind, KindSchedule> {
  connection: string;
  paused: Pause | undefined;
  /** Runs in a row that failed. */
  failedRuns: number;
  bounds: RunBounds;
}

/** What is left out stays as it is; null goes back to what the datasource or the host says. */
export type ScheduleChange = { [K in ScheduledKind]?: string | null } & { bounds?: { [K in keyof RunBounds]?: number | null } };

export interface ScheduleService {
  /** UNKNOWN_CONNECTION. */
  get(organisation: string, connection: string): Promise<ConnectionSchedule>;
  /** UNKNOWN_CONNECTION, INVALID_SCHEDULE. */
  change(organisation: string, connection: string, input: ScheduleChange, actor: Actor): Promise<ConnectionSchedule>;
  /** No run begins or goes on until `resume`; one that is under way waits within its current call. UNKNOWN_CONNECTION. */
  pause(organisation: string, connection: string, reason: string | undefined, actor: Actor): Promise<ConnectionSchedule>;
  /** UNKNOWN_CONNECTION. */
  resume(organisation: string, connection: string, actor: Actor): Promise<ConnectionSchedule>;
}

/** The entry of a connection for what its source sends by itself. */
export interface Webhook {
  connection: string;
  /** Below the address of the host. */
  path: string;
  /** How deliveries are proved; undefined when the datasource takes none. */
  scheme: WebhookProof['scheme'] | undefined;
  open: boolean;
  /** When it was opened or its secret changed. */
  changedAtMs: number | undefined;
  /** Deliveries that wait, and those of the last seven days that have ended. */
  pending: number;
  done: number;
  failed: number;
  lastReceivedAtMs: number | undefined;
  /** Why the last one that failed did. */
  lastReason: string | undefined;
}

/** What became of a delivery. */
export type TakenDelivery =
  | { kind: 'kept' }
  /** A copy of one that was taken before. */
  | { kind: 'repeated' }
  /** The source asks whether the address is ours: given back as plain text, or as a member of a JSON object. */
  | { kind: 'challenge'; text: string }
  | { kind: 'challenge-member'; member: string; value: string };

export interface WebhookService {
  /** UNKNOWN_CONNECTION. */
  get(organisation: string, connection: string): Promise<Webhook>;
  /** Opens it, or changes its secret. `secret` of the answer is one that was made, and is never shown again. UNKNOWN_CONNECTION, WEBHOOK_UNSUPPORTED, INVALID_REQUEST. */
  open(organisation: string, connection: string, secret: string | undefined, actor: Actor): Promise<Webhook & { secret?: string }>;
  /** Nothing is taken any more, and what waits is forgotten. UNKNOWN_CONNECTION. */
  close(organisation: string, connection: string, actor: Actor): Promise<Webhook>;
  /** WEBHOOK_REFUSED, HOST_BUSY. */
  take(connection: string, delivery: IncomingDelivery): Promise<TakenDelivery>;
}

export interface RetrievalInput {
  organisation: string;
  /** Any text. */
  question: string;
  /** 1 to 100. */
  k: number;
  datasources?: string[];
  features?: string[];
  connections?: string[];
  /** `text/markdown`, or `text/*` for all of a kind. */
  mediaTypes?: string[];
  /** Documents that changed at the source at this time or later. */
  updatedFromMs?: number;
  /** And before this one. */
  updatedBeforeMs?: number;
  /** Of each attribute one of the values. */
  attributes?: Record<string, string[]>;
  /** Hits of one document: 1 to 10, 1 when left out. */
  perDocument?: number;
  /** Whether what says the same as a better hit is folded into it; true when left out. */
  fold?: boolean;
  /** 0 to 1: how much hits should differ from each other; 0 when left out. */
  diversity?: number;
  /** 0 to 1: how much newer documents come first; 0 when left out. */
  recency?: number;
  /** Whether words that the best passages share are searched for too. */
  feedback?: boolean;
  /** Also asks datasources that can search their source themselves; all together have so long. */
  live?: { deadlineMs: number };
  /** Whether passages are found by what they mean too, where an embedder is set up; true when left out. */
  vectors?: boolean;
  /** Whether a reranker looks at the best, where one is set up; true when left out. */
  rerank?: boolean;
  /** Whether each hit says what its score is made of. */
  explain?: boolean;
  /** Whether the answer says what its stages took. */
  timings?: boolean;
  /** Who asks, and for whom. Left out: nobody, who sees public documents only. */
  asker?: Asker;
}

/** A source that was asked and did not answer. */
export interface SourceFailure {
  connection: string;
  datasource: string;
  code: 'timed-out' | Failure['kind'];
  message: string;
}

/** A part of the host that could have made the answer better, and why it did not. */
export interface MissingPart {
  part: 'vectors' | 'reranker';
  /**
   * `not-configured`: it is not set up; `not-ready`: vectors are being made for the first time; `other-fingerprint`: those that are stored are of
   * another model; `not-fit`: the embedder was measured and finds nothing.
   */
  code: 'not-configured' | 'not-ready' | 'other-fingerprint' | 'not-fit' | 'timed-out' | 'failed';
  message: string;
}

export type RetrievalStage = 'access' | 'plan' | 'keyword' | 'feedback' | 'vector' | 'live' | 'rerank' | 'shape';

export interface RetrievalResult {
  hits: RetrievalHit[];
  /** By connection; the answer is what all others gave. */
  failures: SourceFailure[];
  /** What the answer had to do without. */
  missing: MissingPart[];
  tookMs: number;
  /** In their order, when they were asked for. */
  timings?: { stage: RetrievalStage; ms: number }[];
}

export interface RetrievalService {
  /** UNKNOWN_ORGANISATION, UNKNOWN_DATASOURCE; FORBIDDEN and UNKNOWN_PERSON when it is asked for a person. */
  retrieve(input: RetrievalInput): Promise<RetrievalResult>;
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

/** A value of a manifest's `env_vars` that the operator holds. It is never shown. */
export interface Variable {
  name: string;
  description: string;
  /** For whom the value that counts was set; undefined when there is none. */
  setFor: 'organisation' | 'host' | undefined;
  updatedAtMs: number | undefined;
}

export interface VariableService {
  /** Every variable of the manifest. `organisation` undefined: as all of the host has them. UNKNOWN_DATASOURCE, UNKNOWN_ORGANISATION. */
  list(organisation: string | undefined, datasource: string): Promise<Variable[]>;
  /** Sets values and, with null, forgets them. UNKNOWN_DATASOURCE, UNKNOWN_ORGANISATION, INVALID_REQUEST for an unknown name. */
  set(organisation: string | undefined, datasource: string, values: Record<string, string | null>, actor: Actor): Promise<Variable[]>;
}

export interface AuthorisationService {
  /**
   * Begins a flow, the datasource's first when none is named; one that needs no person is over at once. UNKNOWN_CONNECTION,
   * AUTHORISATION_UNSUPPORTED, AUTHORISATION_REFUSED, CREDENTIAL_MISSING, INVALID_CONFIG, INVALID_SETTING, UPSTREAM_FAULT.
   */
  begin(
    organisation: string,
    connection: string,
    input: { flow?: Flow },
    actor: Actor,
  ): Promise<{ attempt: Attempt | undefined; authorisation: AuthorisationStatus }>;
  /** UNKNOWN_CONNECTION. */
  status(organisation: string, connection: string): Promise<AuthorisationStatus>;
  /** UNKNOWN_CONNECTION, UNKNOWN_AUTHORISATION, INVALID_REQUEST. */
  choose(organisation: string, connection: string, choice: string, actor: Actor): Promise<AuthorisationStatus>;
  /** A browser came back from a source with these parameters. What they hold proves itself. */
  finish(parameters: URLSearchParams): Promise<{ ok: true } | { ok: false; reason: string }>;
  /** Sees to a token that is good for a call now. UNKNOWN_CONNECTION, CREDENTIAL_MISSING when it is paused, UPSTREAM_FAULT. */
  refresh(organisation: string, connection: string): Promise<AuthorisationStatus>;
  /** Ends access at the source as far as it can, and forgets credential, documents, passages and access here. UNKNOWN_CONNECTION, RUN_IN_PROGRESS. */
  revoke(organisation: string, connection: string, actor: Actor): Promise<Revocation>;
}

export interface VaultStatus {
  /** Where the master keys come from. */
  source: string;
  /** Those at hand, with how many values each of them seals. */
  keys: { id: string; seals: boolean; values: number }[];
  /** Values that do not name their key: sealed by an older host. */
  withoutKeyId: number;
  /** Keys that seal values and are not at hand. */
  lost: { id: string; values: number }[];
  /** When sealed values were last looked through. */
  finishedAtMs: number | undefined;
}

export interface VaultService {
  /** INVALID_SETTING when the keys cannot be read. */
  status(): Promise<VaultStatus>;
  /** Makes a new first key, if that is wanted, and wraps every sealed value under the first key. INVALID_SETTING where the operator keeps the keys. */
  rotate(input: { newKey: boolean }): Promise<{ rewrapped: number; failed: number; status: VaultStatus }>;
  /** Forgets keys that seal nothing any more. INVALID_SETTING where the operator keeps the keys, CONFLICT right after a change. */
  retire(): Promise<{ retired: string[]; status: VaultStatus }>;
}

export type { Page, PageInput } from './page.ts';
export type { Attempt, AuthorisationStatus, Revocation } from './authorisation-view.ts';
export type { HitExplanation, RetrievalHit } from './retrieval-hit.ts';
export type { Run, RunFeature } from './run-view.ts';
