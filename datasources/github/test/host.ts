import type { StorageWrite, StoredCollections } from '../../../host/capabilities/storage.ts';
import { Egress, type EgressRecord } from '../../../host/capabilities/egress.ts';
import { openPowers } from '../../../host/capabilities/registry.ts';
import { RequestRate } from '../../../host/capabilities/request-rate.ts';
import type { Batch, Failure, SourceDocument } from '../../../host/domain/document.ts';
import type { Problem } from '../../../host/domain/errors.ts';
import type { Grant } from '../../../host/domain/grant.ts';
import type { JsonObject } from '../../../host/domain/json.ts';
import { DEFAULT_LIMITS } from '../../../host/domain/limits.ts';
import { Meter } from '../../../host/domain/meter.ts';
import { checkSettings } from '../../../host/domain/settings.ts';
import { toBatch, toCheckReport, toFailure, toProblems, toReceived } from '../../../host/indexing/validate.ts';
import type { Wire } from '../../../host/sandbox/frame.ts';
import { PROCESS_ISOLATION } from '../../../host/sandbox/isolation.ts';
import { DEFAULT_POOL, SandboxPool } from '../../../host/sandbox/pool.ts';
import type { SourceFunction } from '../../../host/sandbox/protocol.ts';
import { compileGithub, type CompiledDatasource } from './component.ts';

export type FeatureName = 'repository_indexing' | 'issue_tracking' | 'pull_requests';
type FeatureOverrides = Partial<Record<FeatureName, { enabled?: boolean; config?: JsonObject }>>;

/** One connection of the datasource, in its real sandbox behind the real broker; only the database is a few maps. */
export interface GithubUnderTest {
  /** What the index holds, by feature and document id. */
  index(feature: FeatureName): Map<string, SourceDocument>;
  /** Reads one batch and commits it. Rejects with `CallFailed`, and then nothing is committed. */
  read(feature: FeatureName): Promise<Batch>;
  /** Reads one batch and loses it, as a host does that is killed. */
  readAndLose(feature: FeatureName): Promise<Batch>;
  /** Reads until the feature is up to date. */
  run(feature: FeatureName): Promise<RunSummary>;
  /** Every id of a feature that GitHub still has. */
  listIds(feature: FeatureName): Promise<string[]>;
  listGroups(): Promise<{ id: string; name: string; members: string[] }[]>;
  /** Gives it a webhook delivery and commits what it makes of it. */
  receive(delivery: { event: string; payload: JsonObject }): Promise<{ feature: string; deletes: string[]; readNow: boolean }[]>;
  check(): Promise<{ account: string | undefined; problems: Problem[] }>;
  validateConfig(): Promise<Problem[]>;
  /** Changes the settings from the next call on. */
  configure(change: { config?: JsonObject; features?: FeatureOverrides }): void;
  /** The checkpoint alone: collections and index stay as they are. */
  checkpoint(feature: FeatureName): Uint8Array | undefined;
  setCheckpoint(feature: FeatureName, checkpoint: Uint8Array | undefined): void;
  readonly metrics: Map<string, number>;
  readonly requests: EgressRecord[];
  readonly lines: string[];
  close(): Promise<void>;
}

interface RunSummary {
  batches: Batch[];
  upserts: string[];
  deletes: string[];
  skipped: Problem[];
}

interface GithubOptions {
  baseUrl: string;
  config?: JsonObject;
  features?: FeatureOverrides;
  token?: string;
  /** The host's clock. */
  nowMs?: () => number;
}

/** A call that the datasource answered with a failure. */
export class CallFailed extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(JSON.stringify(failure));
    this.failure = failure;
  }
}

const MAX_BATCHES = 200;

interface Kept {
  collections: Map<string, Map<string, Uint8Array>>;
  checkpoints: Map<FeatureName, Uint8Array | undefined>;
  documents: Map<FeatureName, Map<string, SourceDocument>>;
}

/** The datasource, ready to be connected as often as a test file likes. */
export interface GithubSandbox {
  connect(options: GithubOptions): GithubUnderTest;
  close(): void;
}

