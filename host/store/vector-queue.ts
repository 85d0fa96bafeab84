import { operation } from './database.ts';
import type { Database, Operation } from './database.ts';
import type { DocumentHome } from './documents.ts';
import { defineStatement } from './statement.ts';
import { bytesOf, type VectorSet } from './vector-sets.ts';

const OF_DOCUMENTS = `passages.document_id IN (
  SELECT id FROM documents
  WHERE connection_id = :connection AND feature = :feature AND source_id IN (SELECT value FROM json_each(:sourceIds)))`;

// The sets first: a host without an embedder has none, and looks no further.
const QUEUE = defineStatement<{ connection: string; feature: string; sourceIds: string; kept: string }>(
  'vector_queue.add',
  `INSERT OR IGNORE INTO vector_queue (set_id, passage_id, backlog)
   SELECT vector_sets.id, passages.id, 0 FROM vector_sets CROSS JOIN passages
   WHERE vector_sets.state <> 'retired' AND ${OF_DOCUMENTS} AND passages.id NOT IN (SELECT value FROM json_each(:kept))`,
);

const CLAIM = defineStatement<{ set: number; owner: string; nowMs: number; untilMs: number; limit: number }, number>(
  'vector_queue.claim',
  `UPDATE vector_queue SET lease_owner = :owner, lease_until_ms = :untilMs
   WHERE set_id = :set AND passage_id IN (
     SELECT passage_id FROM vector_queue
     WHERE set_id = :set AND fault IS NULL AND coalesce(lease_until_ms, 0) <= :nowMs ORDER BY passage_id DESC LIMIT :limit)
   RETURNING passage_id`,
  (row) => row.number('passage_id'),
);

const FREE = defineStatement<{ set: number; nowMs: number }, number>(
  'vector_queue.free',
  'SELECT passage_id FROM vector_queue WHERE set_id = :set AND fault IS NULL AND coalesce(lease_until_ms, 0) <= :nowMs LIMIT 1',
  (row) => row.number('passage_id'),
);

const TEXTS = defineStatement<{ ids: string }, QueuedPassage>(
  'passages.to-embed',
  `SELECT passages.id, documents.organisation_id, passages.title, passages.headings, passages.text, passages.hash
   FROM passages JOIN documents ON documents.id = passages.document_id WHERE passages.id IN (SELECT value FROM json_each(:ids))
   ORDER BY passages.id`,
  (row) => ({
    id: row.number('id'),
    organisation: row.text('organisation_id'),
    title: row.text('title'),
    headings: row.texts('headings'),
    text: row.text('text'),
    hash: row.optionalBytes('hash'),
  }),
);

const KNOWN = defineStatement<{ set: number; organisation: string; hashes: string }, string>(
  'vectors.known',
  `SELECT DISTINCT hex(hash) AS hash FROM vectors
   WHERE set_id = :set AND organisation_id = :organisation AND hash IN (SELECT unhex(value) FROM json_each(:hashes))`,
  (row) => row.text('hash'),
);

// The id of a deleted passage may come again with another text: its hash tells.
const STILL_THERE = 'FROM passages WHERE passages.id = :passage AND passages.hash IS :passageHash';

type Place = { set: number; organisation: string; passage: number; passageHash: Uint8Array | null };

const INSERT = defineStatement<Place & { hash: Uint8Array; vector: Uint8Array }>(
  'vectors.insert',
  `INSERT OR IGNORE INTO vectors (set_id, organisation_id, passage_id, hash, value)
   SELECT :set, :organisation, passages.id, :hash, vector8(:vector) ${STILL_THERE}`,
);

const INSERT_SIGNS = defineStatement<Place & { vector: Uint8Array }>(
  'vector_signs.insert',
  `INSERT OR IGNORE INTO vector_signs (set_id, organisation_id, passage_id, signs)
   SELECT :set, :organisation, passages.id, vector1bit(:vector) ${STILL_THERE}`,
);

const COPIED = `(SELECT value FROM vectors WHERE set_id = :set AND organisation_id = :organisation AND hash = :hash LIMIT 1)`;

const COPY = defineStatement<Place & { hash: Uint8Array }>(
  'vectors.copy',
  `INSERT OR IGNORE INTO vectors (set_id, organisation_id, passage_id, hash, value)
   SELECT :set, :organisation, passages.id, :hash, ${COPIED} ${STILL_THERE} AND ${COPIED} IS NOT NULL`,
);

const COPY_SIGNS = defineStatement<Place & { hash: Uint8Array }>(
  'vector_signs.copy',
  `INSERT OR IGNORE INTO vector_signs (set_id, organisation_id, passage_id, signs)
   SELECT :set, :organisation, passages.id, vector1bit(${COPIED}) ${STILL_THERE} AND ${COPIED} IS NOT NULL`,
);

// One that was indexed anew meanwhile has been queued anew, without a lease.
const DONE = defineStatement<{ set: number; passage: number; owner: string }>(
  'vector_queue.done',
  `DELETE FROM vector_queue WHERE set_id = :set AND passage_id = :passage AND lease_owner = :owner
     AND EXISTS (SELECT 1 FROM vectors WHERE vectors.passage_id = :passage AND vectors.set_id = :set)`,
);

const COUNT = defineStatement<{ set: number; made: number; tokens: number }>(
  'vector_sets.count',
  'UPDATE vector_sets SET made = made + :made, tokens = tokens + :tokens WHERE id = :set',
);

