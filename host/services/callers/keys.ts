import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { ulid } from 'ulid';
import type { Actor, Caller, Scope } from '../../domain/caller.ts';
import { RequestError } from '../../domain/errors.ts';
import { isKeyText, keyHint, toKeyText } from '../../domain/key-text.ts';
import type { Log } from '../../log.ts';
import { recording } from '../../store/changes.ts';
import { ExpectationError } from '../../store/database.ts';
import type { Database } from '../../store/database.ts';
import {
  findKey,
  getKey,
  insertFirstKey,
  insertKey,
  insertUnknownKey,
  listKeys,
  markKeyUsed,
  replaceKey,
  revokeKey,
  type KeyReach,
  type NewKey,
  type StoredKey,
} from '../../store/keys.ts';
import type { PageRequest, StoredPage } from '../../store/page.ts';

/** A key of the API, without its secret. */
export type ApiKey = StoredKey;

/** A key at the only moment at which anybody sees it. */
export interface MadeKey {
  key: ApiKey;
  /** What its holder sends. It is not kept. */
  text: string;
}

export interface KeyInput {
  /** Whose it is; undefined for a key of the whole host. */
  organisation: string | undefined;
  name: string;
  scopes: readonly Scope[];
  /** In force until then; for ever when left out. */
  expiresAtMs?: number;
}

export interface KeyService {
  /** UNKNOWN_ORGANISATION; INVALID_REQUEST when it would never be in force or its scopes make no sense. */
  create(input: KeyInput, actor: Actor): Promise<MadeKey>;
  /** `reach`: keys of one organisation, or all. Oldest first, revoked ones included. */
  list(reach: KeyReach, page: PageRequest): Promise<StoredPage<ApiKey>>;
  /** UNKNOWN_KEY. */
  get(reach: KeyReach, id: string): Promise<ApiKey>;
  /** Makes another with the same rights; the old one stays in force for `overlapMs`. UNKNOWN_KEY, CONFLICT when it is revoked. */
  rotate(reach: KeyReach, id: string, overlapMs: number, actor: Actor): Promise<MadeKey>;
  /** It is refused from the next request on, by every host. UNKNOWN_KEY. */
  revoke(reach: KeyReach, id: string, actor: Actor): Promise<ApiKey>;
  /** The key of the first start, when there is no key yet. */
  createFirst(actor: Actor): Promise<MadeKey | undefined>;
  /** Puts a key that was made elsewhere in force for the whole host, once: one that was revoked stays so. INVALID_SETTING. */
  adopt(text: string, actor: Actor): Promise<void>;
  /** Who holds the key. UNAUTHENTICATED. */
  authenticate(text: string): Promise<Caller>;
}

/** How often at most the last use of a key is written. */
const LAST_USE_MS = 60_000;
/** The scopes of a key that everything else can be made with. */
const FIRST_SCOPES: readonly Scope[] = ['admin'];

export interface KeyOptions {
  database: Database;
  /** UNKNOWN_ORGANISATION. */
  organisations: { get(id: string): Promise<unknown> };
  log: Log;
}

export function createKeys(options: KeyOptions): KeyService {
  const { database, organisations } = options;
  const service: KeyService = {
    async create(input, actor) {
      refuseUseless(input);
      if (input.organisation !== undefined) await organisations.get(input.organisation);
      const { text, row } = makeKey({ ...input, expiresAtMs: input.expiresAtMs, replaces: undefined });
      await insertKey(recordingKey(database, 'key.create', { actor, after: row }), row);
      return { key: await service.get(row, row.id), text };
    },

    list: (reach, page) => listKeys(database, reach, page),

    async get(reach, id) {
      const found = await getKey(database, reach, id);
      if (found === undefined) {
        throw new RequestError('UNKNOWN_KEY', `There is no key "${id.slice(0, 80)}".`, {
          remedy: 'Name one that GET /api/v1/keys or `datasources keys list` shows.',
        });
      }
      return found;
    },

    async rotate(reach, id, overlapMs, actor) {
      const before = await service.get(reach, id);
      const { text, row } = makeKey({ ...before, replaces: id });
      try {
        const recorded = recordingKey(database, 'key.rotate', { actor, before, after: row });
        await replaceKey(recorded, row, { id, expiresAtMs: Date.now() + overlapMs });
      } catch (error) {
        if (!(error instanceof ExpectationError)) throw error;
        throw new RequestError('CONFLICT', `The key ${id} is revoked.`, { remedy: 'Create a new one.', cause: error });
      }
      return { key: await service.get(row, row.id), text };
    },

    async revoke(reach, id, actor) {
      const before = await service.get(reach, id);
      await onlyOnce(revokeKey(recordingKey(database, 'key.revoke', { actor, before, after: before }), id, Date.now()));
      return service.get(reach, id);
    },

    async createFirst(actor) {
      const { text, row } = makeKey({
        organisation: undefined,
        name: 'first',
        scopes: FIRST_SCOPES,
        expiresAtMs: undefined,
        replaces: undefined,
      });
      const made = await onlyOnce(insertFirstKey(recordingKey(database, 'key.create', { actor, after: row }), row));
      return made ? { key: await service.get({ organisation: undefined }, row.id), text } : undefined;
    },

    async adopt(text, actor) {
      if (!isKeyText(text)) {
        throw new RequestError('INVALID_SETTING', 'The file that LORELAI_ADMIN_KEY_FILE names holds no key.', {
          remedy: 'Write into it what `datasources keys generate` prints, and nothing else.',
        });
      }
      const wanted = { organisation: undefined, name: 'from LORELAI_ADMIN_KEY_FILE', scopes: FIRST_SCOPES, expiresAtMs: undefined };
      const row = toRow(text, { ...wanted, replaces: undefined });
      await onlyOnce(insertUnknownKey(recordingKey(database, 'key.create', { actor, after: row }), row));
    },

    authenticate: (text) => authenticate(options, text),
  };
  return service;
}

