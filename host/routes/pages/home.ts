import { html } from 'hono/html';
import { page, type Markup } from './page.ts';

/** What a person sees who opens the host's address. */
export function homePage(): Markup {
  return page(
    'Lorelai datasource host',
    html`<main class="alone">
      <h1>Lorelai datasource host</h1>
      <p>It indexes what datasources read and answers questions from it over HTTP.</p>
      <ul>
        <li><a href="/reference">The reference</a>: every operation, schema and error code, with examples.</li>
        <li><a href="/openapi.json">The OpenAPI 3.1 document</a>, for client generators.</li>
        <li><a href="/readyz">Whether it can serve requests now</a>.</li>
      </ul>
    </main>`,
  );
}