/** Builds, inspects and compiles the component, if that is not done yet, and opens its sandbox. */
export async function openSandbox(): Promise<GithubSandbox> {
  const datasource = await compileGithub();
  const pool = new SandboxPool({ ...DEFAULT_POOL, isolation: PROCESS_ISOLATION, onStderr: (text) => process.stderr.write(text) });
  return { connect: (options) => connect(datasource, pool, options), close: () => pool.close() };
}

function connect(datasource: CompiledDatasource, pool: SandboxPool, options: GithubOptions): GithubUnderTest {
  const { manifest } = datasource;
  const grant: Grant = {
    http: { origins: [new URL(options.baseUrl).origin], privateNetworks: ['127.0.0.0/8'] },
    storage: true,
    limits: {},
  };
  const settings = { config: options.config ?? {}, features: options.features ?? {} };
  const kept: Kept = { collections: new Map(), checkpoints: new Map(), documents: new Map() };
  const metrics = new Map<string, number>();
  const requests: EgressRecord[] = [];
  const lines: string[] = [];
  const rate = new RequestRate();
  const config = (): JsonObject => filled(manifest.configSchema, { base_url: options.baseUrl, ...settings.config });
  const egress = new Egress({
    manifest,
    grant,
    limits: DEFAULT_LIMITS,
    config: config(),
    secret: options.token ?? 'test-token',
    onRecord: (record) => void requests.push(record),
  });

  const context = (): Wire => {
    const nowMs = options.nowMs?.() ?? Date.now();
    const features = manifest.features.map((feature) => {
      const override = settings.features[feature.name as FeatureName];
      return {
        name: feature.name,
        enabled: override?.enabled ?? feature.enabled,
        config: JSON.stringify(filled(feature.configSchema, { ...feature.config, ...override?.config })),
      };
    });
    return {
      connectionId: '01K0000000000000000000TEST',
      config: JSON.stringify(config()),
      features,
      nowMs,
      deadlineMs: nowMs + DEFAULT_LIMITS.callTimeoutMs,
    };
  };

  const call = async (func: SourceFunction, args: readonly Wire[]): Promise<{ value: unknown; commit(): void }> => {
    const scope = {
      connection: { id: 'test', config: config() },
      manifest,
      grant,
      meter: new Meter(DEFAULT_LIMITS),
      signal: new AbortController().signal,
    };
    const powers = openPowers(scope, {
      egress,
      rate,
      stored: storedIn(kept.collections),
      writeLine: (level, message) => lines.push(`${level}: ${message}`),
    });
    const outcome = await pool.call(
      { organisation: 'test', digest: datasource.digest, folder: datasource.folder, limits: DEFAULT_LIMITS },
      { function: func, args: [context(), ...args], powers, meter: scope.meter, signal: scope.signal },
    );
    if (outcome.kind === 'error') throw new CallFailed(toFailure(outcome.error));
    if (outcome.kind === 'killed') throw new Error(`The sandbox ended the call: ${outcome.reason}`);
    const commit = (): void => {
      applyWrites(kept.collections, powers.storageWrites());
      for (const { name, kind, value } of powers.metricChanges())
        metrics.set(name, kind === 'add' ? (metrics.get(name) ?? 0) + value : value);
    };
    return { value: outcome.value, commit };
  };

  const index = (feature: FeatureName): Map<string, SourceDocument> => {
    const documents = kept.documents.get(feature) ?? new Map<string, SourceDocument>();
    kept.documents.set(feature, documents);
    return documents;
  };

  const readAndLose = async (feature: FeatureName): Promise<Batch> =>
    toBatch((await call('read', [feature, kept.checkpoints.get(feature)])).value);

  const read = async (feature: FeatureName): Promise<Batch> => {
    const { value, commit } = await call('read', [feature, kept.checkpoints.get(feature)]);
    const batch = toBatch(value);
    commit();
    kept.checkpoints.set(feature, batch.next);
    for (const change of batch.changes) {
      if (change.kind === 'delete') index(feature).delete(change.id);
      else index(feature).set(change.document.id, change.document);
    }
    return batch;
  };

  const pages = async (func: SourceFunction, args: readonly Wire[]): Promise<JsonObject[]> => {
    const found: JsonObject[] = [];
    let after: Uint8Array | undefined;
    do {
      const { value } = await call(func, [...args, after]);
      const page = value as JsonObject & { next?: Uint8Array };
      found.push(page);
      after = page.next;
    } while (after !== undefined && after !== null);
    return found;
  };

  return {
    index,
    read,
    readAndLose,
    run: async (feature) => {
      const batches: Batch[] = [];
      do batches.push(await read(feature));
      while (batches.at(-1)?.done === false && batches.length < MAX_BATCHES);
      if (batches.length === MAX_BATCHES) throw new Error(`${feature} is not done after ${MAX_BATCHES} batches.`);
      return summaryOf(batches);
    },
    listIds: async (feature) => (await pages('list-ids', [feature])).flatMap((page) => page.ids as string[]),
    listGroups: async () => (await pages('list-groups', [])).flatMap((page) => page.groups as unknown as WireGroup[]).map(toGroup),
    receive: async ({ event, payload }) => {
      const delivery = {
        id: '72d3162e-cc78-11e3-81ab-4c9367dc0958',
        headers: [{ name: 'x-github-event', value: event }],
        body: new TextEncoder().encode(JSON.stringify(payload)),
      };
      const { value, commit } = await call('receive', [delivery]);
      const received = toReceived(value);
      commit();
      return received.map(({ feature, changes, readNow }) => ({
        feature,
        deletes: changes.flatMap((change) => (change.kind === 'delete' ? [change.id] : [])),
        readNow,
      }));
    },
    check: async () => toCheckReport((await call('check', [])).value),
    validateConfig: async () => toProblems((await call('validate-config', [])).value),
    configure: (change) => {
      settings.config = change.config ?? settings.config;
      settings.features = { ...settings.features, ...change.features };
    },
    checkpoint: (feature) => kept.checkpoints.get(feature),
    setCheckpoint: (feature, checkpoint) => void kept.checkpoints.set(feature, checkpoint),
    metrics,
    requests,
    lines,
    close: () => egress.close(),
  };
}

