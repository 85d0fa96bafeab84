import type { Hono } from 'hono';
import type { Edge } from '../../middleware/edge.ts';
import type { OpenApiDocument } from '../openapi.ts';
import { refuseOtherMethods } from '../register.ts';
import { homePage } from './home.ts';
import { STYLE_PATH } from './page.ts';
import { referencePage } from './reference.ts';
import { STYLE } from './style.ts';

/** Puts the pages for people into an app: `/`, `/reference` and their style sheet. */
export function registerPages(app: Hono<Edge>, document: OpenApiDocument): void {
  app.get('/', (c) => c.html(homePage()));
  app.get('/reference', (c) => c.html(referencePage(document, new URL(c.req.url).origin)));
  app.get(STYLE_PATH, (c) => c.body(STYLE, 200, { 'Content-Type': 'text/css; charset=UTF-8' }));
  for (const path of ['/', '/reference', STYLE_PATH]) refuseOtherMethods(app, path, ['GET']);
}
