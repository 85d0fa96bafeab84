import { RequestError, type ErrorCode } from '../domain/errors.ts';
import type { PageInput } from '../services/page.ts';
import { callersWith } from './access.ts';
import { requiredText, text } from './parameters.ts';
import { defineRoute, done, noBody, ok, requiredBody, type Route } from './route.ts';
import { PAGE, toPageBody, toPageInput } from './shapes/page.ts';
import { toMarketBody, toMarketOfferBody } from './shapes/source.ts';
import { FETCH_ERRORS } from './sources.ts';

const MARKETS = { tag: 'Datasources', pathParameters: {}, queryParameters: {} } as const;
const NAMED = { ...MARKETS, pathParameters: { name: requiredText('A market.', 'acme') } } as const;
const INDEX_ERRORS: readonly ErrorCode[] = [...FETCH_ERRORS, 'INDEX_SIGNATURE_INVALID', 'INDEX_EXPIRED', 'INDEX_DOWNGRADED'];

export function marketRoutes(): Route[] {
  return [...readingRoutes(), ...changingRoutes()];
}

function readingRoutes(): Route[] {
  return [
    defineRoute({
      ...MARKETS,
      method: 'GET',
      path: '/api/v1/markets',
      operationId: 'listMarkets',
      access: callersWith('operator', 'host'),
      summary: 'List markets',
      description: 'Signed lists of datasources, with the age of their indexes.',
      body: noBody(),
      success: ok('Markets', 'The markets.'),
      errors: [],
      handle: async (services) => ({ items: (await services.markets.list()).map(toMarketBody) }),
    }),
    defineRoute({
      ...MARKETS,
      method: 'GET',
      path: '/api/v1/market-offers',
      operationId: 'searchMarkets',
      access: callersWith('operator', 'host'),
      summary: 'Search markets',
      description:
        'By name, the newest version first. A market vouches for no publisher: what is installed from it is proved like everything else.',
      queryParameters: {
        ...PAGE,
        text: text('What name or description holds; all when left out.', { fallback: undefined, maxLength: 200 }),
      },
      body: noBody(),
      success: ok('MarketOfferPage', 'A page of versions.'),
      errors: ['INDEX_EXPIRED'],
      handle: async (services, { query }) =>
        toPageBody(pageOf(await services.markets.search(query.text ?? ''), toPageInput(query)), toMarketOfferBody),
    }),
  ];
}

function changingRoutes(): Route[] {
  return [
    defineRoute({
      ...MARKETS,
      method: 'POST',
      path: '/api/v1/markets',
      operationId: 'addMarket',
      access: callersWith('admin', 'host'),
      summary: 'Add a market',
      description:
        'Gets its index, which must be signed by this key and not be out of date. Added again it gets another address or key. Over the API its address must be public, or on a host that LORELAI_SOURCE_HOSTS lists.',
      body: requiredBody('MarketInput'),
      success: ok('Market', 'The market.'),
      errors: [...INDEX_ERRORS, 'INVALID_SIGNING_KEY'],
      handle: async (services, { body, actor }) => toMarketBody(await services.markets.add(body, actor)),
    }),
    defineRoute({
      ...NAMED,
      method: 'POST',
      path: '/api/v1/markets/{name}/refresh',
      operationId: 'refreshMarket',
      access: callersWith('operator', 'host'),
      summary: 'Get the newest index of a market',
      description: 'One that has expired, is older than the last or is signed by another key is refused, and the last one stays.',
      body: noBody(),
      success: ok('Market', 'The market.'),
      errors: [...INDEX_ERRORS, 'UNKNOWN_MARKET'],
      handle: async (services, { path, actor }) => toMarketBody(await services.markets.refresh(path.name, actor)),
    }),
    defineRoute({
      ...NAMED,
      method: 'DELETE',
      path: '/api/v1/markets/{name}',
      operationId: 'removeMarket',
      access: callersWith('admin', 'host'),
      summary: 'Forget a market',
      description: 'What was installed from it stays. Which index was seen last is forgotten too.',
      body: noBody(),
      success: done('It is forgotten.'),
      errors: ['UNKNOWN_MARKET'],
      handle: async (services, { path, actor }) => services.markets.remove(path.name, actor),
    }),
  ];
}

/** The cursor is how many came before: an index changes as a whole, and seldom. */
function pageOf<T>(all: readonly T[], { limit, after = '0' }: PageInput): { items: T[]; next: string | undefined } {
  const start = Number(after);
  if (!/^\d{1,9}$/.test(after))
    throw new RequestError('INVALID_REQUEST', 'after: It is no cursor.', { remedy: 'Give the `next` of the page before.' });
  const end = start + limit;
  return { items: all.slice(start, end), next: end < all.length ? String(end) : undefined };
}
