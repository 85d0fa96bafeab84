import { html } from 'hono/html';
import type { FinishEnd } from '../../services/authorisations/authorisation-view.ts';
import { page, type Markup } from './page.ts';

/** What a person sees who comes back from a source. */
export function callbackPage(end: FinishEnd): Markup {
  if (end.ok) {
    return page(
      'Authorised',
      html`<main class="alone">
        <h1>Authorised</h1>
        <p>The source has agreed, for ${end.begunBy}. You may close this page.</p>
      </main>`,
    );
  }
  return page(
    'Not authorised',
    html`<main class="alone">
      <h1>Not authorised</h1>
      <p>Nothing was connected: ${end.reason}.</p>
      <p>Begin again where you came from, or with <code>datasources authorize</code>.</p>
    </main>`,
  );
}
