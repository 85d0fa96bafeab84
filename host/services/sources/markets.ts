import { createHash } from 'node:crypto';
import type { Actor } from '../../domain/caller.ts';
import { RequestError } from '../../domain/errors.ts';
import { newestFirst, openIndex, parseIndex, refuseExpired, type MarketIndex } from '../../domain/market-index.ts';
import { parsePublicKey, type PublicKey } from '../../domain/signing-key.ts';
import { recording } from '../../store/changes.ts';
import { ExpectationError, type Database } from '../../store/database.ts';
import { deleteMarket, listMarkets, putMarket, storeIndex, type StoredMarket } from '../../store/markets.ts';
import { checkIndexAddress, fetchIndex, type RemoteOptions } from './remote-components.ts';
import type { FoundInMarket, Market, MarketService } from './source-services.ts';

const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;

export function createMarkets({ database, ...remote }: { database: Database } & RemoteOptions): MarketService {
  async function known(name: string): Promise<StoredMarket> {
    const found = (await listMarkets(database)).find((market) => market.name === name);
    if (found === undefined) throw unknownMarket();
    return found;
  }

  const self: MarketService = {
    list: async () => (await listMarkets(database)).map(toMarket),

    async add({ name, url, publicKey: text }, actor) {
      if (!NAME.test(name)) {
        throw new RequestError(
          'INVALID_REQUEST',
          'name: It has characters other than a-z, 0-9, dot, hyphen and underscore, or is too long.',
          {
            remedy: 'Use a short word, as in acme.',
          },
        );
      }
      const key = parsePublicKey(text);
      if (key === undefined) {
        throw new RequestError('INVALID_SIGNING_KEY', 'publicKey: It is no line of `lorelai-ed25519` and 44 characters of base64.', {
          remedy: 'Take the file .pub of the market, whole.',
        });
      }
      const market = { name, url: checkIndexAddress(url), publicKey: key.text };
      // What it says now must be good before anything of the market is kept.
      const index = await fetched(market, { key, actor, remote });
      const change = {
        actor,
        organisation: undefined,
        action: 'market.add',
        target: `market/${name}`,
        after: { name, url, keyId: key.id },
      } as const;
      await putMarket(recording(database, change), market);
      await keep(database, name, index);
      return toMarket(await known(name));
    },

    async refresh(name, actor) {
      const market = await known(name);
      await keep(database, name, await fetched(market, { key: keyOf(market), actor, remote }));
      return toMarket(await known(name));
    },

    async remove(name, actor) {
      await known(name);
      const change = { actor, organisation: undefined, action: 'market.remove', target: `market/${name}` } as const;
      await deleteMarket(recording(database, change), name);
    },

    async search(text) {
      const wanted = text.toLowerCase();
      const all = (await listMarkets(database)).flatMap(offers);
      const found = all.filter(({ name, description }) => name.includes(wanted) || description.toLowerCase().includes(wanted));
      return found.toSorted((a, b) => (a.name === b.name ? newestFirst(a, b) : a.name < b.name ? -1 : 1));
    },

    async find(name, version) {
      const markets = await listMarkets(database);
      const found = markets.flatMap(offers).filter((entry) => entry.name === name && (version === undefined || entry.version === version));
      const [best] = found.toSorted(newestFirst);
      if (best === undefined) {
        throw new RequestError('NOT_IN_MARKET', `No market here has ${name}${version === undefined ? '' : ` ${version}`}.`, {
          remedy:
            'Look for it with `datasources market search`, or add another market. A file is named with its path, as in ./github.wasm.',
        });
      }
      return { ...best, marketUrl: markets.find((market) => market.name === best.market)?.url ?? '' };
    },
  };
  return self;
}

async function fetched(
  market: { name: string; url: string },
  { key, actor, remote }: { key: PublicKey; actor: Actor; remote: RemoteOptions },
): Promise<{ text: string; index: MarketIndex }> {
  const opened = openIndex(await fetchIndex(market.url, actor, remote), key);
  refuseExpired(opened.index, market.name, Date.now());
  return opened;
}

/** INDEX_DOWNGRADED unless it is newer than the one that is there, or the same. */
async function keep(database: Database, market: string, { text, index }: { text: string; index: MarketIndex }): Promise<void> {
  const digest = createHash('sha256').update(text).digest('hex');
  try {
    await storeIndex(database, {
      market,
      indexVersion: index.version,
      expiresAtMs: index.expiresAtMs,
      digest,
      body: text,
      nowMs: Date.now(),
    });
  } catch (cause) {
    if (!(cause instanceof ExpectationError)) throw cause;
    throw new RequestError(
      'INDEX_DOWNGRADED',
      `The index of ${market} has version ${index.version}; a newer one, or another one with this number, was seen before.`,
      {
        remedy: 'The one before stays in use. Somebody may be offering you an old index: tell who publishes it.',
        cause,
      },
    );
  }
}

/** What a market offers. INDEX_EXPIRED. */
function offers(market: StoredMarket): FoundInMarket[] {
  if (market.indexVersion === 0) return [];
  refuseExpired(market, market.name, Date.now());
  const index = parseIndex(market.body);
  if (typeof index === 'string') throw new TypeError(`a stored index was good: ${index}`);
  return index.datasources.map((entry) => ({ ...entry, market: market.name }));
}

function keyOf({ publicKey }: StoredMarket): PublicKey {
  const key = parsePublicKey(publicKey);
  if (key === undefined) throw new TypeError('the key of a market is stored as it was given');
  return key;
}

function toMarket(market: StoredMarket): Market {
  const { name, url, indexVersion, expiresAtMs, refreshedAtMs } = market;
  return { name, url, keyId: keyOf(market).id, indexVersion, expiresAtMs, refreshedAtMs };
}

function unknownMarket(): RequestError {
  return new RequestError('UNKNOWN_MARKET', 'There is no such market.', { remedy: 'See those that are with `datasources market list`.' });
}
