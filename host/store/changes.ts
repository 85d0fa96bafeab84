import { createHash } from 'node:crypto';
import type { Actor } from '../domain/caller.ts';
import type { Change, ChainVerdict, RecordedChange } from '../domain/change.ts';
import { isJsonObject, type JsonObject } from '../domain/json.ts';
import { CHAIN_START, chainHash, HOST_CHAIN } from './chain.ts';
import { operation } from './database.ts';
import type { Database, Operation } from './database.ts';
import { guardsOf, noteMade, refusing } from './expectations.ts';
import { pageBounds, toPage } from './page.ts';
import type { PageRequest, StoredPage } from './page.ts';
import { defineStatement } from './statement.ts';
import type { Columns, NoParams } from './statement.ts';

/** An entry beyond this keeps the digests of before and after instead of themselves. */
const MAX_ENTRY_BYTES = 64 * 1024;
const VERIFY_PAGE = 500;

// The writer's thread puts in what it finds under its lock: number, hash before, hash. See `database.worker.ts`.
const APPEND = defineStatement<{ chain: string; sequence: number; entry: string; previous: Uint8Array; hash: Uint8Array }, number>(
  'changes.append',
  'INSERT INTO changes (chain, sequence, entry, previous, hash) VALUES (:chain, :sequence, :entry, :previous, :hash) RETURNING sequence',
  (row) => row.number('sequence'),
);

const HEAD = defineStatement<{ chain: string }>(
  'changes.head',
  'SELECT sequence, hash FROM changes WHERE chain = :chain ORDER BY sequence DESC LIMIT 1',
);

const NEWEST = defineStatement<{ chain: string; before: number; limit: number }, RecordedChange>(
  'changes.newest',
  `SELECT chain, sequence, entry, previous, hash FROM changes WHERE chain = :chain AND sequence < :before
   ORDER BY sequence DESC LIMIT :limit`,
  toRecordedChange,
);

const NEWEST_OF = defineStatement<{ chain: string; target: string; before: number; limit: number }, RecordedChange>(
  'changes.newest-of-target',
  `SELECT chain, sequence, entry, previous, hash FROM changes
   WHERE chain = :chain AND json_extract(entry, '$.target') = :target AND sequence < :before ORDER BY sequence DESC LIMIT :limit`,
  toRecordedChange,
);

const FROM = defineStatement<{ chain: string; after: number; limit: number }, StoredLink>(
  'changes.from',
  'SELECT sequence, entry, previous, hash FROM changes WHERE chain = :chain AND sequence > :after ORDER BY sequence LIMIT :limit',
  (row) => ({ sequence: row.number('sequence'), entry: row.text('entry'), previous: row.bytes('previous'), hash: row.bytes('hash') }),
);

const HASH = defineStatement<{ chain: string; sequence: number }, string>(
  'changes.hash',
  'SELECT hash FROM changes WHERE chain = :chain AND sequence = :sequence',
  (row) => Buffer.from(row.bytes('hash')).toString('hex'),
);

const CHAINS = defineStatement<NoParams, string>('changes.chains', 'SELECT DISTINCT chain FROM changes ORDER BY chain', (row) =>
  row.text('chain'),
);

/** One entry of a chain as it is stored. */
export interface StoredLink {
  sequence: number;
  entry: string;
  previous: Uint8Array;
  hash: Uint8Array;
}

/**
 * The database whose next successful `write` puts the change on record in its own transaction: both happen or neither. One
 * call does it: `insertThing(recording(database, { actor, organisation, action, target, after }), thing)`.
 * CHANGED_MEANWHILE when the actor expects another state of the thing that it changes, and then nothing is written.
 */
export function recording(database: Database, change: Change): Database {
  const { expects } = change.actor;
  let recorded = false;
  return {
    ...database,
    async write(operations) {
      if (recorded) return database.write(operations);
      // Behind the others, so that the numbers of their results stay.
      const all = [...operations, ...guardsOf(expects), appendChange(change)];
      const result = await refusing(expects, () => database.write(all));
      recorded = true;
      noteMade(expects, change, result.rows(all.length - 1, APPEND)[0]);
      return result;
    },
  };
}

/** Puts on record what has no transaction of its own: what was refused, or what is about to happen elsewhere. */
export async function recordChange(database: Database, change: Change): Promise<void> {
  await database.write([appendChange(change)]);
}

function appendChange(change: Change): Operation {
  const blank = new Uint8Array(CHAIN_START);
  const values = { chain: change.organisation ?? HOST_CHAIN, sequence: 0, entry: entryText(change), previous: blank, hash: blank };
  return { ...operation(APPEND, values, { expectChanges: 1 }), head: HEAD.sql };
}

