import { describe, expect, test } from 'vitest';
import { errorCodes } from '../../../host/domain/errors.ts';
import { apiRoutes } from '../../../host/routes/routes.ts';
import { edge } from '../../helpers/edge.ts';

const { routes, document } = apiRoutes();
const response = await edge().app.request('http://127.0.0.1:8787/reference');
const page = await response.text();

describe('GET /reference', () => {
  test('is a page without any script, style or source of elsewhere', () => {
    expect(response.headers.get('content-type')).toBe('text/html; charset=UTF-8');
    expect(page).not.toMatch(/<script|<style|\son\w+=|\sstyle=|javascript:|src=/i);
    const links = [...page.matchAll(/href="([^"]*)"/g)].map((match) => match[1] ?? '');
    expect(links.filter((link) => !/^[/#]/.test(link))).toEqual([]);
  });

  test.each(routes.map((route) => [route.operationId, route] as const))('shows %s with its address', (operationId, route) => {
    expect(page).toContain(`id="${operationId}"`);
    expect(page).toContain(`<code>${route.path}</code>`);
  });

  test.each(Object.keys(document.components.schemas))('explains the schema %s', (name) => {
    expect(page).toContain(`id="schema-${name}"`);
  });

  test.each(errorCodes())('explains the code %s where the type of its problems leads', (code) => {
    expect(page).toContain(`id="${code}"`);
  });

  test('links only to what is on the page', () => {
    const anchors = [...page.matchAll(/href="#([^"]*)"/g)].map((match) => match[1]);
    const ids = new Set([...page.matchAll(/id="([^"]*)"/g)].map((match) => match[1]));
    expect(anchors.filter((anchor) => anchor !== undefined && !ids.has(anchor))).toEqual([]);
  });

  test('has an example to copy, with the address by which it was opened', () => {
    expect(page).toContain('curl -s http://127.0.0.1:8787/api/v1/retrieve');
    expect(page).toContain('{&quot;question&quot;:&quot;How do I rotate the signing key?&quot;');
  });
});

test('the style sheet is served as one', async () => {
  const style = await edge().app.request('/reference.css');
  expect(style.headers.get('content-type')).toBe('text/css; charset=UTF-8');
  expect(await style.text()).not.toMatch(/@import|url\(/);
});

test('the first page leads to the reference and the document', async () => {
  const home = await (await edge().app.request('/')).text();
  expect(home).toContain('href="/reference"');
  expect(home).toContain('href="/openapi.json"');
});
