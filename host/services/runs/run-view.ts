import type { StoredRun } from '../../store/run-records.ts';

/** One job of a connection, without what only those who work on it need. */
export type Run = Omit<StoredRun, 'problemCount' | 'cancelRequested' | 'attempts' | 'leaseUntilMs'>;
