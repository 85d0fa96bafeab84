import { afterAll, beforeAll, expect, test } from 'vitest';
import { install, openApi, type Api } from '../helpers/api.ts';

let api: Api;
const connections = new Map<string, string>();

beforeAll(async () => {
  api = await openApi();
  await install(api, 'answering');
  await install(api, 'probe');
  await connect('indexed', 'probe', { steps: [{ do: 'documents', count: 3, text: 'The walrus number {number} is in the index.' }] });
});
afterAll(() => api.close());

/** A connection of that name, read once. */
async function connect(name: string, datasource: string, config: Record<string, unknown>): Promise<void> {
  const { body } = await api.call('POST', '/api/v1/connections', { datasource, name, config });
  connections.set(name, body.id);
  await api.call('POST', `/api/v1/connections/${body.id}/runs`);
  await api.work();
}

/** Without connections that other tests have made. */
async function ask(names: string[], more: Record<string, unknown> = {}, as?: string) {
  const ids = names.map((name) => connections.get(name));
  const input = { question: 'Where is the walrus?', live: true, connections: ids, liveDeadlineMs: 20_000, ...more };
  return api.call('POST', '/api/v1/retrieve', input, as === undefined ? {} : { as });
}

/** What of the guarded connection somebody is shown. */
async function seenBy(more: Record<string, unknown>, as?: string): Promise<string[]> {
  return titles(await ask(['guarded'], more, as)).toSorted();
}

function searchesLogged(): number {
  return api.logged().split('"function":"search"').length;
}

function titles({ body }: { body: { hits: { title: string }[] } }): string[] {
  return body.hits.map(({ title }) => title);
}

test('what a source answers itself comes with what is indexed, ranked by the same words', async () => {
  await connect('live', 'answering', {
    answers: [
      { id: 'far', text: 'Nothing of the kind.' },
      {
        id: 'near',
        title: 'Where the walrus is',
        text: 'The walrus is where it always is.',
        updatedAtMs: 5,
        attributes: { state: 'open' },
      },
    ],
  });
  const answer = await ask(['live', 'indexed'], { explain: true });
  expect(titles(answer)[0]).toBe('Where the walrus is');
  expect(titles(answer)).toHaveLength(5);
  expect(answer.body.failures).toEqual([]);
  const [first] = answer.body.hits;
  expect(first).toMatchObject({
    datasource: 'answering',
    connection: connections.get('live'),
    documentId: `live:${connections.get('live')}:near`,
    positions: [],
    attributes: { state: 'open' },
    explanation: { arms: [{ arm: 'live' }] },
  });
  expect(first.feature).toBeUndefined();
  expect(first.highlights.length).toBeGreaterThan(0);
});

test('nobody is asked unless it is wanted, nor where only features of the index are', async () => {
  expect(titles(await ask(['live', 'indexed'], { live: false }))).toHaveLength(3);
  expect(titles(await ask(['live', 'indexed'], { features: ['items'] }))).toHaveLength(3);
});

test('filters hold for what a source answers itself', async () => {
  expect(titles(await ask(['live'], { attributes: { state: ['open'] } }))).toEqual(['Where the walrus is']);
  expect(titles(await ask(['live'], { attributes: { state: ['closed'] } }))).toEqual([]);
  expect(titles(await ask(['live'], { mediaTypes: ['text/html'] }))).toEqual([]);
  expect(titles(await ask(['live'], { updatedAfter: '1970-01-01T00:00:00.005Z' }))).toEqual(['Where the walrus is']);
  expect(titles(await ask(['live'], { datasources: ['probe'] }))).toEqual([]);
});

test('what a source answers itself is shown to those only who may see it', async () => {
  await connect('guarded', 'answering', {
    answers: (['everyone', 'admins-only', 'staff'] as const).map((access) => ({ id: access, access, text: `A walrus for ${access}.` })),
  });
  const onBehalf = await api.keyWith(['reader', 'on-behalf-of'], 'default');
  await api.call('POST', '/api/v1/people?organisation=default', { email: 'ada@acme.example' });
  await api.call('POST', '/api/v1/people?organisation=default', { email: 'eve@acme.example' });
  expect(await seenBy({})).toEqual(['admins-only', 'everyone', 'staff']);
  expect(await seenBy({}, onBehalf)).toEqual(['everyone']);
  expect(await seenBy({ person: 'eve@acme.example' }, onBehalf)).toEqual(['everyone']);
  // Nobody has said lately who is in the group, so that nobody is.
  expect(await seenBy({ person: 'ada@acme.example' }, onBehalf)).toEqual(['everyone']);
  await api.call('POST', `/api/v1/connections/${connections.get('guarded')}/runs`, { kind: 'access' });
  await api.work();
  expect(await seenBy({ person: 'ada@acme.example' }, onBehalf)).toEqual(['everyone', 'staff']);
  expect(await seenBy({ person: 'eve@acme.example' }, onBehalf)).toEqual(['everyone']);
});

test('a source that fails, breaks the contract or never answers is named, and the answer is that of all others', async () => {
  await connect('failing', 'answering', { failure: { tag: 'unavailable', val: 'it is being repaired' } });
  await connect('never', 'answering', { never: true });
  await connect('lying', 'answering', { answers: [{ id: 'x', text: 'walrus', title: 'walrus', attributes: {}, mediaType: '' }] });
  const answer = await ask(['failing', 'lying', 'live', 'indexed']);
  expect(titles(answer)).toHaveLength(5);
  expect(answer.body.failures).toEqual([
    { connection: connections.get('failing'), datasource: 'answering', code: 'unavailable', message: 'unavailable: it is being repaired' },
    { connection: connections.get('lying'), datasource: 'answering', code: 'failed', message: expect.stringContaining('mediaType') },
  ]);
  // The index does not wait for it, and its process may be the other sources' too.
  const late = await ask(['never', 'indexed'], { liveDeadlineMs: 1_000 });
  expect(titles(late)).toHaveLength(3);
  expect(late.body.failures).toMatchObject([{ connection: connections.get('never'), code: 'timed-out' }]);
});

test('a datasource that cannot search is no failure, and is not asked again', async () => {
  const answer = await ask(['indexed']);
  expect(titles(answer)).toHaveLength(3);
  expect(answer.body.failures).toEqual([]);
  const before = searchesLogged();
  await ask(['indexed']);
  expect(searchesLogged()).toBe(before);
});
