import type { Actor } from '../../domain/caller.ts';
import type { RecordedChange } from '../../domain/change.ts';
import type { OffDocuments } from '../../domain/connection.ts';
import type { Grant } from '../../domain/grant.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Limits } from '../../domain/limits.ts';
import type { Manifest } from '../../domain/manifest.ts';
import type { InspectionReport } from '../../sandbox/inspect.ts';
import type { Page, PageInput } from '../page.ts';

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
