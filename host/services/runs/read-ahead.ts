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

type Callee = Pick<CallTarget, 'connection' | 'datasource'>;

/** A batch as it was given, checked against the contract. */
interface GivenBatch {
  kind: 'batch';
  batch: Batch;
  result: RunCallResult & { ok: true };
}

/** A batch, ready to be written. */
export interface ReadBatch extends GivenBatch {
  prepared: Omit<PreparedBatch, 'changes'> & { changes: WrittenChanges };
  /** The `read` after it, which has begun; none when this was the last, or when what it did must be in the store first. */
  after: BegunRead | undefined;
}

type NoBatch =
  | { kind: 'failed'; result: RunCallResult & { ok: false } }
  /** It gave something that breaks the contract. */
  | { kind: 'broken'; message: string };

/** What came of one `read`. */
export type ReadStep =
  | ReadBatch
  | NoBatch
  /** The signal ended it. */
  | { kind: 'stopped' };

/**
 * A `read` that has begun. Its batch is made ready while the one before is written, and while the guest works on the one
 * after. It is dropped when the one before is not written, or when anything that it was asked with is no longer so by then:
 * nothing of it is in the store, and it is asked again.
 */
export class BegunRead {
  readonly #options: RunPartOptions;
  readonly #session: DatasourceSession;
  readonly #asked: Asked;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #given: Promise<GivenBatch | NoBatch>;
  #after: BegunRead | undefined;
  #step: Promise<ReadStep> | undefined;

  /** Calls `read`. The call before it, of the same session, has ended. */
  constructor(options: RunPartOptions, session: DatasourceSession, asked: Asked) {
    this.#options = options;
    this.#signal = AbortSignal.any([options.signal, this.#stop.signal]);
    this.#session = session;
    this.#asked = asked;
    this.#given = this.#call();
    // Whoever takes it hears of a fault; when it is dropped nobody wants to.
    this.#given.catch(() => undefined);
  }

  /** Makes its batch ready, once. `pending`: the batch before, which the store may not have yet. */
  prepare(pending?: WrittenChanges): Promise<ReadStep> {
    this.#step ??= this.#prepare(pending);
    this.#step.catch(() => undefined);
    return this.#step;
  }

  /** What came of it; undefined when something else would be asked by now. */
  async take({ target, checkpoint, nowMs }: Asked): Promise<ReadStep | undefined> {
    const same =
      nowMs === this.#asked.nowMs &&
      target.secret === this.#asked.target.secret &&
      checkpoint !== undefined &&
      this.#asked.checkpoint !== undefined &&
      // By their bytes: those of the store are of another class.
      Buffer.compare(checkpoint, this.#asked.checkpoint) === 0 &&
      isSame(target, this.#asked.target);
    if (same) return this.prepare();
    await this.drop();
    return undefined;
  }

  /** Ends its call and the one after it, and waits for their ends. */
  async drop(): Promise<void> {
    this.#stop.abort();
    await (this.#step ?? this.#given).catch(() => undefined);
    await this.#after?.drop();
  }

  async #call(): Promise<GivenBatch | NoBatch> {
    const { target, feature, checkpoint, nowMs } = this.#asked;
    const call = { function: 'read', args: [feature, checkpoint], signal: this.#signal, nowMs } as const;
    const result = await callWithRetries(this.#session, target, call);
    if (!result.ok) return { kind: 'failed', result };
    try {
      return { kind: 'batch', batch: toBatch(result.value, target.datasource.limits.maxChangesPerBatch), result };
    } catch (error) {
      if (error instanceof ContractError) return { kind: 'broken', message: error.message };
      throw error;
    }
  }

  async #prepare(pending: WrittenChanges | undefined): Promise<ReadStep> {
    const given = await this.#given;
    if (given.kind !== 'batch') return given;
    const { batch, result } = given;
    // What a call wrote to its storage the next one reads there.
    if (!batch.done && result.storage.length === 0 && (await this.#isAskedStill()) && !this.#stop.signal.aborted)
      this.#after = new BegunRead(this.#options, this.#session, { ...this.#asked, checkpoint: batch.next });
    const prepared = await this.#makeReady(batch, pending);
    return prepared === undefined ? { kind: 'stopped' } : { ...given, prepared, after: this.#after };
  }

  /** What is revoked or switched off holds from the next call on, and the one ahead is such a call. */
  async #isAskedStill(): Promise<boolean> {
    const { targets, run } = this.#options;
    // What cannot be called any more is told to who asks for the next batch.
    const now = await targets.look(run.organisation, run.connection).catch(() => undefined);
    return now !== undefined && isSame(now, this.#asked.target);
  }

  async #makeReady({ changes }: Batch, pending: WrittenChanges | undefined): Promise<ReadBatch['prepared'] | undefined> {
    const { database, run } = this.#options;
    const { target, feature } = this.#asked;
    const ids = changes.flatMap((change) => (change.kind === 'upsert' ? [change.document.id] : []));
    const known = await knownVersions(database, run.connection, feature, ids);
    for (const id of pending?.deleted ?? []) known.delete(id);
    for (const { document, contentHash } of pending?.upserts ?? []) known.set(document.id, { version: document.version, contentHash });
    const owner = `${run.organisation}/${target.datasource.name}`;
    const prepared = await prepareBatch({ changes }, known, { ...this.#options, signal: this.#signal, owner });
    return prepared === undefined ? undefined : { ...prepared, changes: await toWrittenChanges(prepared.changes) };
  }
}

/** Of the connection what a call is told; what is counted of it changes with each batch. */
function isSame(one: Callee, other: Callee): boolean {
  return (
    isDeepStrictEqual(one.connection.config, other.connection.config) &&
    isDeepStrictEqual(one.connection.features, other.connection.features) &&
    isDeepStrictEqual(one.datasource, other.datasource)
  );
}
