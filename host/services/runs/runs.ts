import { ulid } from 'ulid';
import type { Actor } from '../../domain/caller.ts';
import { RequestError } from '../../domain/errors.ts';
import { recording } from '../../store/changes.ts';
import { forgetProgress } from '../../store/checkpoints.ts';
import { connectionWork } from '../../store/connection-work.ts';
import type { Database } from '../../store/database.ts';
import { featuresWithKept, forgetFailures, listFailedItems } from '../../store/failed-items.ts';
import { dismissHeld, releaseHeld } from '../../store/held-runs.ts';
import { listHeldDocuments } from '../../store/listings.ts';
import { createRun, getRun, listRuns, requestCancel } from '../../store/runs.ts';
import type { CallTargets } from '../connections/call-targets.ts';
import { knownFeature } from '../registry/flags.ts';
import type { HostMetrics } from '../record/metrics.ts';
import { partsOf } from './run-plan.ts';
import type { RunWorker } from './run-worker.ts';
import type { ConnectionService } from '../connections/connection-service.ts';
import type { OrganisationService } from '../people/organisation-service.ts';
import type { Run } from './run-view.ts';
import type { RunService } from './run-service.ts';

export interface RunOptions {
  database: Database;
  organisations: OrganisationService;
  connections: Pick<ConnectionService, 'get'>;
  targets: CallTargets;
  worker: RunWorker;
  metrics: HostMetrics;
}

/** Those that can be cancelled; a held one is dismissed. */
const ACTIVE: readonly Run['state'][] = ['queued', 'running', 'parked'];

export function createRuns(options: RunOptions): RunService {
  const { database, organisations, connections, targets, worker, metrics } = options;
  const service: RunService = {
    async start(organisation, connection, input, actor) {
      await organisations.get(organisation);
      const { kind = 'content', features, full = false } = input;
      const target = await targets.look(organisation, connection);
      for (const name of features ?? []) knownFeature(target.datasource.manifest, name);
      if (full && kind !== 'content') throw misplaced('/full', 'Only a run that reads content can read everything again.');
      if (features !== undefined && kind === 'access')
        throw misplaced('/features', 'Who is in which group is read for the whole connection.');
      const parts = partsOf(target, kind, features);
      await refusePaused(database, connection);
      // Together with the run: a run in progress keeps what it has.
      const afresh = full
        ? parts.flatMap((feature) => [...forgetProgress(connection, feature), forgetFailures({ connection, feature })])
        : [];
      const id = ulid();
      const after = { connection, kind, features: parts, full };
      const store = recording(database, { actor, organisation, action: 'run.start', target: `run/${id}`, after });
      const run = await createRun(store, { id, organisation, connection, kind, features: parts, nowMs: Date.now() }, afresh);
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

    async cancel(organisation, id, actor) {
      const before = await service.get(organisation, id);
      if (before.state === 'held') return service.dismiss(organisation, id, actor);
      const record = { actor, organisation, action: 'run.cancel', target: `run/${id}`, before: { state: before.state } } as const;
      if (!ACTIVE.includes(before.state) || !(await requestCancel(recording(database, record), organisation, id, Date.now()))) {
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

    ...heldRuns(options, (organisation, id) => service.get(organisation, id)),

    async failedItems(organisation, connection, page) {
      await connections.get(organisation, connection);
      return listFailedItems(database, connection, page);
    },

    async retryFailed(organisation, connection) {
      await connections.get(organisation, connection);
      const features = await featuresWithKept(database, connection);
      if (features.length === 0) {
        throw new RequestError('NOTHING_TO_RETRY', `The host has kept no failed item of the connection ${connection}.`, {
          remedy: 'Items that the datasource itself left out are read again by a run with "full": true, or `datasources index --full`.',
        });
      }
      await refusePaused(database, connection);
      const run = await createRun(database, { id: ulid(), organisation, connection, kind: 'retry', features, nowMs: Date.now() });
      worker.wake();
      return run;
    },

    queueDue: (nowMs) => worker.queueDue(nowMs),
    work: (work) => worker.work(work),
  };
  return service;
}

/** What an operator does about prunes that are held. */
function heldRuns(
  { database, worker, metrics }: RunOptions,
  get: (organisation: string, id: string) => Promise<Run>,
): Pick<RunService, 'held' | 'approve' | 'dismiss'> {
  const decided = (actor: Actor, organisation: string, id: string, action: 'run.approve' | 'run.dismiss', before: Run): Database =>
    recording(database, { actor, organisation, action, target: `run/${id}`, before: { state: before.state, reason: before.reason } });
  return {
    async held(organisation, id, page) {
      const run = await get(organisation, id);
      if (run.state !== 'held') throw notHeld(run);
      return listHeldDocuments(database, id, page);
    },

    async approve(organisation, id, actor) {
      const run = await get(organisation, id);
      if (run.state !== 'held') throw notHeld(run);
      await refusePaused(database, run.connection);
      if (!(await releaseHeld(decided(actor, organisation, id, 'run.approve', run), organisation, id, Date.now()))) throw notHeld(run);
      worker.wake();
      return get(organisation, id);
    },

    async dismiss(organisation, id, actor) {
      const run = await get(organisation, id);
      const ended = { reason: 'dismissed by an operator', nowMs: Date.now() };
      const dismissed =
        run.state === 'held' && (await dismissHeld(decided(actor, organisation, id, 'run.dismiss', run), organisation, id, ended));
      if (!dismissed) throw notHeld(run);
      metrics.countRun('cancelled');
      return get(organisation, id);
    },
  };
}

/** CONNECTION_PAUSED. */
async function refusePaused(database: Database, connection: string): Promise<void> {
  const { pause } = await connectionWork(database, connection);
  if (pause === undefined) return;
  throw new RequestError('CONNECTION_PAUSED', `The connection ${connection} is paused: ${pause.reason}.`, {
    remedy: `Mend what is wrong, then resume it: POST /api/v1/connections/${connection}/resume, or \`datasources resume ${connection}\`.`,
  });
}

function notHeld({ id, state }: Run): RequestError {
  return new RequestError('RUN_NOT_HELD', `The run ${id} is not held: it is ${state}.`, {
    remedy: 'See the held ones with GET /api/v1/runs?state=held, or `datasources held`.',
  });
}

function misplaced(path: string, reason: string): RequestError {
  const remedy = 'Leave it out.';
  return new RequestError('INVALID_REQUEST', reason, { remedy, problems: [{ path, reason, remedy }] });
}

function unknownRun(id: string): RequestError {
  return new RequestError('UNKNOWN_RUN', `There is no run "${id.slice(0, 80)}".`, {
    remedy: 'Name one that GET /api/v1/runs or `datasources runs` shows for this organisation.',
  });
}
