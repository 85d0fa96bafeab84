import { createHmac, timingSafeEqual } from 'node:crypto';
import { getAuthorisation, type StoredAuthorisation } from '../../store/authorisations.ts';
import type { Database } from '../../store/database.ts';
import type { Vault } from '../connections/credentials.ts';
import type { MasterKey } from '../vault/master-keys.ts';
import { linkTo } from './browser-paths.ts';

/**
 * Links that bring an authorisation back which its source has ended, for somebody without a key. A link is signed and kept
 * nowhere. It is for one connection and one end of its authorisation: it is worth nothing once that is good again, or after a week.
 */
export interface ReconnectLinks {
  /** Undefined for what needs no link, or cannot have one. */
  linkFor(authorisation: StoredAuthorisation): Promise<string | undefined>;
  /** The authorisation that a ticket brings back; undefined for one that is not ours, or not good any more. */
  open(ticket: string): Promise<StoredAuthorisation | undefined>;
}

const LIFETIME_MS = 7 * 24 * 3_600_000;

export function createReconnectLinks(options: { database: Database; vault: Vault; baseUrl: string | undefined }): ReconnectLinks {
  const { database, vault, baseUrl } = options;
  return {
    async linkFor(authorisation) {
      if (baseUrl === undefined || expiryOf(authorisation) <= Date.now()) return undefined;
      const { organisation, connection, generation } = authorisation;
      const about = Buffer.from(JSON.stringify([organisation, connection, generation])).toString('base64url');
      const [key] = await vault.keys.all();
      if (key === undefined) throw new TypeError('there is a master key or an error');
      return linkTo(baseUrl, 'reconnect', `${about}.${signature(key, about).toString('base64url')}`);
    },

    async open(ticket) {
      const [about = '', given = ''] = ticket.split('.');
      const signed = Buffer.from(given, 'base64url');
      const keys = await vault.keys.all();
      const isOurs = keys.some((key) => signed.length === SIGNATURE_BYTES && timingSafeEqual(signature(key, about), signed));
      if (!isOurs) return undefined;
      const [organisation, connection, generation]: unknown[] = JSON.parse(Buffer.from(about, 'base64url').toString('utf8'));
      const found = await getAuthorisation(database, String(organisation), String(connection));
      return found !== undefined && found.generation === generation && expiryOf(found) > Date.now() ? found : undefined;
    },
  };
}

const SIGNATURE_BYTES = 32;

/** Under a key of its own, so that what else is made with a master key is no signature. */
function signature({ bytes }: MasterKey, about: string): Buffer {
  const key = createHmac('sha256', bytes).update('reconnect link').digest();
  return createHmac('sha256', key).update(about).digest();
}

/** 0 for what was not ended by its source. */
function expiryOf({ state, endedAtMs }: StoredAuthorisation): number {
  return state === 'paused' && endedAtMs !== undefined ? endedAtMs + LIFETIME_MS : 0;
}
