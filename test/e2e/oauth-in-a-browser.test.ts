import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACCOUNT } from '../helpers/authorization-server.ts';
import { openBrowser } from '../helpers/browser.ts';
import { type BrowserWorld, CALLBACK, ELSEWHERE, type Person, PUBLIC_URL, startBrowserWorld } from '../helpers/browser-world.ts';

let world: BrowserWorld;

beforeAll(async () => {
  world = await startBrowserWorld();
});
afterAll(() => world.close());

const button = (page: Page) => page.getByRole('button', { name: /^Go on/ });
const heading = (page: Page) => page.getByRole('heading', { level: 1 }).textContent();

/** Opens a link, presses the button, which has said where it goes, agrees at the source, and comes back. */
async function goThrough({ page }: Person, link: string): Promise<void> {
  await page.goto(link);
  const named = (await button(page).textContent())?.replace(/^Go on to /, '');
  const next = page.waitForRequest((request) => !request.url().startsWith(PUBLIC_URL));
  await button(page).click();
  expect(named).toBe(new URL((await next).url()).origin);
  await page.waitForURL(`${CALLBACK}?**`);
}

/** Goes as far as the source sends the browser back: the address with which it would come. */
async function stopOnTheWayBack({ page }: Person, link: string): Promise<string> {
  const source = `${world.server.issuer}/**`;
  await page.route(source, (route) => route.abort());
  await page.goto(link);
  const on = page.waitForRequest(source);
  await button(page).click();
  const back = await openBrowser().follow((await on).url(), CALLBACK);
  await page.unroute(source);
  return back.href;
}

describe('a person with a browser', () => {
  it.each([
    ['as it comes', {}],
    ['with JavaScript switched off', { javaScriptEnabled: false }],
  ])('authorises a connection: link, button, source and back, %s', async (_, options) => {
    const id = await world.connect();
    const person = await world.person(options);
    await goThrough(person, await world.begin(id));
    expect(await heading(person.page)).toBe('Authorised');
    expect(await world.statusOf(id)).toMatchObject({ state: 'active', attempt: { state: 'done' } });
    expect(person.complaints).toEqual([]);
  });

  it('needs no more than a keyboard, and sees where it is', async () => {
    const id = await world.connect();
    const { page } = await world.person();
    await page.goto(await world.begin(id));
    await page.keyboard.press('Tab');
    const focused = page.locator(':focus-visible');
    expect(await focused.textContent()).toMatch(/^Go on/);
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
    await page.keyboard.press('Enter');
    await page.waitForURL(`${CALLBACK}?**`);
    expect(await world.statusOf(id)).toMatchObject({ state: 'active' });
  });

  it('brings a connection back that its source has cut off, by a link alone', async () => {
    const id = await world.connect();
    await goThrough(await world.person(), await world.begin(id));
    const link = await world.end(id);
    const person = await world.person();
    await goThrough(person, link);
    expect(await heading(person.page)).toBe('Authorised');
    expect(await world.statusOf(id)).toMatchObject({ state: 'active', account: `${ACCOUNT}@acme.example` });
    await person.page.goto(link);
    expect(await heading(person.page)).toBe('This link is not good');
    expect(person.complaints).toEqual([]);
  });

  it('goes on from where Lorelai began', async () => {
    const connection = await world.connect();
    const begun = await world.call<{ authorization_url: string }>('/v1/oauth/probe/start', {
      method: 'POST',
      body: { org: 'default', connection },
    });
    const person = await world.person();
    await goThrough(person, begun.authorization_url);
    expect(await world.statusOf(connection)).toMatchObject({ state: 'active' });
    expect(person.complaints).toEqual([]);
  });

  it('is told again that it worked when the last page is loaded once more, and nothing else happens', async () => {
    const person = await world.person();
    await goThrough(person, await world.begin(await world.connect()));
    const before = world.server.tokenRequests.length;
    await person.page.reload();
    expect(await heading(person.page)).toBe('Authorised');
    await person.page.goBack();
    await person.page.goForward();
    expect(await heading(person.page)).toBe('Authorised');
    expect(world.server.tokenRequests).toHaveLength(before);
  });
});

