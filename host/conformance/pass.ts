import { createHash } from 'node:crypto';
import type { Batch, SourceDocument } from '../domain/document.ts';
import { ContractError } from '../indexing/contract-fields.ts';
import { toBatch } from '../indexing/validate.ts';
import { type KeptValues, noValues } from './kept-values.ts';
import type { Asked, Scene, Told } from './subject.ts';

/** Where a feature stands: what a host has committed. */
export interface Standing {
  checkpoint: Uint8Array | undefined;
  kept: KeptValues;
  /** By id. */
  index: ReadonlyMap<string, SourceDocument>;
}

/** One batch that was read and committed. */
export interface ReadBatch {
  before: Standing;
  batch: Batch;
  told: Told;
}

/** A feature read from a standing until it is done, or cannot go on. */
export interface Pass {
  batches: readonly ReadBatch[];
  standing: Standing;
  end: 'done' | Stop;
}

/** Why a pass ended before it was done. `endless`: it came back to a checkpoint, or would not end. */
export type Stop = { why: 'failure'; told: Told; text: string } | { why: 'broken' | 'contract' | 'endless'; text: string };

/** The undisturbed pass of each feature from its beginning. */
export interface Passes {
  of(feature: string): Promise<Pass>;
}

/** Nobody tests with more: what does not end by then is told so. */
const MAX_BATCHES = 1_000;

/** Nothing was read yet. */
export function beginning(): Standing {
  return { checkpoint: undefined, kept: noValues(), index: new Map() };
}

/** Reads one batch and commits nothing. */
export function readOnce(scene: Scene, feature: string, { checkpoint, kept }: Standing, how: Partial<Asked> = {}): Promise<Told> {
  return scene.call({ function: 'read', args: [feature, checkpoint], kept, ...how });
}

/** The batch of a `read`, or why there is none. */
export function batchOf(told: Told): Batch | Stop {
  const { result } = told;
  switch (result.kind) {
    case 'value':
      return parsed(() => toBatch(result.value));
    case 'failure':
      return { why: 'failure', told, text: failureText(told) };
    case 'broken':
      return { why: 'broken', text: result.reason };
    case 'cancelled':
      return { why: 'broken', text: 'it was cancelled' };
    default:
      return result satisfies never;
  }
}

/** What a parser of the contract makes of a value, or where it breaks the contract. */
export function parsed<T>(parse: () => T): T | Stop {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof ContractError)) throw error;
    return { why: 'contract', text: error.message };
  }
}

export function isStop(value: object): value is Stop {
  return 'why' in value;
}

/** Commits a batch with what the call wrote. */
export function commit(standing: Standing, batch: Batch, { writes }: Told): Standing {
  const index = new Map(standing.index);
  for (const change of batch.changes) {
    if (change.kind === 'delete') index.delete(change.id);
    else index.set(change.document.id, change.document);
  }
  return { checkpoint: batch.next, kept: standing.kept.commit(writes), index };
}

/** Reads on from a standing. `disturb` may read before each batch; what it does is not committed. */
export async function readThrough(
  scene: Scene,
  feature: string,
  { from = beginning(), how = {}, disturb, maxBatches = MAX_BATCHES }: ReadOptions = {},
): Promise<Pass> {
  const batches: ReadBatch[] = [];
  const seen = new Set<string>();
  let standing = from;
  for (let number = 0; ; number += 1) {
    await disturb?.(standing, number);
    const told = await readOnce(scene, feature, standing, how);
    const batch = batchOf(told);
    if (isStop(batch)) return { batches, standing, end: batch };
    batches.push({ before: standing, batch, told });
    standing = commit(standing, batch, told);
    if (batch.done) return { batches, standing, end: 'done' };
    const mark = `${Buffer.from(batch.next).toString('base64')} ${told.writes.length > 0 ? number : ''}`;
    if (seen.has(mark))
      return { batches, standing, end: { why: 'endless', text: `batch ${number + 1} gave a checkpoint that an earlier one gave` } };
    seen.add(mark);
    if (number + 1 >= maxBatches)
      return { batches, standing, end: { why: 'endless', text: `it was not done after ${maxBatches} batches` } };
  }
}

export interface ReadOptions {
  from?: Standing;
  how?: Partial<Asked>;
  disturb?: (standing: Standing, number: number) => Promise<void>;
  maxBatches?: number;
}

/** Passes that are made once, each as a scene of its own. */
export function createPasses(sceneOf: (name: string) => Scene): Passes {
  const made = new Map<string, Promise<Pass>>();
  return {
    of(feature) {
      const known = made.get(feature) ?? readThrough(sceneOf(`pass of ${feature}`), feature);
      made.set(feature, known);
      return known;
    },
  };
}

/** All that the host keeps of a document, as a text that is the same when it is. */
export function printOf(document: SourceDocument): string {
  const { content, ...rest } = document;
  return JSON.stringify([rest, createHash('sha256').update(content).digest('hex')], (_key, value: unknown) => value ?? null);
}

/** How two indexes differ, in one line; undefined when they do not. */
export function differenceOf(expected: Standing['index'], found: Standing['index']): string | undefined {
  const missing = [...expected.keys()].filter((id) => !found.has(id));
  const extra = [...found.keys()].filter((id) => !expected.has(id));
  const changed = [...found].filter(([id, document]) => {
    const other = expected.get(id);
    return other !== undefined && printOf(other) !== printOf(document);
  });
  const parts = [
    ...listed('missing', missing),
    ...listed('too many', extra),
    ...listed(
      'different',
      changed.map(([id]) => id),
    ),
  ];
  return parts.length === 0 ? undefined : parts.join('; ');
}

function listed(what: string, ids: readonly string[]): string[] {
  return ids.length === 0 ? [] : [`${what}: ${ids.slice(0, 3).join(', ')}${ids.length > 3 ? ` and ${ids.length - 3} more` : ''}`];
}

export function failureText({ result }: Told): string {
  if (result.kind !== 'failure') return result.kind;
  const { failure } = result;
  return `${failure.kind}: ${failure.kind === 'invalid-config' ? failure.problems.map(({ path, reason }) => `${path} ${reason}`).join('; ') : failure.message}`;
}
