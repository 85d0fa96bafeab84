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

  /** To be called when it is idle. INTERNAL when the thread has ended or ends before it answers. */
  ask(request: DatabaseRequest): Promise<DatabaseReply> {
    return new Promise((resolve, reject) => {
      this.#current = { resolve, reject };
      if (this.#fault === undefined) this.#worker.postMessage(request);
      else this.#fail(this.#fault);
    });
  }

  /** Closes the file when the request before is answered. */
  async close(): Promise<void> {
    const request: DatabaseRequest = { kind: 'close' };
    if (this.#fault === undefined) this.#worker.postMessage(request);
    await this.#exited;
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
  const serving = new Set<Promise<void>>();
  let closing = false;

  function dispatch(): void {
    for (let thread = firstFree(threads); thread !== undefined; thread = firstFree(threads)) {
      const next = queue.shift();
      if (next === undefined) return;
      const served = serve(thread, next).finally(() => {
        serving.delete(served);
        dispatch();
      });
      serving.add(served);
    }
    // Without a thread that still lives, nobody would ever come for them.
    const fault = threads.every((thread) => thread.fault !== undefined) ? threads[0]?.fault : undefined;
    if (fault !== undefined) for (const waiting of queue.splice(0)) waiting.reject(broken(fault));
  }

  return {
    ask: (request) =>
      new Promise((resolve, reject) => {
        if (closing) return reject(new RequestError('SHUTTING_DOWN', 'The database is being closed.'));
        if (queue.length >= options.maxQueued) return reject(tooMuch(queue.length));
        queue.push({ request, resolve, reject });
        dispatch();
      }),
    close: async () => {
      closing = true;
      while (serving.size > 0) await Promise.all(serving);
      await Promise.all(threads.map((thread) => thread.close()));
    },
  };
}

function firstFree(threads: readonly DatabaseThread[]): DatabaseThread | undefined {
  return threads.find((thread) => thread.idle && thread.fault === undefined);
}

async function serve(thread: DatabaseThread, { request, resolve, reject }: Waiting): Promise<void> {
  try {
    resolve(await thread.ask(request));
  } catch (error) {
    reject(error instanceof Error ? error : new Error(String(error)));
  }
}

function tooMuch(waiting: number): RequestError {
  return new RequestError('HOST_BUSY', `${waiting} requests are waiting for the database.`, {
    remedy: 'Try again in a few seconds.',
  });
}
