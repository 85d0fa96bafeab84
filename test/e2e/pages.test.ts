import axe, { type AxeResults } from 'axe-core';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BrowserWorld, CALLBACK, type Person, PUBLIC_URL, startBrowserWorld } from '../helpers/browser-world.ts';

let world: BrowserWorld;
/** Where each page is, by what it is. */
let pages: Record<string, string>;
/** What a browser keeps that has come back from a source. */
let kept: Exclude<BrowserContextOptions['storageState'], undefined>;

const LONG_NAME = `handbook of ${'everybody'.repeat(20)}`;

beforeAll(async () => {
  world = await startBrowserWorld();
  const cutOff = await world.connect(LONG_NAME);
  const { page } = await world.person();
  await page.goto(await world.begin(cutOff));
  await page.getByRole('button').click();
  await page.waitForURL(`${CALLBACK}?**`);
  kept = await page.context().storageState();
  pages = {
    'begin an attempt': await world.begin(await world.connect(LONG_NAME)),
    'bring a connection back': await world.end(cutOff),
    'a link that is not good': `${PUBLIC_URL}/api/v1/authorisations/start?ticket=of-nobody`,
    authorised: page.url(),
    'not authorised': `${CALLBACK}?state=x&code=y`,
    home: `${PUBLIC_URL}/`,
    reference: `${PUBLIC_URL}/reference`,
  };
});
afterAll(() => world.close());

const LOOKS: [string, BrowserContextOptions][] = [
  ['at a desk, light', { viewport: { width: 1280, height: 800 }, colorScheme: 'light' }],
  ['on a phone, dark', { viewport: { width: 360, height: 740 }, colorScheme: 'dark' }],
];

/** What stands in the way of somebody who does not see, or uses no mouse. */
async function barriers(page: Page): Promise<string[]> {
  // The reference has hundreds of sections of one make.
  await page.evaluate(`document.querySelectorAll('section:nth-of-type(n + 8)').forEach((section) => section.remove())`);
  // Not by a script element: the page's policy lets none run.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<AxeResults>('axe.run()');
  return violations.flatMap(({ id, help, nodes }) => nodes.map(({ target }) => `${id}: ${help} (${target.join(' ')})`));
}

async function expectGood({ page, complaints }: Person): Promise<void> {
  expect(await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')).toBe(0);
  expect(await barriers(page)).toEqual([]);
  expect(complaints).toEqual([]);
}

describe.each(LOOKS)('a page fits and can be used by everybody, %s:', (_, options) => {
  it.each([
    ['begin an attempt', 'Connect a source'],
    ['bring a connection back', 'Bring a connection back'],
    ['a link that is not good', 'This link is not good'],
    ['authorised', 'Authorised'],
    ['not authorised', 'Not authorised'],
    ['home', 'Lorelai datasource host'],
    ['reference', 'Lorelai datasource host'],
  ])('%s', async (name, heading) => {
    const person = await world.person({ ...options, ...(name === 'authorised' ? { storageState: kept } : {}) });
    await person.page.goto(pages[name] ?? '');
    expect(await person.page.getByRole('heading', { level: 1 }).textContent()).toBe(heading);
    await expectGood(person);
  });

  it('on the way to a source that does not answer', async () => {
    const person = await world.person(options);
    const { page } = person;
    // No content: the browser stays where it is.
    await page.route(`${world.server.issuer}/**`, (route) => route.fulfill({ status: 204 }));
    await page.goto(await world.begin(await world.connect()));
    await page.getByRole('button').click();
    await page.getByRole('heading', { name: 'On to the source' }).waitFor();
    await expectGood(person);
  });
});
