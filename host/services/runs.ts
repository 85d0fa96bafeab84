import { ulid } from 'ulid';
import { RequestError } from '../domain/errors.ts';
import type { Database } from '../store/database.ts';
import { createRun, getRun, listRuns, requestCancel } from '../store/runs.ts';
import type { CallTargets } from './call-targets.ts';
import { effectiveFeatures } from './effective-features.ts';
import { knownFeature } from './flags.ts';
import type { HostMetrics } from './metrics.ts';
import type { RunWorker } from './run-worker.ts';
import type { OrganisationService, RunService } from './services.ts';

export interface RunOptions {
  database: Database;
  organisations: OrganisationService;
  targets: CallTargets;
  worker: RunWorker;
  metrics: HostMetrics;
}

export function createRuns(options: RunOptions): RunService {
  const { database, organisations, targets, worker, metrics } = options;
  const service: RunService = {
    async start(organisation, connection, input) {
      await organisations.get(organisation);
      const { datasource, connection: found } = await targets.load(organisation, connection);
      for (const name of input.features ?? []) knownFeature(datasource.manifest, name);
      const enabled = effectiveFeatures(datasource.manifest, datasource.flags, found.features).filter((feature) => feature.enabled);
      const features = enabled.map(({ name }) => name).filter((name) => input.features?.includes(name) ?? true);
      if (features.length === 0) {
        throw new RequestError('INVALID_REQUEST', 'There is nothing to read: every feature that was asked for is switched off.', {
          remedy: 'Switch a feature on for the datasource or for the connection.',
        });
      }
      const run = await createRun(database, { id: ulid(), organisation, connection, features, nowMs: Date.now() });
      worker.wake();
      return run;
    },

    async get(organisation, id) {
      await organisations.get(organisation);
      const run = await getRun(database, organisation, id);
      if (run === undefined) throw unknownRun(id);
      return run;
    },

    async list(organisation, filter, page) {
      await organisations.get(organisation);
      return listRuns(database, organisation, filter, page);
    },

    async cancel(organisation, id) {
      const before = await service.get(organisation, id);
      if (!(await requestCancel(database, organisation, id, Date.now()))) {
        throw new RequestError('RUN_NOT_ACTIVE', `The run ${id} has ended already: ${before.state}.`, {
          remedy: 'Start a new run when one is wanted.',
        });
      }
      worker.cancel(id);
      const after = await service.get(organisation, id);
      // One that somebody works on is counted when its worker leaves it.
      if (before.state !== 'running' && after.state === 'cancelled') metrics.countRun(after.state);
      return after;
    },

    work: (work) => worker.work(work),
  };
  return service;
}

function unknownRun(id: string): RequestError {
  return new RequestError('UNKNOWN_RUN', `There is no run "${id.slice(0, 80)}".`, {
    remedy: 'Name one that GET /api/v1/runs lists for this organisation.',
  });
}
