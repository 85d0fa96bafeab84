import { html } from 'hono/html';
import type { LinkView } from '../../services/authorisations/authorisation-view.ts';
import type { LinkKind } from '../../services/authorisations/browser-paths.ts';
import { page, type Markup } from './page.ts';

/** What a person sees who opens a link: who asks them for what. Only the button begins anything. */
export function linkPage(kind: LinkKind, view: LinkView, ticket: string): Markup {
  const title = kind === 'start' ? 'Connect a source' : 'Bring a connection back';
  return page(
    title,
    html`<main class="alone">
      <h1>${title}</h1>
      <p>
        The connection <strong>${view.connection}</strong> of the organisation <strong>${view.organisation}</strong> wants to read
        <strong>${view.datasource}</strong> with your account there.
      </p>
      ${view.begunBy === undefined ? '' : html`<p>This was begun by ${view.begunBy}.</p>`}
      ${view.reason === undefined ? '' : html`<p>It cannot read any more: ${view.reason}</p>`}
      ${view.account === undefined ? '' : html`<p>It was authorised by <strong>${view.account}</strong>, who has to agree once more.</p>`}
      <p>Whoever runs that organisation’s assistant can then let it read what you can read there. Go on only if you were expecting this.</p>
      ${
        view.origin === undefined
          ? html`<p>It cannot be begun now: ${view.obstacle ?? 'where to go on is not known'} Open this link again later.</p>`
          : html`<form method="post" action="${kind}">
              <input type="hidden" name="ticket" value="${ticket}" />
              <input type="hidden" name="origin" value="${view.origin}" />
              <button type="submit">Go on to ${view.origin}</button>
            </form>`
      }
      <p class="soft">You come back to this page’s host afterwards, in this browser.</p>
    </main>`,
  );
}

/** On the way. A redirect that answers a form would have to be allowed by origin in every browser; this needs no script either. */
export function sentOnPage(url: string): Markup {
  return page(
    'On to the source',
    html`<main class="alone">
      <h1>On to the source</h1>
      <p><a href="${url}" rel="noreferrer">Go on to ${new URL(url).origin}</a>, if nothing happens.</p>
    </main>`,
    html`<meta http-equiv="refresh" content="0;url=${url}" />`,
  );
}

/** The same for what never was, has been used and is too old. */
export function staleLinkPage(): Markup {
  return page(
    'This link is not good',
    html`<main class="alone">
      <h1>This link is not good</h1>
      <p>It is not known, has been used, or is too old.</p>
      <p>Begin again where you came from, or with <code>datasources authorize</code>.</p>
    </main>`,
  );
}
