import type { Log } from '../../log.ts';
import { healAccess } from '../../store/access-heal.ts';
import type { Database } from '../../store/database.ts';
import { createAccess } from './access.ts';
import { createConnectionAccess } from './connection-access.ts';
import { createPeople } from './people.ts';
import { createQuestionRecord, recordingQuestions } from '../retrieval/question-record.ts';
import type { OrganisationService } from './organisation-service.ts';
import type { RetrievalService } from '../retrieval/retrieval-service.ts';
import type { Services } from '../services.ts';
import { createVisibility, type VisibilityService } from '../retrieval/visibility.ts';

export interface PeoplePartsOptions {
  database: Database;
  organisations: OrganisationService;
  log: Log;
  accessMaxAgeHours: number;
  /** Of the record of questions. */
  maxAgeDays: number;
}

/** All that knows people and what they may see. */
export interface PeopleParts {
  services: Pick<Services, 'people' | 'access' | 'connectionAccess' | 'questions'>;
  visibility: VisibilityService;
  /** The same retrieval, with every question for a person on record. */
  recorded(retrieval: RetrievalService): RetrievalService;
  /** Ends what goes on in the background and writes what waits. */
  close(): Promise<void>;
}

const HOUR_MS = 3_600_000;

/** Wires them, and begins to give documents of an older database their access lists. */
export function openPeopleParts({ database, organisations, log, accessMaxAgeHours, maxAgeDays }: PeoplePartsOptions): PeopleParts {
  const maxAgeMs = accessMaxAgeHours * HOUR_MS;
  const questions = createQuestionRecord({ database, organisations, log, maxAgeDays });
  const stopping = new AbortController();
  const healing = healAccess(database, stopping.signal).catch((error: unknown) =>
    log.error('documents of an older database could not be given access lists; only admins find them', { error }),
  );
  return {
    services: {
      people: createPeople({ database, organisations }),
      access: createAccess({ database, organisations, maxAgeMs }),
      connectionAccess: createConnectionAccess({ database, organisations, maxAgeMs }),
      questions,
    },
    visibility: createVisibility({ database, maxAgeMs }),
    recorded: (retrieval) => recordingQuestions(retrieval, questions),
    async close() {
      stopping.abort();
      await healing;
      await questions.close();
    },
  };
}
