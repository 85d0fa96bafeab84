import { RequestError } from '../../domain/errors.ts';
import { isDigest } from '../../domain/component-signature.ts';
import { parsePublicKey } from '../../domain/signing-key.ts';
import { recording } from '../../store/changes.ts';
import type { Database } from '../../store/database.ts';
import { deleteTrustedKey, listTrustedKeys, putTrustedKey } from '../../store/trusted-keys.ts';
import { listPins, pinVersion, releasePin } from '../../store/version-pins.ts';
import type { TrustService } from './source-services.ts';
import { expected, refuseLikeness, refuseMalformed } from './trust-rules.ts';

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
      if (!allowLookAlike) await refuseLikeness(database, { publisher, names, proof: '--key FILE' });
      const key = { publisher, publicKey, names: [...new Set(names)] };
      const shown = { id: publicKey.id, publisher, names: key.names };
      const change = { actor, organisation: undefined, action: 'trust.add', target: 'trusted-keys', after: shown } as const;
      const nowMs = Date.now();
      await expected(() => putTrustedKey(recording(database, change), key, nowMs), {
        code: 'CONFLICT',
        message: 'The key is trusted as that of another publisher.',
        remedy: 'See whose it is with `datasources trust list`; remove it there first.',
      });
      return { ...key, addedAtMs: nowMs };
    },

    async remove(keyId, actor) {
      const change = {
        actor,
        organisation: undefined,
        action: 'trust.remove',
        target: 'trusted-keys',
        before: { id: keyId.slice(0, 64) },
      } as const;
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