describe('somebody else', () => {
  it('does not finish in another browser what was begun in this one, and is told so', async () => {
    const id = await world.connect();
    const [attacker, victim] = [await world.person(), await world.person()];
    const back = await stopOnTheWayBack(attacker, await world.begin(id));
    const before = world.server.tokenRequests.length;
    await victim.page.goto(back);
    expect(await victim.page.textContent('main')).toContain('another browser');
    expect(await world.statusOf(id)).toMatchObject({ state: 'none', attempt: { state: 'failed' } });
    await attacker.page.goto(back);
    expect(await attacker.page.textContent('main')).toContain('has been used');
    expect(world.server.tokenRequests).toHaveLength(before);
  });

  it('gets nothing for an answer that was taken already', async () => {
    const person = await world.person();
    await goThrough(person, await world.begin(await world.connect()));
    const before = world.server.tokenRequests.length;
    const other = await world.person();
    await other.page.goto(person.page.url());
    expect(await other.page.textContent('main')).toContain('has been used');
    expect(world.server.tokenRequests).toHaveLength(before);
  });

  it('burns no link by looking at it, as programs do that show what is behind one', async () => {
    const id = await world.connect();
    const link = await world.begin(id);
    for (let look = 0; look < 3; look += 1) {
      const { page } = await world.person();
      await page.goto(link);
      await page.close();
    }
    for (const method of ['GET', 'HEAD']) await fetch(link.replace(PUBLIC_URL, world.host.url), { method });
    const person = await world.person();
    await goThrough(person, link);
    expect(await world.statusOf(id)).toMatchObject({ state: 'active' });
  });

  it('cannot put a page into a frame', async () => {
    const link = await world.begin(await world.connect());
    for (const address of [link, `${CALLBACK}?state=x&code=y`, `${PUBLIC_URL}/`]) {
      world.showElsewhere(`<iframe src="${address.replaceAll('&', '&amp;')}"></iframe>`);
      const { page, complaints } = await world.person();
      await page.goto(ELSEWHERE);
      await expect.poll(() => complaints.join()).toContain("frame-ancestors 'none'");
      await expect.poll(() => page.frames()[1]?.url()).toBe('chrome-error://chromewebdata/');
    }
  });

  it('cannot press the button from a page of their own', async () => {
    const id = await world.connect();
    const link = await world.begin(id);
    const ticket = new URL(link).searchParams.get('ticket');
    world.showElsewhere(
      `<form method="post" action="${PUBLIC_URL}/api/v1/authorisations/start"><input name="ticket" value="${ticket}"><button>Win</button></form>`,
    );
    const { page } = await world.person();
    await page.goto(ELSEWHERE);
    const [answer] = await Promise.all([page.waitForResponse(`${PUBLIC_URL}/**`), page.getByRole('button').click()]);
    expect(answer.status()).toBe(403);
    expect(await page.context().cookies()).toEqual([]);
    await goThrough(await world.person(), link);
    expect(await world.statusOf(id)).toMatchObject({ state: 'active' });
  });
});

describe('what the browser keeps and tells', () => {
  it('is one cookie that no script and no other site gets', async () => {
    const person = await world.person();
    await stopOnTheWayBack(person, await world.begin(await world.connect()));
    expect((await person.page.context().cookies()).filter(({ domain }) => domain === new URL(PUBLIC_URL).hostname)).toEqual([
      expect.objectContaining({
        name: expect.stringMatching(/^__Host-authorisation-/),
        httpOnly: true,
        secure: true,
        sameSite: 'Lax',
        path: '/',
      }),
    ]);
  });

  it('is nothing of where it was: no address of ours reaches the source, and no code any other page', async () => {
    const id = await world.connect();
    const first = await world.person();
    await goThrough(first, await world.begin(id));
    const second = await world.person();
    await goThrough(second, await world.end(id));
    for (const { sent } of [first, second]) {
      const requests = await sent();
      expect(requests.length).toBeGreaterThan(4);
      for (const { url, referer } of requests) {
        expect(referer ?? '').not.toMatch(/[?&](state|code)=/);
        if (!url.startsWith(PUBLIC_URL)) expect(referer ?? '').not.toContain(PUBLIC_URL);
      }
    }
  });

  it('runs no script of a page of ours', async () => {
    const { page, complaints } = await world.person();
    await page.goto(await world.begin(await world.connect('<script>document.title = "taken"</script><img src=x onerror="alert(1)">')));
    expect(await page.title()).toBe('Connect a source');
    expect(await page.locator('script, img').count()).toBe(0);
    await page.evaluate(`document.head.append(Object.assign(document.createElement('script'), { text: 'document.title = "taken"' }))`);
    expect(await page.title()).toBe('Connect a source');
    expect(complaints.join()).toContain('Content Security Policy');
  });
});
