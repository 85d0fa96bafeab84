import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ulid } from 'ulid';
import type { GuestValue } from '../../capabilities/capability.ts';
import { Egress, type EgressRecord } from '../../capabilities/egress.ts';
import type { LogLevel } from '../../capabilities/log.ts';
import type { MetricChange } from '../../capabilities/metrics.ts';
import { RequestRate } from '../../capabilities/request-rate.ts';
import type { StorageWrite, StoredCollections } from '../../capabilities/storage.ts';
import type { Failure } from '../../domain/document.ts';
import type { Grant } from '../../domain/grant.ts';
import type { JsonObject } from '../../domain/json.ts';
import { DEFAULT_LIMITS, type Limits } from '../../domain/limits.ts';
import type { Spend } from '../../domain/meter.ts';
import type { Manifest } from '../../domain/manifest.ts';
import { checkSettings } from '../../domain/settings.ts';
import { ContractError } from '../../indexing/contract-fields.ts';
import { toBatch, toCheckReport, toDescription, toProblems } from '../../indexing/validate.ts';
import type { Log } from '../../log.ts';
import { createCompiler } from '../../sandbox/compile.ts';
import type { Wire } from '../../sandbox/frame.ts';
import type { Isolation } from '../../sandbox/isolation.ts';
import { DEFAULT_POOL, SandboxPool } from '../../sandbox/pool.ts';
import type { SourceFunction } from '../../sandbox/protocol.ts';
import { invalidConfig, knownFeature } from './flags.ts';
import { accepted, type RunnableDatasource } from './components.ts';
import { callInSandbox, type CallTarget } from '../connections/sandboxed-call.ts';

/** One call of a component that is not installed, without a database. */
export interface Trial {
  component: Uint8Array;
  function: SourceFunction;
  /** What goes behind the context and the feature: a checkpoint, a query, a delivery. */
  argument: Wire;
  grant: Grant;
  config: JsonObject;
  /** The first one of the manifest when left out. */
  feature: string | undefined;
  secret: string | undefined;
  isolation: Isolation;
  log: Log;
  signal: AbortSignal;
}

/** One thing that the datasource asked for and did not get. */
export interface Refusal {
  /** `http-client.send` */
  function: string;
  error: GuestValue;
}

/** All that came of a trial. Nothing of it is kept. */
export interface TrialReport {
  manifest: Manifest;
  limits: Limits;
  /** `failure` undefined: the caller's signal ended it. */
  result: { ok: true; value: unknown } | { ok: false; failure: Failure | undefined };
  spend: Spend;
  refusals: Refusal[];
  requests: EgressRecord[];
  lines: { level: LogLevel; message: string }[];
  storage: StorageWrite[];
  metrics: MetricChange[];
}

/** Functions that are told which feature they are about. */
const OF_A_FEATURE: readonly SourceFunction[] = ['read', 'list-ids'];
const WITHOUT_CONFIG: readonly SourceFunction[] = ['describe'];
/** Functions with one more argument. */
const WITH_ARGUMENT: readonly SourceFunction[] = ['read', 'list-ids', 'list-groups', 'search', 'receive'];

/**
 * Runs one function of a component in its sandbox, under the limits of a grant. NOT_A_COMPONENT and the other codes of a
 * component that is refused, INVALID_CONFIG, UNKNOWN_FEATURE.
 */
