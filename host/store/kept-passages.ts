import { operation } from './database.ts';
import type { Database, Operation } from './database.ts';
import type { DocumentHome } from './documents.ts';
import { defineStatement } from './statement.ts';

const KNOWN = defineStatement<{ connection: string; feature: string; sourceIds: string }, KnownPassage>(
  'passages.known',
  `SELECT passages.id, documents.source_id, passages.position, passages.hash
   FROM documents JOIN passages ON passages.document_id = documents.id
   WHERE documents.connection_id = :connection AND documents.feature = :feature
     AND documents.source_id IN (SELECT value FROM json_each(:sourceIds)) AND passages.hash IS NOT NULL
   ORDER BY passages.id`,
  (row) => ({ id: row.number('id'), sourceId: row.text('source_id'), position: row.number('position'), hash: row.bytes('hash') }),
);

// No two passages of a document may have one place, not even between two statements.
const TAKE_OUT = defineStatement<{ ids: string }>(
  'passages.take-out-of-place',
  'UPDATE passages SET position = -1 - position WHERE id IN (SELECT value FROM json_each(:ids))',
);

const PUT = defineStatement<{ id: number; position: number }>(
  'passages.put-in-place',
  'UPDATE passages SET position = :position WHERE id = :id',
);

interface KnownPassage {
  id: number;
  sourceId: string;
  position: number;
  hash: Uint8Array;
}

/** A passage as a batch has it. */
export interface NewPassage {
  sourceId: string;
  position: number;
  /** Of `domain/passage-hash.ts`. */
  hash: Uint8Array;
}

/** Passages of documents that are replaced which stay as they are, with their ids and all that is kept of them by id. */
export class KeptPassages {
  readonly #kept: ReadonlyMap<string, KnownPassage>;
  readonly #moved: readonly { id: number; position: number }[];

  /** `kept`: what is known, by `placeOf` the new passage. */
  constructor(kept: ReadonlyMap<string, KnownPassage>, moved: readonly { id: number; position: number }[]) {
    this.#kept = kept;
    this.#moved = moved;
  }

  get ids(): number[] {
    return [...this.#kept.values()].map(({ id }) => id);
  }

  has(sourceId: string, position: number): boolean {
    return this.#kept.has(placeOf(sourceId, position));
  }

  /** Gives those their new places that have other ones: what has to come before new passages are inserted. */
  move(): Operation[] {
    if (this.#moved.length === 0) return [];
    const ids = JSON.stringify(this.#moved.map(({ id }) => id));
    // Should one be gone, the document would lose a passage: then nothing may be written.
    return [
      operation(TAKE_OUT, { ids }, { expectChanges: this.#moved.length }),
      ...this.#moved.map((place) => operation(PUT, place, { expectChanges: 1 })),
    ];
  }
}

/** Finds the passages that the index has already, each for one of `passages`. To be asked under the lease that the batch is written under. */
export async function findKept(database: Database, home: DocumentHome, passages: readonly NewPassage[]): Promise<KeptPassages> {
  const sourceIds = JSON.stringify([...new Set(passages.map(({ sourceId }) => sourceId))]);
  const known = await database.read(KNOWN, { connection: home.connection, feature: home.feature, sourceIds });
  const free = new Map<string, KnownPassage[]>();
  for (const passage of known) {
    const key = contentOf(passage);
    free.set(key, [...(free.get(key) ?? []), passage]);
  }
  const kept = new Map<string, KnownPassage>();
  const moved: { id: number; position: number }[] = [];
  if (known.length > 0) {
    for (const passage of passages) {
      const found = free.get(contentOf(passage))?.shift();
      if (found === undefined) continue;
      kept.set(placeOf(passage.sourceId, passage.position), found);
      if (found.position !== passage.position) moved.push({ id: found.id, position: passage.position });
    }
  }
  return new KeptPassages(kept, moved);
}

function placeOf(sourceId: string, position: number): string {
  return `${position} ${sourceId}`;
}

function contentOf({ sourceId, hash }: { sourceId: string; hash: Uint8Array }): string {
  return `${Buffer.from(hash).toString('latin1')} ${sourceId}`;
}