const FAIL = defineStatement<{ set: number; passage: number; owner: string; fault: string }>(
  'vector_queue.fail',
  `UPDATE vector_queue SET fault = :fault, lease_owner = NULL, lease_until_ms = NULL
   WHERE set_id = :set AND passage_id = :passage AND lease_owner = :owner`,
);

const RELEASE = defineStatement<{ set: number; owner: string }>(
  'vector_queue.release',
  'UPDATE vector_queue SET lease_owner = NULL, lease_until_ms = NULL WHERE set_id = :set AND lease_owner = :owner',
);

const COUNTS = defineStatement<{ set: number }, QueueCounts>(
  'vector_queue.counts',
  `SELECT (SELECT count(*) FROM vector_signs WHERE set_id = :set) AS vectors,
     (SELECT count(*) FROM vector_queue WHERE set_id = :set AND fault IS NULL) AS waiting,
     (SELECT count(*) FROM vector_queue WHERE set_id = :set AND fault IS NOT NULL) AS failed,
     (SELECT min(fault) FROM vector_queue WHERE set_id = :set AND fault IS NOT NULL) AS fault`,
  (row) => ({
    vectors: row.number('vectors'),
    waiting: row.number('waiting'),
    failed: row.number('failed'),
    fault: row.optionalText('fault'),
  }),
);

/** A passage that waits for its vector. */
export interface QueuedPassage {
  id: number;
  organisation: string;
  title: string;
  headings: string[];
  text: string;
  /** Of `passageHash`; none in passages of an older host. */
  hash: Uint8Array | undefined;
}

export interface QueueCounts {
  /** Passages with a vector. */
  vectors: number;
  /** Passages that wait for theirs. */
  waiting: number;
  /** Passages that cannot be embedded, and why one of them cannot. */
  failed: number;
  fault: string | undefined;
}

/** Queues the passages of these documents, all of which are new but for those with the ids `kept`, in the transaction that writes them. */
export function queueForVectors(home: DocumentHome, sourceIds: readonly string[], kept: readonly number[]): Operation {
  const { connection, feature } = home;
  return operation(QUEUE, { connection, feature, sourceIds: JSON.stringify(sourceIds), kept: JSON.stringify(kept) });
}

/** Who works on a piece of a queue. `owner` is made anew for each piece. */
export interface QueueLease {
  set: number;
  owner: string;
}

/** Takes up to `limit` passages for itself until the lease ends, the newest first; asks before it writes. */
export async function claimQueued(
  database: Database,
  { set, owner }: QueueLease,
  { nowMs, leaseMs, limit }: { nowMs: number; leaseMs: number; limit: number },
): Promise<QueuedPassage[]> {
  if ((await database.readOne(FREE, { set, nowMs })) === undefined) return [];
  const result = await database.write([operation(CLAIM, { set, owner, nowMs, untilMs: nowMs + leaseMs, limit })]);
  return database.read(TEXTS, { ids: JSON.stringify(result.rows(0, CLAIM)) });
}

/** Which of these texts of an organisation have a vector already, by the hexadecimal digits of their hashes. */
export async function knownHashes(database: Database, set: number, organisation: string, hashes: readonly string[]): Promise<Set<string>> {
  const known = await database.read(KNOWN, { set, organisation, hashes: JSON.stringify(hashes) });
  return new Set(known.map((hash) => hash.toLowerCase()));
}

/** What became of one claimed passage. `hash` is of the text that was embedded. */
export type QueueOutcome = { passage: QueuedPassage } & (
  | { kind: 'made'; hash: Uint8Array; vector: Float32Array }
  /** Another passage of the organisation has the same text and its vector, or will have it with this write. */
  | { kind: 'same'; hash: Uint8Array }
  | { kind: 'failed'; fault: string }
);

/**
 * Keeps vectors, in one transaction with what is off the queue by them. Passages that are gone or have changed get none; what could
 * not be taken over from another passage is tried again when its lease has run out.
 */
export async function keepVectors(database: Database, lease: QueueLease, outcomes: readonly QueueOutcome[], tokens: number): Promise<void> {
  const { set } = lease;
  const made = outcomes.filter(({ kind }) => kind === 'made').length;
  await database.write([...outcomes.flatMap((outcome) => outcomeOperations(lease, outcome)), operation(COUNT, { set, made, tokens })]);
}

function outcomeOperations({ set, owner }: QueueLease, outcome: QueueOutcome): Operation[] {
  const { id: passage, organisation, hash: passageHash = null } = outcome.passage;
  if (outcome.kind === 'failed') return [operation(FAIL, { set, passage, owner, fault: outcome.fault })];
  const { hash } = outcome;
  const place = { set, organisation, passage, passageHash };
  const done = operation(DONE, { set, passage, owner });
  if (outcome.kind === 'same') return [operation(COPY, { ...place, hash }), operation(COPY_SIGNS, { ...place, hash }), done];
  const vector = bytesOf(outcome.vector);
  return [operation(INSERT, { ...place, hash, vector }), operation(INSERT_SIGNS, { ...place, vector }), done];
}

/** Gives back what was claimed, for whoever comes next. */
export async function releaseQueued(database: Database, { set, owner }: QueueLease): Promise<void> {
  await database.write([operation(RELEASE, { set, owner })]);
}

/** How far a set has come. */
export async function queueCounts(database: Database, set: Pick<VectorSet, 'id'>): Promise<QueueCounts> {
  return (await database.readOne(COUNTS, { set: set.id })) ?? { vectors: 0, waiting: 0, failed: 0, fault: undefined };
}