export async function tryComponent(trial: Trial): Promise<TrialReport> {
  const folder = await mkdtemp(join(tmpdir(), 'datasource-call-'));
  const pool = new SandboxPool({
    ...DEFAULT_POOL,
    maxProcesses: 1,
    isolation: trial.isolation,
    onStderr: (text) => trial.log.warn('sandbox process wrote', { text }),
  });
  try {
    return await callOnce(trial, await prepare(trial, folder), pool);
  } finally {
    pool.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function prepare({ component, grant, isolation }: Trial, cacheFolder: string): Promise<RunnableDatasource> {
  const { report, folder } = await createCompiler({ cacheFolder, isolation }).examine(component);
  const { manifest, digest } = accepted(report);
  if (folder === undefined || manifest === undefined) throw new TypeError('an accepted component has a manifest and compiles');
  return {
    name: manifest.name,
    digest,
    folder,
    manifest,
    grant,
    limits: { ...DEFAULT_LIMITS, ...grant.limits },
    flags: [],
  };
}

async function callOnce(trial: Trial, datasource: RunnableDatasource, pool: SandboxPool): Promise<TrialReport> {
  const { manifest, grant, limits } = datasource;
  const target = targetOf(trial, datasource);
  const report: Pick<TrialReport, 'refusals' | 'requests' | 'lines'> = { refusals: [], requests: [], lines: [] };
  const egress = new Egress({
    manifest,
    grant,
    limits,
    config: target.connection.config,
    secret: trial.secret,
    onRecord: (record) => void report.requests.push(record),
  });
  const powers = {
    egress,
    rate: new RequestRate(),
    stored: NOTHING_STORED,
    writeLine: (level: LogLevel, message: string) => void report.lines.push({ level, message }),
    onRefused: (name: string, func: string, error: GuestValue) => void report.refusals.push({ function: `${name}.${func}`, error }),
  };
  try {
    const call = { function: trial.function, args: argumentsOf(trial, target), signal: trial.signal };
    const { spend, ...result } = await callInSandbox(target, call, { pool, powers, log: trial.log });
    const { storage, metrics } = result.ok ? result : { storage: [], metrics: [] };
    return { manifest, limits, result: checkResult(trial.function, limits, result), spend, ...report, storage, metrics };
  } finally {
    await egress.close();
  }
}

/** What a call writes is seen by that call alone, and there was none before. */
const NOTHING_STORED: StoredCollections = {
  get: () => Promise.resolve(undefined),
  scan: () => Promise.resolve([]),
  size: () => Promise.resolve({ keys: 0, bytes: 0 }),
};

function targetOf({ config, feature, function: func, secret }: Trial, datasource: RunnableDatasource): CallTarget {
  const { manifest } = datasource;
  const verdict = WITHOUT_CONFIG.includes(func) ? { ok: true as const, settings: config } : checkSettings(manifest.configSchema, config);
  if (!verdict.ok) throw invalidConfig('of the connection', verdict.problems, '');
  // What is asked for by name is meant to run, also where the manifest leaves it off.
  const named = feature === undefined ? [] : [knownFeature(manifest, feature).name];
  const flags = named.map((name) => ({ feature: name, enabled: true, config: {}, updatedAtMs: 0 }));
  const connection = {
    id: ulid(),
    organisation: 'trial',
    datasource: manifest.name,
    name: 'trial',
    config: verdict.settings,
    features: {},
  };
  return { connection, datasource: { ...datasource, flags }, secret };
}

function argumentsOf(trial: Trial, { datasource }: CallTarget): Wire[] {
  const feature = trial.feature ?? datasource.manifest.features[0]?.name;
  return [...(OF_A_FEATURE.includes(trial.function) ? [feature] : []), ...(WITH_ARGUMENT.includes(trial.function) ? [trial.argument] : [])];
}

type Result = TrialReport['result'];

/** A value that breaks the contract is a failure here as it is in a run. */
function checkResult(func: SourceFunction, limits: Limits, result: Result): Result {
  if (!result.ok) return { ok: false, failure: result.failure };
  try {
    if (func === 'read') toBatch(result.value, limits.maxChangesPerBatch);
    if (func === 'validate-config') toProblems(result.value);
    if (func === 'check') toCheckReport(result.value);
    if (func === 'describe') toDescription(result.value);
    return { ok: true, value: result.value };
  } catch (error) {
    if (!(error instanceof ContractError)) throw error;
    return { ok: false, failure: { kind: 'failed', message: `what ${func} gave breaks the contract: ${error.message}` } };
  }
}
