import { monotonicFactory } from 'ulid';
import { RequestError } from '../../domain/errors.ts';
import type { Log } from '../../log.ts';
import type { Database } from '../../store/database.ts';
import { expireQuestions, insertQuestions, listQuestions, type QuestionInsert } from '../../store/person-questions.ts';
import { findPerson } from '../../store/people.ts';
import type { QuestionRecord } from '../people/people-services.ts';
import type { OrganisationService } from '../people/organisation-service.ts';
import type { RetrievalService } from './retrieval-service.ts';

/** Puts every question that is asked for a person on record, also when it is refused. */
export function recordingQuestions(retrieval: RetrievalService, questions: Pick<QuestionRecord, 'record'>): RetrievalService {
  return {
    ...retrieval,
    async retrieve(input) {
      const { asker, organisation } = input;
      if (asker?.person === undefined) return retrieval.retrieve(input);
      const { caller, requestId, person } = asker;
      const whose = { organisation, person, callerKind: caller.kind, callerId: caller.id, requestId };
      try {
        const answer = await retrieval.retrieve(input);
        questions.record({ ...whose, outcome: 'answered', hits: answer.hits.length });
        return answer;
      } catch (error) {
        const outcome = error instanceof RequestError ? error.code : 'INTERNAL';
        questions.record({ ...whose, outcome, hits: 0 });
        throw error;
      }
    },
  };
}

export interface QuestionRecordOptions {
  database: Database;
  organisations: OrganisationService;
  log: Log;
  /** Older ones are deleted. */
  maxAgeDays: number;
}

const GATHER_MS = 250;
const MAX_NAME = 320;
const DAY_MS = 86_400_000;
const EXPIRE_EVERY_MS = 3_600_000;

export function createQuestionRecord({ database, organisations, log, maxAgeDays }: QuestionRecordOptions): QuestionRecord {
  const nextId = monotonicFactory();
  const waiting: QuestionInsert[] = [];
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> | undefined;

  async function writeAll(): Promise<void> {
    while (waiting.length > 0) {
      const questions = waiting.splice(0, 500);
      await insertQuestions(database, questions).catch((error: unknown) =>
        log.error('questions for people could not be put on record', { error, questions: questions.length }),
      );
    }
  }

  function write(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    writing ??= writeAll().finally(() => (writing = undefined));
    return writing;
  }

  const expire = (): void => {
    expireQuestions(database, Date.now() - maxAgeDays * DAY_MS).catch((error: unknown) =>
      log.error('old questions for people could not be deleted', { error }),
    );
  };
  expire();
  const expiring = setInterval(expire, EXPIRE_EVERY_MS).unref();

  return {
    record(entry) {
      const atMs = Date.now();
      // What a caller named may be anything; a NUL is refused at the edge, and half of a character is not kept.
      const person = entry.person.slice(0, MAX_NAME).replaceAll('\0', '').toWellFormed();
      waiting.push({ ...entry, person, id: nextId(atMs), atMs });
      timer ??= setTimeout(() => void write(), GATHER_MS).unref();
    },
    async list(organisation, { person }, page) {
      await organisations.get(organisation);
      const known = person === undefined || !person.includes('@') ? undefined : await findPerson(database, organisation, person);
      return listQuestions(database, { organisation, personId: known?.id ?? person }, page);
    },
    async close() {
      clearInterval(expiring);
      while (waiting.length > 0 || writing !== undefined) await write();
    },
  };
}