async function authenticate({ database, log }: KeyOptions, text: string): Promise<Caller> {
  if (!isKeyText(text)) throw refused('This is no key: its checksum does not fit.');
  const digest = digestOf(text);
  const found = await findKey(database, digest);
  // The store looks up by digest, which nobody can steer; the comparison says so once more.
  if (found === undefined || !timingSafeEqual(found.digest, digest)) throw refused('This host does not know the key.');
  const nowMs = Date.now();
  if (found.revokedAtMs !== undefined) throw refused('The key has been revoked.');
  if (found.expiresAtMs !== undefined && found.expiresAtMs <= nowMs) throw refused('The key has expired.');
  if ((found.lastUsedAtMs ?? 0) <= nowMs - LAST_USE_MS) {
    // Nobody waits for it.
    markKeyUsed(database, found.id, { nowMs, beforeMs: nowMs - LAST_USE_MS }).catch((error: unknown) =>
      log.debug('the last use of a key was not written', { key: found.id, error }),
    );
  }
  return { kind: 'key', id: found.id, organisation: found.organisation, scopes: found.scopes };
}

function refused(reason: string): RequestError {
  return new RequestError('UNAUTHENTICATED', reason, { remedy: 'Use a key that is in force; `datasources keys create` makes one.' });
}

function refuseUseless({ organisation, scopes, expiresAtMs }: KeyInput): void {
  if (scopes.length === 0) throw useless('/scopes', 'It may do nothing without a scope.', 'Give it at least one.');
  if (organisation !== undefined && scopes.includes('metrics'))
    throw useless('/scopes', 'The metrics are those of the whole host.', 'Leave out the organisation, or the scope.');
  if (expiresAtMs !== undefined && !(expiresAtMs > Date.now()))
    throw useless('/expiresAt', 'This moment is past.', 'Name one to come, or none.');
}

function useless(path: string, reason: string, remedy: string): RequestError {
  return new RequestError('INVALID_REQUEST', `The key would be of no use: ${reason}`, { remedy, problems: [{ path, reason, remedy }] });
}

function makeKey(input: Pick<NewKey, 'organisation' | 'name' | 'scopes' | 'expiresAtMs' | 'replaces'>): { text: string; row: NewKey } {
  const text = generateKey();
  return { text, row: toRow(text, input) };
}

/** A key that no host knows yet. */
export function generateKey(): string {
  return toKeyText(randomBytes(32));
}

function toRow(text: string, input: Pick<NewKey, 'organisation' | 'name' | 'scopes' | 'expiresAtMs' | 'replaces'>): NewKey {
  const { organisation, name, scopes, expiresAtMs, replaces } = input;
  const made = { id: ulid(), hint: keyHint(text), digest: digestOf(text), createdAtMs: Date.now() };
  return { ...made, organisation, name, scopes: [...new Set(scopes)], expiresAtMs, replaces };
}

/** One hash is enough: what is hashed has 256 random bits. */
function digestOf(text: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(text).digest());
}

type KeyState = Pick<NewKey, 'id' | 'organisation' | 'name' | 'hint' | 'scopes' | 'expiresAtMs'>;

function recordingKey(database: Database, action: `key.${string}`, change: { actor: Actor; before?: KeyState; after: KeyState }): Database {
  const { actor, before, after } = change;
  const shown = ({ id, name, hint, scopes, expiresAtMs }: KeyState): object => ({ id, name, hint, scopes, expiresAtMs });
  return recording(database, {
    actor,
    organisation: after.organisation,
    action,
    target: `key/${(before ?? after).id}`,
    ...(before === undefined ? {} : { before: shown(before) }),
    after: action === 'key.revoke' ? { ...shown(after), revoked: true } : shown(after),
  });
}

/** Whether it was done now; false when it had been done before. */
async function onlyOnce(write: Promise<void>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (error instanceof ExpectationError) return false;
    throw error;
  }
}
