import { join } from 'node:path';
import { RequestRate } from '../capabilities/request-rate.ts';
import type { Config } from '../config.ts';
import { RequestError } from '../domain/errors.ts';
import { Meter } from '../domain/meter.ts';
import { ContractError } from '../indexing/contract-fields.ts';
import { toDescription } from '../indexing/validate.ts';
import type { Log } from '../log.ts';
import { createCompiler } from '../sandbox/compile.ts';
import { findIsolation } from '../sandbox/find-isolation.ts';
import { DEFAULT_EXTRACTION, ExtractorPool } from '../sandbox/extractor.ts';
import { DEFAULT_POOL, SandboxPool } from '../sandbox/pool.ts';
import { openDatabase } from '../store/database.ts';
import { finishRemovals } from '../store/removals.ts';
import { createAudit } from './record/audit.ts';
import { type AuditRecorder, createAuditRecorder } from './record/audit-recorder.ts';
import { openAuthorisationParts, baseUrlOf } from './authorisations/authorisation-parts.ts';
import { keepAuthorisations } from './authorisations/authorisations.ts';
import { createCallTargets } from './connections/call-targets.ts';
import { createCallers } from './callers/callers.ts';
import { createChanges } from './record/changes.ts';
import { testInSandbox } from './registry/conformance.ts';
import { createConnections } from './connections/connections.ts';
import { createVault } from './connections/credentials.ts';
import { createFlags } from './registry/flags.ts';
import { COMPONENTS_FOLDER, DATABASE_FILE } from './data-folder.ts';
import { createHealth } from './health.ts';
import { createIdempotency } from './callers/idempotency.ts';
import { createKeys } from './callers/keys.ts';
import { createLiveSearch } from './retrieval/live-search.ts';
import { createLorelai } from './lorelai/lorelai.ts';
import { createMetrics } from './record/metrics.ts';
import { createNotifier } from './runs/notifier.ts';
import { createOrganisations } from './people/organisations.ts';
import { createComponents, type RunnableDatasource } from './registry/components.ts';
import { createRegistry } from './registry/registry.ts';
import { createVersionSwitch } from './registry/version-switch.ts';
import { createVersionUpkeep } from './registry/version-upkeep.ts';
import { createVersions } from './registry/versions.ts';
import { createRetrieval } from './retrieval/retrieval.ts';
import { createIndexMerging } from './runs/index-merging.ts';
import { createRunWorker } from './runs/run-worker.ts';
import { createRuns } from './runs/runs.ts';
import { createSchedules } from './runs/schedules.ts';
import type { Services } from './services.ts';
import { openPeopleParts } from './people/people-parts.ts';
import { recordEnd } from './connections/connection-record.ts';
import { installingKey, recordDiscard, recordExamination } from './record/sandbox-record.ts';
import { openSourceParts } from './sources/source-parts.ts';
import { createTokens } from './callers/tokens.ts';
import { createVaultRotation } from './vault/vault-rotation.ts';
import { openVectorParts } from './vectors/vector-parts.ts';
import { createWebhooks } from './connections/webhooks.ts';

export interface OpenServices {
  services: Services;
  /** What is around sandbox processes, and why no more: `namespace (bubblewrap 0.8.0, seccomp)`. */
  isolation: string;
  /** Refreshes tokens, asks about devices, wraps secrets anew and tells of runs, whenever that is due, until `signal` aborts. */
  keepAuthorisations(signal: AbortSignal): Promise<void>;
  /** Makes vectors of passages that have none, whenever there are such, until `signal` aborts. */
  keepVectors(signal: AbortSignal): Promise<void>;
  /** Ends sandbox processes and closes the store. Workers must have been stopped by their signal before. */
  close(): Promise<void>;
}

