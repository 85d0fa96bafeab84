import { RequestError } from '../../domain/errors.ts';
import { isDigest } from '../../domain/component-signature.ts';
import { parsePublicKey } from '../../domain/signing-key.ts';
import { likeness, lookAlike, NAME_PATTERN, PUBLISHER, type KnownName } from '../../domain/trust.ts';
import { recording } from '../../store/changes.ts';
import { ExpectationError, type Database } from '../../store/database.ts';
import { deleteTrustedKey, listTrustedKeys, putTrustedKey } from '../../store/trusted-keys.ts';
import { listAllVersions } from '../../store/versions.ts';
import { listPins, pinVersion, releasePin } from '../../store/version-pins.ts';
import type { TrustService } from './source-services.ts';

const VERSION = /^[0-9A-Za-z.+-]{1,64}$/;
const NAME = /^[a-z][a-z0-9_]{0,63}$/;

export function createTrust({ database }: { database: Database }): TrustService {
  return {
    list: () => listTrustedKeys(database),

    async add({ publisher, publicKey: text, names, allowLookAlike = false }, actor) {
      const publicKey = parsePublicKey(text);
      if (publicKey === undefined) {
        throw new RequestError('INVALID_SIGNING_KEY', 'publicKey: It is no line of `lorelai-ed25519` and 44 characters of base64.', {
          remedy: 'Take the file .pub that `datasources keygen` made, whole.',
        });
      }
      refuseMalformed(publisher, names);
      if (!allowLookAlike) await refuseLikeness(database, publisher, names);
      const key = { publisher, publicKey, names: [...new Set(names)] };
      const shown = { id: publicKey.id, publisher, names: key.names };
      const change = { actor, organisation: undefined, action: 'trust.add', target: `key/${publicKey.id}`, after: shown } as const;
      const nowMs = Date.now();
      await expected(() => putTrustedKey(recording(database, change), key, nowMs), {
        code: 'CONFLICT',
        message: 'The key is trusted as that of another publisher.',
        remedy: 'See whose it is with `datasources trust list`; remove it there first.',
      });
      return { ...key, addedAtMs: nowMs };
    },

    async remove(keyId, actor) {
      const change = { actor, organisation: undefined, action: 'trust.remove', target: `key/${keyId.slice(0, 64)}` } as const;
      await expected(() => deleteTrustedKey(recording(database, change), keyId), {
        code: 'UNKNOWN_PUBLISHER_KEY',
        message: 'No key with this id is trusted.',
        remedy: 'See the ids with `datasources trust list`.',
      });
    },

    pins: () => listPins(database),

    async pin(pins, actor) {
      for (const { name, version, digest } of pins) {
        if (NAME.test(name) && VERSION.test(version) && isDigest(digest)) continue;
        throw new RequestError('INVALID_REQUEST', 'An entry of the lock has no name, version or digest that can be one.', {
          remedy: 'Take a file that `datasources lock` wrote.',
        });
      }
      const change = { actor, organisation: undefined, action: 'lock.pin', target: 'lock/all', after: { pins } } as const;
      const nowMs = Date.now();
      const operations = pins.map(({ name, version, digest, origin }) =>
        pinVersion({ name, version, digest, origin: origin.slice(0, 500) }, nowMs),
      );
      await expected(() => recording(database, change).write(operations), {
        code: 'DIGEST_CHANGED',
        message: 'A version is pinned here to other bytes than there; nothing was taken over.',
        remedy: 'Compare the two with `datasources lock`.',
      });
    },

    async release(name, version, actor) {
      const change = {
        actor,
        organisation: undefined,
        action: 'lock.release',
        target: `datasource/${name.slice(0, 64)}`,
        before: { version },
      } as const;
      await expected(() => releasePin(recording(database, change), name, version), {
        code: 'UNKNOWN_VERSION',
        message: 'This version is not in the lock.',
        remedy: 'See what is with `datasources lock`.',
      });
    },
  };
}

/** What the host knows by name, with who vouches for it: a signature of any version that is not removed counts. */
export async function knownNames(database: Database): Promise<KnownName[]> {
  const names = new Map<string, string | undefined>();
  for (const { name, trust } of await listAllVersions(database)) names.set(name, names.get(name) ?? publisherOf(trust));
  return [...names].map(([name, publisher]) => ({ name, publisher }));
}

function publisherOf(trust: unknown): string | undefined {
  return typeof trust === 'object' && trust !== null && 'publisher' in trust && typeof trust.publisher === 'string'
    ? trust.publisher
    : undefined;
}

function refuseMalformed(publisher: string, names: readonly string[]): void {
  if (!PUBLISHER.test(publisher)) {
    throw new RequestError(
      'INVALID_REQUEST',
      'publisher: It has characters other than a-z, 0-9, dot, hyphen and underscore, or is too long.',
      {
        remedy: 'Use a short word, as in acme.',
      },
    );
  }
  const bad = names.find((name) => !NAME_PATTERN.test(name));
  if (bad === undefined && names.length > 0 && names.length <= 100) return;
  throw new RequestError(
    'INVALID_REQUEST',
    `names: ${bad === undefined ? 'There must be 1 to 100.' : `${JSON.stringify(bad.slice(0, 80))} can be no name.`}`,
    {
      remedy: 'Name datasources as in github, all that begin alike as in acme_*, or * for every name.',
    },
  );
}

async function refuseLikeness(database: Database, publisher: string, names: readonly string[]): Promise<void> {
  const around = { keys: await listTrustedKeys(database), installed: await knownNames(database) };
  for (const name of names) {
    const taken = name.endsWith('*') ? undefined : likeness(name, publisher, around);
    if (taken !== undefined)
      throw lookAlike(name, taken, `datasources trust add ${publisher} --key FILE --name ${name} --allow-look-alike`);
  }
}

interface Refusal {
  code: 'CONFLICT' | 'UNKNOWN_PUBLISHER_KEY' | 'DIGEST_CHANGED' | 'UNKNOWN_VERSION';
  message: string;
  remedy: string;
}

async function expected(work: () => Promise<unknown>, { code, message, remedy }: Refusal): Promise<void> {
  try {
    await work();
  } catch (cause) {
    if (!(cause instanceof ExpectationError)) throw cause;
    throw new RequestError(code, message, { remedy, cause });
  }
}
