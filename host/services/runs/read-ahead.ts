import { isDeepStrictEqual } from 'node:util';
import type { Batch } from '../../domain/document.ts';
import { ContractError } from '../../indexing/contract-fields.ts';
import { prepareBatch, type PreparedBatch } from '../../indexing/prepare.ts';
import { toBatch } from '../../indexing/validate.ts';
import { knownVersions } from '../../store/documents.ts';
import { toWrittenChanges, type WrittenChanges } from '../../store/written-changes.ts';
import type { DatasourceSession } from '../connections/datasource-session.ts';
import { callWithRetries, type RunCallResult, type RunPartOptions } from './run-calls.ts';
import type { CallTarget } from '../connections/sandboxed-call.ts';

/** What a `read` is asked, and for whom. */
export interface Asked {
  target: CallTarget;
  feature: string;
  checkpoint: Uint8Array | undefined;
  /** When the pass over the feature began. */
  nowMs: number;
}

/** A batch, ready to be written. */
export interface ReadBatch {
  kind: 'batch';
  batch: Batch;
  prepared: Omit<PreparedBatch, 'changes'> & { changes: WrittenChanges };
  result: RunCallResult & { ok: true };
}

/** What came of one `read`. */
export type ReadStep =
  | ReadBatch
  | { kind: 'failed'; result: RunCallResult & { ok: false } }
  /** It gave something that breaks the contract. */
  | { kind: 'broken'; message: string }
  /** The signal ended it. */
  | { kind: 'stopped' };

/** Calls `read` and makes its batch ready. `pending`: the batch before, which the store may not have yet. */
export async function readBatch(
  options: RunPartOptions,
  session: DatasourceSession,
  { target, feature, checkpoint, nowMs }: Asked,
  pending?: WrittenChanges,
): Promise<ReadStep> {
  const { database, run, signal } = options;
  const result = await callWithRetries(session, target, { function: 'read', args: [feature, checkpoint], signal, nowMs });
  if (!result.ok) return { kind: 'failed', result };
  let batch: Batch;
  try {
    batch = toBatch(result.value, target.datasource.limits.maxChangesPerBatch);
  } catch (error) {
    if (!(error instanceof ContractError)) throw error;
    return { kind: 'broken', message: error.message };
  }
  const ids = batch.changes.flatMap((change) => (change.kind === 'upsert' ? [change.document.id] : []));
  const known = await knownVersions(database, run.connection, feature, ids);
  for (const id of pending?.deleted ?? []) known.delete(id);
  for (const { document, contentHash } of pending?.upserts ?? []) known.set(document.id, { version: document.version, contentHash });
  const prepared = await prepareBatch(batch, known, { ...options, owner: `${run.organisation}/${target.datasource.name}` });
  if (prepared === undefined) return { kind: 'stopped' };
  return { kind: 'batch', batch, result, prepared: { ...prepared, changes: await toWrittenChanges(prepared.changes) } };
}

/**
 * The next batch, which is read and made ready while the one before is written. It is dropped when that one is not written, or
 * when anything that it was asked with is no longer so by then: nothing of it is in the store, and it is asked again.
 */
export class ReadAhead {
  readonly #asked: Asked;
  readonly #stop = new AbortController();
  readonly #step: Promise<ReadStep>;

  constructor(options: RunPartOptions, session: DatasourceSession, asked: Asked, pending: WrittenChanges) {
    this.#asked = asked;
    const signal = AbortSignal.any([options.signal, this.#stop.signal]);
    this.#step = readBatch({ ...options, signal }, session, asked, pending);
    // Whoever takes it hears of a fault; when it is dropped nobody wants to.
    this.#step.catch(() => undefined);
  }

  /** What came of it; undefined when something else would be asked by now. */
  async take({ target, checkpoint, nowMs }: Asked): Promise<ReadStep | undefined> {
    const { connection, datasource, secret } = this.#asked.target;
    const same =
      nowMs === this.#asked.nowMs &&
      target.secret === secret &&
      checkpoint !== undefined &&
      this.#asked.checkpoint !== undefined &&
      // By their bytes: those of the store are of another class.
      Buffer.compare(checkpoint, this.#asked.checkpoint) === 0 &&
      // Of the connection what a call is told; what is counted of it changes with each batch.
      isDeepStrictEqual(target.connection.config, connection.config) &&
      isDeepStrictEqual(target.connection.features, connection.features) &&
      isDeepStrictEqual(target.datasource, datasource);
    if (same) return this.#step;
    await this.drop();
    return undefined;
  }

  /** Ends its call, and waits for the end. */
  async drop(): Promise<void> {
    this.#stop.abort();
    await this.#step.catch(() => undefined);
  }
}