/** Opens the store and makes every service. INVALID_SETTING, DATA_DIR_NOT_WRITABLE, DATABASE_NEWER. */
export async function openServices(config: Config, log: Log): Promise<OpenServices> {
  const { isolation, description } = await findIsolation(config.isolation);
  const database = await openDatabase({ file: join(config.dataDir, DATABASE_FILE) });
  await finishRemovals(database);
  const stopping = new AbortController();
  const pool = new SandboxPool({
    ...DEFAULT_POOL,
    maxProcesses: config.maxSandboxProcesses,
    isolation,
    onStderr: (text) => log.warn('sandbox process wrote', { text }),
    onDiscard: (last, cause, reason) => recordDiscard(recorder, last, { cause, reason }),
  });
  const metrics = createMetrics({ sandboxProcesses: () => pool.processes });
  const { auditDays: maxAgeDays, auditRows: maxRows } = config;
  const recorder = createAuditRecorder({ database, log, metrics, maxAgeDays, maxRows });
  const organisations = createOrganisations(database);
  const keys = createKeys({ database, organisations, log });
  const tokens = config.tokens === undefined ? undefined : createTokens(config.tokens, log);
  const components = createComponents({
    compiler: createCompiler({
      cacheFolder: join(config.dataDir, 'cache', 'compiled'),
      isolation,
      onKill: recordExamination(recorder, log),
    }),
    componentsFolder: join(config.dataDir, COMPONENTS_FOLDER),
    describe: (candidate) => describe({ pool, recorder }, candidate),
  });
  const versionSwitch = createVersionSwitch({ database, components, recorder });
  const registry = createRegistry({ database, components, versions: versionSwitch });
  const { registryConfig, sourceHosts, sourceFolders } = config;
  const sources = openSourceParts({ database, components, versionSwitch, isolation, registryConfig, sourceHosts, sourceFolders, log });
  const vault = createVault(config);
  const access = openAuthorisationParts({
    database,
    vault,
    registry,
    organisations,
    recorder,
    log,
    baseUrl: baseUrlOf(config),
    wake: () => worker.wake(),
  });
  const targets = createCallTargets({ database, registry, vault, tokenKeeper: access.tokenKeeper });
  const session = { database, pool, rate: new RequestRate(), recorder, log, targets };
  const extractor = new ExtractorPool({ ...DEFAULT_EXTRACTION, isolation });
  const { passageTokens } = config;
  const merging = createIndexMerging({ database, log });
  const worker = createRunWorker({ ...session, extractor, passageTokens, registry, merging, metrics, leaseMs: config.runLeaseMs });
  const { accessMaxAgeHours } = config;
  const people = openPeopleParts({ database, organisations, log, accessMaxAgeHours, maxAgeDays });
  const live = createLiveSearch({ ...session, extractor, accessMaxAgeMs: config.accessMaxAgeHours * 3_600_000 });
  const connections = createConnections({ ...session, organisations, registry, vault, revoker: access.revoker });
  const rotation = createVaultRotation({ database, vault, log });
  const notifier = createNotifier({ database, log, settings: config.notify, reconnectLinks: access.reconnectLinks });
  const runs = createRuns({ database, organisations, connections, targets, worker, metrics });
  const { embeddings, rerank } = config;
  const vectorParts = openVectorParts({ database, embeddings, rerank, metrics, log });
  const retrieval = people.recorded(createRetrieval({ database, visibility: people.visibility, live, ...vectorParts.arms }));
  const upkeep = createVersionUpkeep({ database, components, log });
  const flags = createFlags({ database, registry, log });
  const { authorisations } = access;
  const { visibility } = people;
  return {
    services: {
      organisations,
      keys,
      callers: createCallers({ keys, tokens }),
      changes: createChanges(database),
      idempotency: createIdempotency(database),
      registry,
      ...sources.services,
      versions: createVersions({
        database,
        components,
        recorder,
        versionSwitch,
        conform: (subject, how) => testInSandbox({ pool, ...subject }, how),
      }),
      flags,
      connections,
      authorisations,
      variables: access.variables,
      vault: rotation,
      runs,
      schedules: createSchedules({ database, connections, registry, wake: worker.wake, interrupt: worker.interrupt }),
      webhooks: createWebhooks({ database, connections, registry, vault, metrics, log, wake: () => worker.wake() }),
      retrieval,
      vectors: vectorParts.vectors,
      lorelai: createLorelai({ database, retrieval, visibility, runs, connections, registry, authorisations, log }),
      ...people.services,
      audit: createAudit({ database, connections }),
      metrics,
      health: createHealth({ database, pool, vectors: vectorParts.vectors, isolation: description, stopping: stopping.signal }),
    },
    isolation: description,
    keepAuthorisations: (signal) =>
      keepAuthorisations(
        [
          access.tokenKeeper.refreshDue,
          access.authorisations.pollDue,
          rotation.workWhenDue,
          sources.workWhenDue,
          notifier.deliverDue,
          flags.purgeDue,
          upkeep.workWhenDue,
        ],
        signal,
      ),
    keepVectors: (signal) => vectorParts.keepVectors({ signal }),
    async close() {
      stopping.abort();
      pool.close();
      await notifier.close();
      await access.tokenKeeper.close();
      extractor.close();
      await people.close();
      await recorder.close();
      await database.close();
    },
  };
}

/** What a component says of itself, asked in its sandbox. DATASOURCE_FAULT. */
async function describe(
  { pool, recorder }: { pool: SandboxPool; recorder: AuditRecorder },
  candidate: RunnableDatasource,
): Promise<{ name: string; version: string; features: string[] }> {
  const { limits } = candidate;
  const meter = new Meter(limits);
  const outcome = await pool.call(installingKey(candidate), {
    function: 'describe',
    args: [],
    meter,
    signal: AbortSignal.timeout(limits.instantiateTimeoutMs + limits.callTimeoutMs),
    powers: {
      handle: (name, func) => Promise.resolve({ ok: false, error: { tag: 'denied', val: `describe may not use ${name}.${func}` } }),
    },
  });
  await recordEnd(recorder, { home: undefined, datasource: candidate.name }, { outcome, breaches: meter.spend().breaches });
  try {
    if (outcome.kind === 'result') return toDescription(outcome.value);
    throw new ContractError(outcome.kind === 'killed' ? outcome.reason : 'it failed');
  } catch (error) {
    if (!(error instanceof ContractError)) throw error;
    throw new RequestError('DATASOURCE_FAULT', `The datasource cannot describe itself: ${error.message}.`, { remedy: 'Tell its author.' });
  }
}
