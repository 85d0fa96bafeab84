import { serialize } from 'hono/utils/cookie';
import { CALLBACK_PATH, linkPath, type LinkKind } from '../services/authorisations/browser-paths.ts';
import type { SentOn } from '../services/authorisations/authorisation-view.ts';
import { OPEN } from './access.ts';
import { callbackPage } from './pages/callback.ts';
import { linkPage, sentOnPage, staleLinkPage } from './pages/links.ts';
import type { Markup } from './pages/page.ts';
import { parseParameters, requiredText } from './parameters.ts';
import { defineRoute, formBody, noBody, plainText, type Route, type RouteAnswer } from './route.ts';

/** A page with what goes along with it. */
type Page = { page: Markup } & Pick<RouteAnswer, 'cookie' | 'form'>;

/** As long as an attempt. */
const COOKIE_SECONDS = 600;

/** Of whoever has an attempt begun. */
export const BEGIN_ERRORS = [
  'UNKNOWN_CONNECTION',
  'AUTHORISATION_UNSUPPORTED',
  'AUTHORISATION_REFUSED',
  'CREDENTIAL_MISSING',
  'INVALID_CONFIG',
  'INVALID_SETTING',
  'UPSTREAM_FAULT',
] as const;

const PAGE = {
  access: OPEN,
  tag: 'Authorisations',
  pathParameters: {},
  success: plainText('text/html; charset=utf-8', 'A page for a person.'),
} as const;

const TICKET = { ticket: requiredText('What the link holds.', 'WyJkZWZhdWx0Il0.c2lnbmF0dXJl') };

/** What browsers open: nobody can ask them for a key. */
export function linkRoutes(): Route[] {
  return [lookRoute('start'), followRoute('start'), lookRoute('reconnect'), followRoute('reconnect'), callbackRoute()];
}

const WORDS: Readonly<Record<LinkKind, { look: string; follow: string; what: string }>> = {
  start: { look: 'lookAtStart', follow: 'startAuthorisation', what: 'begins an attempt in this browser' },
  reconnect: { look: 'lookAtReconnect', follow: 'reconnect', what: 'brings a connection back that its source has cut off' },
};

function lookRoute(kind: LinkKind): Route {
  return pageRoute(
    defineRoute({
      ...PAGE,
      method: 'GET',
      path: linkPath(kind),
      operationId: WORDS[kind].look,
      summary: kind === 'start' ? 'Look at what is to be authorised' : 'Look at what is to be brought back',
      description: `A link that ${WORDS[kind].what}: a page that says of what and for whom, with a button. To look at it begins nothing.`,
      queryParameters: TICKET,
      body: noBody(),
      errors: [],
      handle: unserved,
    }),
    async (services, { query }) => {
      const { ticket } = parseParameters(TICKET, query);
      const view = await services.authorisations.lookAtLink(kind, ticket);
      return { page: view === undefined ? staleLinkPage() : linkPage(kind, view, ticket), form: view !== undefined };
    },
  );
}

function followRoute(kind: LinkKind): Route {
  return pageRoute(
    defineRoute({
      ...PAGE,
      method: 'POST',
      path: linkPath(kind),
      operationId: WORDS[kind].follow,
      summary: kind === 'start' ? 'Go on to the source' : 'Bring a connection back',
      description: `Sent by the button of the page: ${WORDS[kind].what}, and sends it on to the source. A cookie binds the attempt to this browser: the answer of the source is taken from no other one.`,
      queryParameters: {},
      body: formBody('LinkForm'),
      errors: kind === 'start' ? [] : [...BEGIN_ERRORS],
      handle: unserved,
    }),
    async (services, { body, validation, actor }) => {
      const { ticket, origin } = formBody('LinkForm').parse(validation, body);
      const on = await services.authorisations.followLink(kind, ticket, { requestId: actor.requestId, origin });
      return on === undefined ? { page: staleLinkPage() } : { page: sentOnPage(on.url), cookie: cookieFor(on) };
    },
  );
}

/** `state` says which attempt an answer belongs to, once; the cookie says that it was begun in this browser. */
function callbackRoute(): Route {
  return cameBackRoute(
    defineRoute({
      ...PAGE,
      method: 'GET',
      path: CALLBACK_PATH,
      operationId: 'finishAuthorisation',
      summary: 'Come back from a source',
      description:
        'Where a source sends the browser of a person who agreed, or did not. `state` names the attempt of one caller for one connection; it is good once, for ten minutes, and only in the browser in which the attempt was begun. The answer is a page for that person in either case. Whatever else the source adds to the address is ignored.',
      queryParameters: {},
      body: noBody(),
      errors: [],
      handle: unserved,
    }),
  );
}

/** The same at any address: sources add parameters of their own, so that the query is not checked by name as elsewhere. */
export function cameBackRoute(route: Route): Route {
  return pageRoute(route, async (services, { query, cookies }) => ({
    page: callbackPage(await services.authorisations.finish(query, { kind: 'browser', cookies })),
  }));
}

/** A route whose answer is a page that is made of the request as it came. */
function pageRoute(route: Route, answer: (...request: Parameters<Route['serve']>) => Promise<Page>): Route {
  return {
    ...route,
    async serve(...request) {
      const { page, ...more } = await answer(...request);
      return { body: String(await page), location: undefined, state: undefined, ...more };
    },
  };
}

export const unserved = (): Promise<never> => Promise.reject(new TypeError('a page is served by its own function'));

/** Lax: the source sends the browser back from another site, by GET. */
function cookieFor({ cookie: { name, secret, secure } }: SentOn): string {
  return serialize(name, secret, { httpOnly: true, secure, sameSite: 'Lax', path: '/', maxAge: COOKIE_SECONDS });
}
