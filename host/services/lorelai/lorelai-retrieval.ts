import { RequestError } from '../../domain/errors.ts';
import type { Log } from '../../log.ts';
import { connectedDatasources, datasourceNames, type ConnectedDatasource } from '../../store/connected-datasources.ts';
import type { Database } from '../../store/database.ts';
import { datasourceMeant, organisationCalled, unknownDatasource } from './lorelai-names.ts';
import type { LorelaiFault, LorelaiQuestion, LorelaiResult, LorelaiService } from './lorelai-services.ts';
import type { RetrievalResult, RetrievalService } from '../retrieval/retrieval-service.ts';
import type { Asker, VisibilityService } from '../retrieval/visibility.ts';

export interface LorelaiRetrievalOptions {
  database: Database;
  retrieval: RetrievalService;
  visibility: VisibilityService;
  log: Log;
}

const LIVE_DEADLINE_MS = 3_000;

/** What is wrong with the request itself, and with no datasource. */
const OF_REQUEST: readonly string[] = ['FORBIDDEN', 'UNKNOWN_PERSON', 'UNKNOWN_ORGANISATION', 'INVALID_REQUEST'];

/** Asks each datasource by itself, so that one that fails keeps no other one from answering. */
export function createLorelaiRetrieval(options: LorelaiRetrievalOptions): Pick<LorelaiService, 'retrieve'> {
  const { database, retrieval, visibility, log } = options;

  async function askOne(name: string, asked: Asked): Promise<LorelaiResult> {
    const { question, organisation, asker, installed, connected } = asked;
    const datasource = datasourceMeant(name, installed);
    if (datasource === undefined) return { name, hits: [], fault: faultOf(unknownDatasource(name, installed)) };
    const known = connected.find((candidate) => candidate.name === datasource);
    try {
      const answer = await retrieval.retrieve({
        organisation,
        question: question.question,
        k: question.k,
        datasources: [datasource],
        asker,
        rerank: question.rerank,
        ...(question.live ? { live: { deadlineMs: LIVE_DEADLINE_MS } } : {}),
      });
      return { name, hits: answer.hits.slice(0, question.topN), fault: faultIn(answer, datasource, known) };
    } catch (error) {
      if (error instanceof RequestError && OF_REQUEST.includes(error.code)) throw error;
      log.warn('a datasource could not be asked', { datasource, organisation, error });
      return { name, hits: [], fault: faultOf(error) };
    }
  }

  return {
    async retrieve(caller, requestId, question) {
      const organisation = await organisationCalled(database, caller, question.org);
      const asker: Asker = { caller, requestId, person: question.userEmail };
      const [installed, connected] = await Promise.all([datasourceNames(database), connectedDatasources(database, organisation)]);
      const names = question.datasources ?? connected.map(({ name }) => name);
      const asked: Asked = { question, organisation, asker, installed, connected };
      // Where nothing is asked, it is still nobody's business whether a person is known.
      if (!names.some((name) => datasourceMeant(name, installed) !== undefined)) await visibility.of(organisation, asker);
      return Promise.all(names.map((name) => askOne(name, asked)));
    },
  };
}

interface Asked {
  question: LorelaiQuestion;
  organisation: string;
  asker: Asker;
  installed: readonly string[];
  connected: readonly ConnectedDatasource[];
}

/** What keeps an answer from being all that there is. */
function faultIn(
  { hits, failures }: RetrievalResult,
  datasource: string,
  known: ConnectedDatasource | undefined,
): LorelaiFault | undefined {
  const [failure] = failures;
  if (failure !== undefined) return { code: 'SOURCE_FAILED', message: failure.message, connection: failure.connection };
  if (hits.length > 0 || known?.indexed === true) return undefined;
  const why = known === undefined ? 'the organisation has no connection of it' : 'no run has read anything yet';
  return { code: 'INDEX_NOT_FOUND', message: `Nothing of ${datasource} is in the index: ${why}.` };
}

/** Of a fault of the host no more is told than that it is one. */
export function faultOf(error: unknown, connection?: string): LorelaiFault {
  const told =
    error instanceof RequestError
      ? { code: error.code, message: [error.message, error.remedy ?? ''].join(' ').trim() }
      : { code: 'INTERNAL', message: 'The host failed; its log says more.' };
  return connection === undefined ? told : { ...told, connection };
}
