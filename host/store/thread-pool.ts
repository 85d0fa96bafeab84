import type { Worker } from 'node:worker_threads';
import { RequestError } from '../domain/errors.ts';
import type { DatabaseReply, DatabaseRequest } from './database-protocol.ts';

interface Waiting {
  request: DatabaseRequest;
  resolve: (reply: DatabaseReply) => void;
  reject: (error: Error) => void;
}

/** One worker thread that holds a database connection and answers one request at a time. */
export class DatabaseThread {
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  #current: Pick<Waiting, 'resolve' | 'reject'> | undefined;
  #fault: Error | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (reply: DatabaseReply) => {
      const current = this.#current;
      this.#current = undefined;
      current?.resolve(reply);
    });
    worker.on('error', (error) => this.#fail(error instanceof Error ? error : new Error(String(error))));
    this.#exited = new Promise((resolve) => {
      worker.once('exit', (code) => {
        this.#fail(new Error(`the thread ended with exit code ${code}`));
        resolve();
      });
    });
  }

  /** Why it can answer no more. */
  get fault(): Error | undefined {
    return this.#fault;
  }

  get idle(): boolean {
    return this.#current === undefined;
  }

  /** Its first word: `opened` or an error. */
  opened(): Promise<DatabaseReply> {
    return this.#next();
  }

  ask(request: DatabaseRequest): Promise<DatabaseReply> {
    const reply = this.#next();
    try {
      this.#worker.postMessage(request);
    } catch (error) {
      this.#current = undefined;
      throw error;
    }
    return reply;
  }

  async close(): Promise<void> {
    if (this.#fault === undefined) {
      const request: DatabaseRequest = { kind: 'close' };
      this.#worker.postMessage(request);
    }
    await this.#exited;
  }

  #next(): Promise<DatabaseReply> {
    return new Promise((resolve, reject) => {
      this.#current = { resolve, reject };
      if (this.#fault !== undefined) this.#fail(this.#fault);
    });
  }

  #fail(error: Error): void {
    this.#fault ??= error;
    const current = this.#current;
    this.#current = undefined;
    current?.reject(broken(this.#fault));
  }
}

function broken(cause: Error): RequestError {
  return new RequestError('INTERNAL', 'A thread of the database has ended.', {
    remedy: 'Restart the host; its log holds the reason.',
    cause,
  });
}

export interface ThreadPool {
  /** Resolves with the reply of the first thread that is free. HOST_BUSY, SHUTTING_DOWN, INTERNAL. */
  ask(request: DatabaseRequest): Promise<DatabaseReply>;
  /** Lets what waits finish, then ends the threads. */
  close(): Promise<void>;
}

/** Hands requests, first come first served, to whichever thread is free; at most `maxQueued` wait. */
export function createThreadPool(threads: readonly DatabaseThread[], options: { maxQueued: number }): ThreadPool {
  const queue: Waiting[] = [];
  let closing = false;
  let active = 0;
  let drained: (() => void) | undefined;

  function dispatch(): void {
    while (queue.length > 0) {
      const thread = threads.find((candidate) => candidate.idle && candidate.fault === undefined);
      const next = thread === undefined && !threads.every(isBroken) ? undefined : queue.shift();
      if (next === undefined) return;
      if (thread === undefined) next.reject(broken(threads[0]?.fault ?? new Error('no thread')));
      else void serve(thread, next);
    }
    if (closing && active === 0) drained?.();
  }

  async function serve(thread: DatabaseThread, { request, resolve, reject }: Waiting): Promise<void> {
    active += 1;
    try {
      resolve(await thread.ask(request));
    } catch (error) {
      reject(error instanceof Error ? error : new Error(String(error)));
    }
    active -= 1;
    dispatch();
  }

  return {
    ask: (request) =>
      new Promise((resolve, reject) => {
        if (closing) return reject(new RequestError('SHUTTING_DOWN', 'The database is being closed.'));
        if (queue.length >= options.maxQueued) {
          return reject(
            new RequestError('HOST_BUSY', `${queue.length} requests are waiting for the database.`, {
              remedy: 'Try again in a few seconds.',
            }),
          );
        }
        queue.push({ request, resolve, reject });
        dispatch();
      }),
    close: async () => {
      closing = true;
      await new Promise<void>((resolve) => {
        drained = resolve;
        dispatch();
      });
      await Promise.all(threads.map((thread) => thread.close()));
    },
  };
}

function isBroken(thread: DatabaseThread): boolean {
  return thread.fault !== undefined;
}