function entryText({ actor, action, target, before, after }: Change): string {
  const who = { kind: actor.kind, id: actor.id, ...(actor.requestId === undefined ? {} : { requestId: actor.requestId }) };
  const at = new Date().toISOString();
  const states = Object.entries({ before, after }).filter(([, state]) => state !== undefined);
  const text = JSON.stringify({ at, actor: who, action, target, ...Object.fromEntries(states) }, withoutSecrets).replaceAll('\0', '');
  if (Buffer.byteLength(text) <= MAX_ENTRY_BYTES) return text;
  const digests = states.map(([name, state]) => [name, { sha256: createHash('sha256').update(JSON.stringify(state)).digest('hex') }]);
  return JSON.stringify({ at, actor: who, action, target, ...Object.fromEntries(digests) });
}

const SECRET_NAME = /credential|secret|token|password|passphrase|private_?key/i;

/** No service hands a secret to the log. Should one do so by mistake, its name gives it away here. */
function withoutSecrets(name: string, value: unknown): unknown {
  return SECRET_NAME.test(name) && typeof value !== 'boolean' && typeof value !== 'number' ? '[not kept]' : value;
}

/** Newest first; of one thing where `target` names it. INVALID_REQUEST for a bad limit or cursor. */
export async function listChanges(
  database: Database,
  organisation: string | undefined,
  page: PageRequest,
  target?: string,
): Promise<StoredPage<RecordedChange>> {
  const { key, limit } = pageBounds(page, String(Number.MAX_SAFE_INTEGER));
  const before = /^\d{1,16}$/.test(key) ? Number(key) : 0;
  const chain = organisation ?? HOST_CHAIN;
  const rows =
    target === undefined
      ? await database.read(NEWEST, { chain, before, limit })
      : await database.read(NEWEST_OF, { chain, target, before, limit });
  return toPage(rows, page, (change) => String(change.sequence));
}

/** A chain from its first entry on, in pieces. */
export async function* readChain(database: Database, organisation: string | undefined): AsyncGenerator<StoredLink[]> {
  for (let after = 0; ;) {
    const piece = await database.read(FROM, { chain: organisation ?? HOST_CHAIN, after, limit: VERIFY_PAGE });
    const last = piece.at(-1);
    if (last === undefined) return;
    yield piece;
    after = last.sequence;
  }
}

/** The hash of one entry, in hexadecimal digits. */
export async function hashOfChange(database: Database, organisation: string | undefined, sequence: number): Promise<string | undefined> {
  return database.readOne(HASH, { chain: organisation ?? HOST_CHAIN, sequence });
}

/** Every chain that has an entry: organisations by id, undefined for the host. */
export async function listChains(database: Database): Promise<(string | undefined)[]> {
  return (await database.read(CHAINS, {})).map((chain) => (chain === HOST_CHAIN ? undefined : chain));
}

/** Recomputes every hash of a chain. */
export async function verifyChain(database: Database, organisation: string | undefined): Promise<ChainVerdict> {
  let previous: Uint8Array = new Uint8Array(CHAIN_START);
  let entries = 0;
  let brokenAt: number | undefined;
  for await (const piece of readChain(database, organisation)) {
    for (const link of piece) {
      entries += 1;
      const hash = chainHash(previous, entries, link.entry);
      const follows = link.sequence === entries && Buffer.compare(link.previous, previous) === 0 && Buffer.compare(link.hash, hash) === 0;
      if (!follows) brokenAt ??= link.sequence;
      previous = link.hash;
    }
  }
  return { organisation, entries, head: Buffer.from(previous).toString('hex'), brokenAt };
}

function toRecordedChange(row: Columns): RecordedChange {
  const chain = row.text('chain');
  const entry = row.text('entry');
  const { at, actor, action, target, before, after } = row.jsonObject('entry');
  return {
    organisation: chain === HOST_CHAIN ? undefined : chain,
    sequence: row.number('sequence'),
    atMs: Date.parse(String(at)),
    actor: toActor(actor),
    action: String(action),
    target: String(target),
    before: toState(before),
    after: toState(after),
    previous: Buffer.from(row.bytes('previous')).toString('hex'),
    hash: Buffer.from(row.bytes('hash')).toString('hex'),
    entry,
  };
}

const ACTOR_KINDS = ['key', 'token', 'local', 'nobody', 'host'] as const satisfies readonly Actor['kind'][];

function toActor(stored: unknown): Actor {
  const { kind, id, requestId } = isJsonObject(stored) ? stored : {};
  return {
    kind: ACTOR_KINDS.find((known) => known === kind) ?? 'nobody',
    id: String(id),
    requestId: typeof requestId === 'string' ? requestId : undefined,
  };
}

function toState(stored: unknown): JsonObject | undefined {
  return isJsonObject(stored) ? stored : undefined;
}
