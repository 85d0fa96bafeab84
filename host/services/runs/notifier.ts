import { createHmac } from 'node:crypto';
import { progressOf } from '../../domain/run-progress.ts';
import type { NotifySettings } from '../../domain/notify-settings.ts';
import type { Log } from '../../log.ts';
import { getConnection } from '../../store/connections.ts';
import type { Database } from '../../store/database.ts';
import { claimNotice, delayNotice, endNotice } from '../../store/notices.ts';
import { announceSink, claimNotification, delayNotification, endNotification, type DueNotification } from '../../store/notifications.ts';
import { getRun } from '../../store/runs.ts';
import type { ReconnectLinks } from '../authorisations/reconnect-links.ts';
import { deliveryOf, noticeBody } from './notice-body.ts';

/** Tells Lorelai of runs that have ended, and of authorisations that their source has. Any number of hosts may do so for one store: each attempt is made by one. */
export interface Notifier {
  /** Begins to deliver what is due, unless it is at it already. Does not wait for the other side; never rejects. */
  deliverDue(): Promise<void>;
  /** Waits for the one that is under way. */
  close(): Promise<void>;
}

const TIMEOUT_MS = 10_000;
/** Longer than an attempt takes with its commit. */
const LEASE_MS = 60_000;
const RETRY_BASE_MS = 2_000;
const MAX_RETRY_MS = 3_600_000;
/** Then nobody wants to know any more. */
const GIVE_UP_MS = 3 * 24 * 3_600_000;
/** How often a host says that it delivers. */
const ANNOUNCE_EVERY_MS = 3_600_000;

export interface NotifierOptions {
  database: Database;
  log: Log;
  /** Undefined: nobody is told anything. */
  settings: NotifySettings | undefined;
  reconnectLinks: ReconnectLinks;
}

/** Something that is to be told. */
interface Due {
  /** Names it to the other side, however often it is sent. */
  delivery: string;
  createdAtMs: number;
  /** This one included. */
  attempts: number;
  /** Undefined when what it tells of is gone. */
  body: string | undefined;
  end(): Promise<void>;
  delay(dueMs: number): Promise<void>;
}

export function createNotifier({ database, log, settings, reconnectLinks }: NotifierOptions): Notifier {
  let announcedAtMs = Number.NEGATIVE_INFINITY;
  let underWay: Promise<void> | undefined;
  const stopping = new AbortController();

  async function deliver(to: NotifySettings, { delivery, createdAtMs, attempts, body, end, delay }: Due): Promise<void> {
    const failure = body === undefined ? undefined : await post(to, delivery, body);
    if (failure === undefined) return end();
    if (Date.now() - createdAtMs > GIVE_UP_MS) {
      log.warn('a notification is given up', { delivery, attempts, reason: failure });
      return end();
    }
    log.warn('a notification was not taken and is tried again', { delivery, attempts, reason: failure });
    return delay(retryAt(attempts));
  }

  async function announce(): Promise<void> {
    if (performance.now() - announcedAtMs <= ANNOUNCE_EVERY_MS) return;
    await announceSink(database, Date.now());
    announcedAtMs = performance.now();
  }

  /** The end of an authorisation first: nothing goes on before somebody has seen to it. */
  async function nextDue(): Promise<Due | undefined> {
    const nowMs = Date.now();
    const times = { nowMs, untilMs: nowMs + LEASE_MS };
    const notice = await claimNotice(database, times);
    if (notice !== undefined) {
      return {
        ...notice,
        delivery: deliveryOf(notice),
        body: await noticeBody({ database, reconnectLinks }, notice),
        end: () => endNotice(database, notice),
        delay: (dueMs) => delayNotice(database, notice, dueMs),
      };
    }
    const due = await claimNotification(database, times);
    if (due === undefined) return undefined;
    return {
      ...due,
      delivery: `${due.run}.${due.state}`,
      body: await bodyOf(database, due),
      end: () => endNotification(database, due),
      delay: (dueMs) => delayNotification(database, due, dueMs),
    };
  }

  async function deliverAll(to: NotifySettings): Promise<void> {
    while (!stopping.signal.aborted) {
      const due = await nextDue();
      if (due === undefined) return;
      await deliver(to, due);
    }
  }

  function failed(error: unknown): void {
    log.error('notifications could not be delivered', { error });
  }

  return {
    async deliverDue() {
      if (settings === undefined || stopping.signal.aborted) return;
      // Nothing is written down until a host has said that it delivers.
      await announce().catch(failed);
      underWay ??= deliverAll(settings)
        .catch(failed)
        .finally(() => (underWay = undefined));
    },
    async close() {
      stopping.abort();
      await underWay;
    },
  };
}

/** Undefined when it was taken, else why not. Operators name the address: it may be a private one. */
async function post({ url, key }: NotifySettings, delivery: string, body: string): Promise<string | undefined> {
  const timestamp = String(Math.floor(Date.now() / 1_000));
  const signature = createHmac('sha256', key).update(`${timestamp}.${body}`).digest('hex');
  try {
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: {
        'content-type': 'application/json',
        'x-lorelai-delivery': delivery,
        'x-lorelai-timestamp': timestamp,
        'x-lorelai-signature': `sha256=${signature}`,
      },
      body,
    });
    await response.body?.cancel();
    return response.ok ? undefined : `it answered ${response.status}`;
  } catch (error) {
    return error instanceof Error && error.name === 'TimeoutError' ? `it did not answer within ${TIMEOUT_MS} ms` : 'it cannot be reached';
  }
}

function retryAt(attempts: number): number {
  return Math.floor(Date.now() + Math.min(MAX_RETRY_MS, RETRY_BASE_MS * 2 ** Math.min(attempts - 1, 12)) * (0.75 + Math.random() * 0.5));
}

const TYPES: Readonly<Record<string, { type: string; title: string }>> = {
  succeeded: { type: 'indexing_completed', title: 'Indexing is completed' },
  partial: { type: 'indexing_completed_with_errors', title: 'Indexing is completed, with something left out' },
  failed: { type: 'indexing_failed', title: 'Indexing has failed' },
  cancelled: { type: 'indexing_cancelled', title: 'Indexing was cancelled' },
  held: { type: 'indexing_held', title: 'Indexing waits for an operator' },
};

/** In the shape of Lorelai's notifications; undefined when the run or its connection is gone. */
async function bodyOf(database: Database, { run: id, organisation, state, createdAtMs }: DueNotification): Promise<string | undefined> {
  const run = await getRun(database, organisation, id);
  const connection = run === undefined ? undefined : await getConnection(database, organisation, run.connection);
  const words = TYPES[state];
  if (run === undefined || connection === undefined || words === undefined) return undefined;
  const { seen, changed, unchanged, deleted, skipped } = progressOf(run, Date.now());
  const counts = `${changed} documents changed, ${unchanged} as before, ${deleted} removed, ${skipped} left out.`;
  return JSON.stringify({
    id: `${id}.${state}`,
    type: words.type,
    title: `${words.title}: ${connection.name}`,
    message: run.reason === undefined ? counts : `${run.reason}. ${counts}`,
    data: {
      run_id: id,
      job_id: id,
      kind: run.kind,
      org: organisation,
      datasource_name: connection.datasource,
      connection: connection.id,
      ...{ seen, changed, unchanged, deleted, skipped },
    },
    url: `/v1/index/runs/${id}`,
    created_at: new Date(createdAtMs).toISOString(),
  });
}
