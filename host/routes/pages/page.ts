import { html } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';

/** Markup whose every inserted text is escaped. */
export type Markup = HtmlEscapedString | Promise<HtmlEscapedString>;

/** Where the style sheet of all pages is. */
export const STYLE_PATH = '/reference.css';

/** A whole page. `head`: what its head holds besides. */
export function page(title: string, body: Markup, head: Markup | string = ''): Markup {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <link rel="stylesheet" href="${STYLE_PATH}" />
        ${head}
      </head>
      <body>
        ${body}
      </body>
    </html>`;
}

/** Text in which words between backquotes are code. */
export function prose(text: string): Markup {
  const parts = text.split('`');
  return html`${parts.map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part))}`;
}
