import { RequestError } from '../../domain/errors.ts';
import type { Database } from '../../store/database.ts';
import { findPerson } from '../../store/people.ts';
import { getIndexedText, getRunProblem, listRunItems, organisationOfDocument, organisationOfRun } from '../../store/run-items.ts';
import { connectedDatasource, organisationCalled, organisationOfThing } from './lorelai-names.ts';
import { faultOf } from './lorelai-retrieval.ts';
import type { LorelaiFault, LorelaiService } from './lorelai-services.ts';
import type { ConnectionService } from '../connections/connection-service.ts';
import type { Run } from '../runs/run-view.ts';
import type { RunService } from '../runs/run-service.ts';

export interface LorelaiIndexingOptions {
  database: Database;
  runs: Pick<RunService, 'start' | 'get' | 'list'>;
  connections: Pick<ConnectionService, 'get'>;
}

type Indexing = Pick<LorelaiService, 'index' | 'run' | 'items' | 'item'>;

const ACTIVE: readonly Run['state'][] = ['queued', 'running', 'parked'];
/** A connection has few active runs, and they are its newest. */
const NEWEST_RUNS = 10;
/** Passages of a document that are shown together: about a million words. */
const MAX_PASSAGES = 2_000;

/** Jobs are runs: a connection is read once for everybody, with who may see what. */
export function createLorelaiIndexing({ database, runs, connections }: LorelaiIndexingOptions): Indexing {
  /** The run that reads the connection: a new one, or the one under way. */
  async function jobOf(organisation: string, connection: string, start: () => Promise<Run>): Promise<string> {
    try {
      return (await start()).id;
    } catch (error) {
      if (!(error instanceof RequestError) || error.code !== 'RUN_IN_PROGRESS') throw error;
      const { items } = await runs.list(organisation, { connection, kind: 'content' }, { limit: NEWEST_RUNS });
      const underWay = items.find(({ state }) => ACTIVE.includes(state));
      if (underWay === undefined) throw error;
      return underWay.id;
    }
  }

  const service: Indexing = {
    async index(caller, { org, users, datasource, full }, actor) {
      const organisation = await organisationCalled(database, caller, org);
      const connected = await connectedDatasource(database, organisation, datasource);
      const unknownUsers: string[] = [];
      for (const email of users === 'all' ? [] : users) {
        if ((await findPerson(database, organisation, email)) === undefined) unknownUsers.push(email);
      }
      const [jobs, faults]: [string[], LorelaiFault[]] = [[], []];
      for (const connection of connected.connections) {
        try {
          jobs.push(await jobOf(organisation, connection, () => runs.start(organisation, connection, { full }, actor)));
        } catch (error) {
          if (!(error instanceof RequestError)) throw error;
          faults.push(faultOf(error, connection));
        }
      }
      return { jobs, unknownUsers, faults };
    },

    async run(caller, id) {
      const organisation = await organisationOfThing(caller, () => organisationOfRun(database, id));
      const run = await runs.get(organisation, id);
      return { run, datasource: (await connections.get(organisation, run.connection)).datasource };
    },

    async items(caller, id, { page, perPage, status, order }) {
      const { run } = await service.run(caller, id);
      const nowMs = Date.now();
      const found = await listRunItems(database, {
        run: run.id,
        connection: run.connection,
        fromMs: run.startedAtMs ?? nowMs,
        untilMs: run.finishedAtMs ?? nowMs,
        status,
        order,
        limit: perPage,
        offset: (page - 1) * perPage,
      });
      return { run: run.id, ...found };
    },

    async item(caller, id) {
      const [run = '', position] = id.split('.');
      const organisation = await organisationOfThing(caller, () =>
        position === undefined ? organisationOfDocument(database, id) : organisationOfRun(database, run),
      );
      if (position !== undefined && /^\d{1,4}$/.test(position)) {
        const error = await getRunProblem(database, { organisation, run, position: Number(position) });
        if (error !== undefined) return { text: '', log: 'It was left out.', error };
      }
      const found = await getIndexedText(database, { organisation, id }, MAX_PASSAGES);
      if (found === undefined) throw unknownItem(id);
      const { passages, texts, indexedAtMs } = found;
      const shown = texts.length < passages ? `, of which the first ${texts.length} are shown` : '';
      const log = `Indexed at ${new Date(indexedAtMs).toISOString()} in ${passages} passages${shown}.`;
      return { text: texts.join('\n\n'), log, error: undefined };
    },
  };
  return service;
}

function unknownItem(id: string): RequestError {
  return new RequestError('UNKNOWN_DOCUMENT', `There is no item "${id.slice(0, 80)}".`, {
    remedy: 'Name one that GET /v1/index/runs/{id}/items lists; what was indexed anew or removed since is not there any more.',
  });
}