interface WireGroup {
  id: string;
  name: string;
  members: { kind: string; id: string }[];
}

function toGroup({ id, name, members }: WireGroup): { id: string; name: string; members: string[] } {
  return { id, name, members: members.map((member) => `${member.kind}:${member.id}`) };
}

function summaryOf(batches: Batch[]): RunSummary {
  const changes = batches.flatMap((batch) => batch.changes);
  return {
    batches,
    upserts: changes.flatMap((change) => (change.kind === 'upsert' ? [change.document.id] : [])),
    deletes: changes.flatMap((change) => (change.kind === 'delete' ? [change.id] : [])),
    skipped: batches.flatMap((batch) => batch.skipped),
  };
}

function filled(schema: JsonObject, settings: JsonObject): JsonObject {
  const verdict = checkSettings(schema, settings);
  if (!verdict.ok) throw new Error(JSON.stringify(verdict.problems));
  return verdict.settings;
}

function storedIn(collections: Map<string, Map<string, Uint8Array>>): StoredCollections {
  return {
    get: (collection, key) => Promise.resolve(collections.get(collection)?.get(key)),
    scan: (collection, { after, limit }) => {
      const entries = [...(collections.get(collection) ?? [])].map(([key, value]) => ({ key, value }));
      const later = entries.filter(({ key }) => after === undefined || Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0);
      return Promise.resolve(later.toSorted((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key))).slice(0, limit));
    },
    size: () => {
      const entries = [...collections.values()].flatMap((collection) => [...collection]);
      return Promise.resolve({ keys: entries.length, bytes: entries.reduce((sum, [key, value]) => sum + key.length + value.length, 0) });
    },
  };
}

function applyWrites(collections: Map<string, Map<string, Uint8Array>>, writes: readonly StorageWrite[]): void {
  for (const { collection, key, value } of writes) {
    const entries = collections.get(collection) ?? new Map<string, Uint8Array>();
    collections.set(collection, entries);
    if (value === undefined) entries.delete(key);
    else entries.set(key, value);
  }
}
