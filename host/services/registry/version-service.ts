import type { ConformanceResult } from '../../conformance/suite.ts';
import type { Actor } from '../../domain/caller.ts';
import type { DependencyFault, DependencyNode } from '../../domain/dependencies.ts';
import type { Json } from '../../domain/json.ts';
import type { ManifestDifference } from '../../domain/manifest-difference.ts';
import type { VersionState } from '../../domain/version-state.ts';
import type { Page, PageInput } from '../page.ts';

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
  /** Of a limit: what holds at present, as `256 MiB`. */
  now?: string;
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
  /** Takes out all versions with their files, and what operators set for it. UNKNOWN_DATASOURCE, DATASOURCE_IN_USE, RUN_IN_PROGRESS. */
  remove(name: string, input: { connections: boolean }, actor: Actor): Promise<{ versions: number; connections: number }>;
  graph(): Promise<DependencyGraph>;
  /**
   * By name, then the highest version first; against the framework of this host and, to know before a host is replaced, another version
   * of it. INVALID_REQUEST.
   */
  matrix(name?: string, framework?: string): Promise<MatrixRow[]>;
}
