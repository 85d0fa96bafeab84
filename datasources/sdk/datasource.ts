import type { Principal } from './access.ts';
import type { Changes, Document, IdPage, ReadResult } from './document.ts';
import type { Problem } from './failure.ts';

/** The types that `datasource.generated.ts` derives from a manifest. */
export interface ManifestTypes {
  /** The connection's config. */
  config: object;
  /** The settings of each feature, by name. */
  features: object;
  /** Names of the collections. */
  collections: string;
  /** Names of the metrics that only grow. */
  counters: string;
  /** Names of the metrics that are set. */
  gauges: string;
}

/** What the SDK needs of a manifest at run time. `datasource.generated.ts` exports one as `manifest`. */
export interface DatasourceManifest<Types extends ManifestTypes = ManifestTypes> {
  readonly name: string;
  readonly version: string;
  readonly features: readonly { readonly name: string; readonly description: string }[];
  /** JSON Schema 2020-12 of the connection's config. */
  readonly configSchema: object;
  readonly collections: readonly string[];
  readonly counters: readonly string[];
  readonly gauges: readonly string[];
  /** Never there: it carries the types. */
  readonly types?: Types;
}

type TypesOf<M> = M extends DatasourceManifest<infer Types> ? Types : never;

/** The names of a manifest's features: `FeatureName<typeof manifest>`. */
export type FeatureName<M> = keyof TypesOf<M>['features'] & string;

/** The settings of one feature: `Settings<typeof manifest, 'issue_tracking'>`. */
export type Settings<M, Name extends FeatureName<M>> = TypesOf<M>['features'][Name];

/** What every call is told about the connection that it works for. */
export interface Connection<M> {
  /** A ULID, stable for the life of the connection. */
  readonly id: string;
  /** The connection's settings. Never holds a credential: the host attaches those to requests. */
  readonly config: TypesOf<M>['config'];
  /** How the operator set each feature. */
  readonly features: {
    readonly [Name in FeatureName<M>]: { readonly enabled: boolean; readonly settings: Settings<M, Name> };
  };
  /**
   * When the call began, in milliseconds since 1970; in `read`, when the host began to read the feature, which it does anew
   * after each `done`: keep it as the time up to which you have read. `Date.now()` gives the same for the whole call.
   */
  readonly nowMs: number;
  /** The host ends the call at this moment, by the clock of `nowMs`, and throws its result away. */
  readonly deadlineMs: number;
}

/**
 * One feature. `State` is what `read` gives back as `state` and is given the next time: JSON, checked
 * for nothing but that. Throw `checkpointExpired` for a state that is too old to understand.
 */
export interface Feature<M, Name extends FeatureName<M>, State = unknown, Cursor = unknown> {
  /** Reads the next batch: everything when `state` is undefined, what changed since when it is not. */
  read(connection: Connection<M>, settings: Settings<M, Name>, state: State | undefined): ReadResult<State>;
  /** Lists what still exists, page by page, so that the host can prune the rest. */
  listIds?(connection: Connection<M>, settings: Settings<M, Name>, cursor: Cursor | undefined): IdPage<Cursor>;
}

/** What `check` found. */
export interface CheckReport {
  /** Who the credential belongs to, as the source says it. */
  account?: string | undefined;
  /** What would keep a run from working, or from being complete. */
  problems?: readonly Problem[] | undefined;
}

/** A group at the source, so that `access` can name it. */
export interface Group {
  id: string;
  name: string;
  /** Groups may contain groups. */
  members: readonly Principal[];
}

export interface GroupPage<Cursor = unknown> {
  /** At most 1,000. */
  groups: readonly Group[];
  next?: Cursor | undefined;
}

/** A question for the source's own search. */
export interface Query {
  text: string;
  /** The most hits wanted: 1 to 100. */
  limit: number;
}

export interface Hit {
  document: Document;
  /** 0 to 1, better is higher; none when the source only ranks. */
  score?: number | undefined;
}

/** A webhook delivery whose signature the host has checked. */
export interface Delivery {
  /** The source's own id of the delivery. */
  readonly id: string;
  readonly headers: { get(name: string): string | undefined };
  bytes(): Uint8Array;
  text(): string;
  json<T>(): T;
}

/** What a delivery means for one feature. */
export interface Received<M> extends Changes {
  feature: FeatureName<M>;
  /** Whether the host should start a run of the feature now. When left out: false. */
  readNow?: boolean | undefined;
}

/** What an author writes. Every function is synchronous; whatever it throws becomes a failure. */
export interface DatasourceDefinition<M> {
  /** Looks for mistakes that the schema cannot find. No network. */
  validateConfig?(connection: Connection<M>): readonly Problem[];
  /** Tries the connection with a few requests: reachability, credential, scopes. */
  check(connection: Connection<M>): CheckReport;
  features: { [Name in FeatureName<M>]: Feature<M, Name> };
  listGroups?(connection: Connection<M>, cursor: unknown): GroupPage;
  search?(connection: Connection<M>, query: Query): readonly Hit[];
  receive?(connection: Connection<M>, delivery: Delivery): readonly Received<M>[];
}
