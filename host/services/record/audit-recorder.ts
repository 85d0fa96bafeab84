import { monotonicFactory } from 'ulid';
import type { AuditEvent, AuditKind } from '../../domain/audit.ts';
import { plainText } from '../../capabilities/capability.ts';
import type { Log } from '../../log.ts';
import { expireAudit, insertAuditEvents, subjectOf, trimAudit } from '../../store/audit.ts';
import type { Database } from '../../store/database.ts';
import type { HostMetrics } from './metrics.ts';

/** An event without what the recorder gives it; what does not apply is left out. */
export type AuditEntry = Pick<AuditEvent, 'kind' | 'home' | 'datasource'> &
  Partial<Pick<AuditEvent, 'request' | 'cause' | 'reason' | 'grant' | 'missing'>>;

/** Puts events on record. */
export interface AuditRecorder {
  /** At once in memory, in the store a moment later: for what happens often. Dropped and counted when too many wait. */
  record(entry: AuditEntry): void;
  /** Resolves when the event is in the store: for what must not be lost. A store that fails is logged, never thrown. */
  recordNow(entry: AuditEntry): Promise<void>;
  /** An event for a transaction of the caller's. */
  toEvent(entry: AuditEntry): AuditEvent;
  /** Writes what waits. */
  close(): Promise<void>;
}

export interface AuditRecorderOptions {
  database: Database;
  log: Log;
  metrics: HostMetrics;
  /** Older events are deleted. */
  maxAgeDays: number;
  /** Of one kind of one connection; the oldest are deleted. */
  maxRows: number;
}

/** How long an event may wait for others to be written with it. */
const GATHER_MS = 250;
const EVENTS_PER_WRITE = 500;
/** Some megabytes at most: an event holds two texts, and both are cut. */
const MAX_WAITING = 5_000;
const EXPIRE_EVERY_MS = 3_600_000;
const DAY_MS = 86_400_000;
const MAX_TEXT = 1_000;
const MAX_ORIGIN = 300;

interface Urgent {
  event: AuditEvent;
  written(): void;
}

/** Opens the record for writing and deletes what is too old, now and every hour. */
export function createAuditRecorder(options: AuditRecorderOptions): AuditRecorder {
  const { database, log, metrics, maxAgeDays, maxRows } = options;
  const nextId = monotonicFactory();
  const waiting: AuditEvent[] = [];
  const urgent: Urgent[] = [];
  const gaps = new Map<string, AuditEntry & { missing: number }>();
  const trimmer = createTrimmer(database, maxRows);
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> | undefined;

  function toEvent(entry: AuditEntry): AuditEvent {
    const atMs = Date.now();
    return { ...cleaned(entry), id: nextId(atMs), atMs };
  }

  async function writeAll(): Promise<void> {
    while (urgent.length + waiting.length + gaps.size > 0) {
      const first = urgent.splice(0, EVENTS_PER_WRITE);
      const rest = waiting.splice(0, EVENTS_PER_WRITE - first.length);
      const missed = [...gaps.values()].map(toEvent);
      gaps.clear();
      const events = [...first.map(({ event }) => event), ...rest, ...missed];
      try {
        await insertAuditEvents(database, events);
        await trimmer.afterWriting(events);
      } catch (error) {
        log.error('events could not be put on record', { error, events: events.length });
      }
      for (const { written } of first) written();
    }
  }

  /** One writer at a time: what comes meanwhile goes with its next transaction. */
  function write(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    writing ??= writeAll().finally(() => {
      writing = undefined;
      // Whoever came in the instant between the last look and this line.
      if (urgent.length > 0) void write();
    });
    return writing;
  }

  function drop({ kind: _kind, request: _request, ...entry }: AuditEntry): void {
    metrics.countDropped();
    const missing = (gaps.get(subjectOf(entry))?.missing ?? 0) + 1;
    const reason = `${missing} requests came faster than they could be put on record`;
    gaps.set(subjectOf(entry), { ...entry, kind: 'gap', missing, reason });
  }

  const expire = (): void => {
    expireAudit(database, Date.now() - maxAgeDays * DAY_MS).catch((error: unknown) =>
      log.error('old events could not be deleted', { error }),
    );
  };
  expire();
  const expiring = setInterval(expire, EXPIRE_EVERY_MS).unref();

  return {
    toEvent,
    record(entry) {
      metrics.countEvent(entry);
      if (waiting.length >= MAX_WAITING) return drop(entry);
      waiting.push(toEvent(entry));
      if (waiting.length >= EVENTS_PER_WRITE) void write();
      else timer ??= setTimeout(() => void write(), GATHER_MS).unref();
    },
    recordNow(entry) {
      metrics.countEvent(entry);
      return new Promise((resolve) => {
        urgent.push({ event: toEvent(entry), written: resolve });
        void write();
      });
    },
    async close() {
      clearInterval(expiring);
      do await write();
      while (urgent.length + waiting.length > 0);
    },
  };
}

/** Rows of one kind of one subject since it was trimmed. */
interface Written {
  subject: string;
  kind: AuditKind;
  rows: number;
}

/** Trims a kind of a subject whenever a part of its cap has been written anew, so that a flood never gets far ahead. */
function createTrimmer(database: Database, maxRows: number): { afterWriting(events: readonly AuditEvent[]): Promise<void> } {
  const everyRows = Math.max(1, Math.min(1_000, Math.floor(maxRows / 10)));
  const since = new Map<string, Written>();
  return {
    async afterWriting(events) {
      const due = new Set<Written>();
      for (const event of events) {
        const subject = subjectOf(event);
        const key = `${event.kind} ${subject}`;
        // A first one is looked at: whoever wrote before this host was started may have left too many.
        const written = since.get(key) ?? { subject, kind: event.kind, rows: everyRows - 1 };
        since.set(key, written);
        written.rows += 1;
        if (written.rows >= everyRows) due.add(written);
      }
      for (const written of due) {
        written.rows = 0;
        await trimAudit(database, written.subject, written.kind, maxRows);
      }
    },
  };
}

function plain(text: string, maxLength = MAX_TEXT): string {
  return plainText(text, maxLength).toWellFormed();
}

/** Text of guests and upstreams goes on record cut, in plain characters, and never in halves of one. */
function cleaned({ kind, home, datasource, request, cause, reason, grant, missing }: AuditEntry): Omit<AuditEvent, 'id' | 'atMs'> {
  return {
    kind,
    home,
    datasource,
    request: request && { ...request, origin: plain(request.origin, MAX_ORIGIN), path: plain(request.path) },
    cause: cause && plain(cause),
    reason: reason && plain(reason),
    grant,
    missing,
  };
}
