import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { install, openApi, type Api } from '../helpers/api.ts';

let api: Api;
/** May ask for people of Acme, as Lorelai does. */
let lorelai: string;
/** May index for Acme. */
let operator: string;
const connections = new Map<string, string>();

beforeAll(async () => {
  api = await openApi();
  for (const name of ['hello', 'probe', 'answering'] as const) await install(api, name);
  await api.call('POST', '/api/v1/organisations', { id: 'acme', name: 'Acme Ltd.' });
  await api.call('POST', '/api/v1/organisations', { id: 'rival', name: 'Rival & Sons' });
  for (const email of ['ada@acme.example', 'eve@acme.example']) await api.call('POST', '/api/v1/people?organisation=acme', { email });
  lorelai = await api.keyWith(['reader', 'on-behalf-of'], 'acme');
  operator = await api.keyWith(['operator'], 'acme');
  const access = { tag: 'all-of', val: [{ anyOf: [{ kind: 'email', id: 'ada@acme.example' }] }] };
  const steps = [
    { do: 'documents', count: 4, from: 0, text: 'The walrus number {number} swims.' },
    { do: 'document', fields: { access, title: ' ' } },
  ];
  await connect('shared', 'probe', { steps });
});
afterAll(() => api.close());

async function connect(name: string, datasource: string, config: Record<string, unknown> = {}, organisation = 'acme'): Promise<string> {
  const { status, body } = await api.call('POST', `/api/v1/connections?organisation=${organisation}`, { datasource, name, config });
  expect(status).toBe(201);
  connections.set(name, body.id);
  return body.id;
}

async function ask(more: Record<string, unknown> = {}, as = lorelai) {
  return api.call('POST', '/v1/retrieve', { org: 'acme', user_email: 'ada@acme.example', question: 'walrus', ...more }, { as });
}

async function index(more: Record<string, unknown> = {}, as = operator) {
  return api.call('POST', '/v1/index/runs', { org: 'acme', users: 'all', datasource: 'Probe', ...more }, { as });
}

describe('POST /v1/retrieve', () => {
  test('says in the body that nothing has been indexed, and that a datasource is not there', async () => {
    const { status, body } = await ask({ datasources: ['Probe', 'Google Drive', 'hello'] });
    expect(status).toBe(200);
    expect(body.results).toEqual([
      { datasource_name: 'Probe', context: [], error: { code: 'INDEX_NOT_FOUND', message: expect.stringContaining('no run has read') } },
      { datasource_name: 'Google Drive', context: [], error: { code: 'UNKNOWN_DATASOURCE', message: expect.any(String) } },
      { datasource_name: 'hello', context: [], error: { code: 'INDEX_NOT_FOUND', message: expect.stringContaining('no connection') } },
    ]);
  });

  test('gives what exactly this person may see, in the shape of a langchain document', async () => {
    await index();
    await api.work();
    const ada = (await ask({ datasources: ['PROBE'], top_n: 10 })).body.results;
    expect(ada).toMatchObject([{ datasource_name: 'PROBE', context: expect.any(Array) }]);
    expect(ada[0].error).toBeUndefined();
    expect(ada[0].context).toHaveLength(4);
    const hidden = ada[0].context.find(({ link }: { link: string }) => link.endsWith('/document-0'));
    expect(hidden).toMatchObject({
      // The source gave it no title.
      title: 'https://probe.example/document-0',
      content: 'The walrus number 0 swims.',
      link: 'https://probe.example/document-0',
      when: 'Unknown date',
      page_content: 'The walrus number 0 swims.',
      metadata: {
        source: 'https://probe.example/document-0',
        datasource: 'probe',
        feature: 'items',
        connection: connections.get('shared'),
      },
    });
    for (const { relevance_score: score } of ada[0].context) expect(score).toSatisfy((value: number) => value >= 0 && value <= 1);
    const eve = (await ask({ user_email: 'EVE@acme.example', top_n: 10 })).body.results;
    expect(eve[0].context.map(({ link }: { link: string }) => link)).not.toContain('https://probe.example/document-0');
    expect(eve[0].context).toHaveLength(3);
  });

  test('gives the best three of ten, or all of them where nothing is to be reranked', async () => {
    expect((await ask()).body.results[0].context).toHaveLength(3);
    expect((await ask({ top_n: 1 })).body.results[0].context).toHaveLength(1);
    expect((await ask({ rerank: false })).body.results[0].context).toHaveLength(4);
    expect((await ask({ k: 2, top_n: 3 })).body.results[0].context).toHaveLength(2);
  });

  test('takes an organisation by its id or its name, and never one that is not the caller’s', async () => {
    expect((await ask({ org: 'Acme Ltd.' })).body.results[0].context).toHaveLength(3);
    for (const org of ['rival', 'Rival & Sons', 'nobody', 'ACME LTD.'])
      expect(await ask({ org })).toMatchObject({ status: 404, body: { code: 'UNKNOWN_ORGANISATION' } });
    // The id of one is the name of another: to guess would show one what belongs to the other.
    await api.call('POST', '/api/v1/organisations', { id: 'twin', name: 'acme' });
    const host = await api.keyWith(['reader', 'on-behalf-of']);
    expect(await ask({}, host)).toMatchObject({ status: 409, body: { code: 'CONFLICT' } });
    expect((await ask({ org: 'Acme Ltd.' }, host)).body.results[0].context).toHaveLength(3);
    expect((await ask({ org: 'acme' })).body.results[0].context).toHaveLength(3);
  });

  test('is refused without the scope to ask for people, and for people whom nobody knows, whatever is asked', async () => {
    const reader = await api.keyWith(['reader'], 'acme');
    for (const datasources of [undefined, ['nothing']]) {
      const more = datasources === undefined ? {} : { datasources };
      expect(await ask(more, reader)).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
      expect(await ask({ ...more, user_email: 'mallory@acme.example' })).toMatchObject({ status: 404, body: { code: 'UNKNOWN_PERSON' } });
    }
    expect(await ask({ user_email: undefined })).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } });
  });

  test('a source that fails has its error in the body, and the others answer', async () => {
    await connect('live', 'answering', { failure: { tag: 'unavailable', val: 'it is being repaired' } });
    const { body } = await ask({ live: true });
    expect(body.results).toMatchObject([
      { datasource_name: 'answering', context: [], error: { code: 'SOURCE_FAILED', connection: connections.get('live') } },
      { datasource_name: 'probe', context: [{}, {}, {}] },
    ]);
  });
});

describe('the index routes', () => {
  test('begin a job for each connection, name those that cannot be read and users whom nobody knows', async () => {
    const second = await connect('second', 'probe', { steps: [{ do: 'documents', count: 2, text: 'An otter.' }] });
    await api.call('POST', `/api/v1/connections/${second}/pause?organisation=acme`, {});
    const { status, body } = await index({ users: ['ada@acme.example', 'new@acme.example'] });
    expect(status).toBe(202);
    expect(body).toMatchObject({ unknown_users: ['new@acme.example'], errors: [{ code: 'CONNECTION_PAUSED', connection: second }] });
    expect(body.jobs).toHaveLength(1);
    // What is asked for while it is under way is that very job.
    expect((await index()).body.jobs).toEqual(body.jobs);
    expect((await api.call('GET', `/v1/index/jobs/${body.jobs[0]}`, undefined, { as: operator })).body).toMatchObject({ state: 'queued' });
    await api.call('POST', `/api/v1/connections/${second}/resume?organisation=acme`);
    await api.work();
    expect(await index({ datasource: 'nope' })).toMatchObject({ status: 404, body: { code: 'UNKNOWN_DATASOURCE' } });
    expect(await index({ datasource: 'hello' })).toMatchObject({ status: 404, body: { code: 'UNKNOWN_CONNECTION' } });
  });

  test('tell how a job, its run and its items are', async () => {
    const content = 'The vole number {number} digs.';
    const id = await connect('items', 'probe', {
      steps: [
        { do: 'documents', count: 3, from: 0, text: content },
        { do: 'documents', count: 1, from: 9, text: 'x', feature: 'others' },
        { do: 'document', fields: { mediaType: 'application/pdf' }, feature: 'others' },
      ],
    });
    const { body } = await index();
    await api.work();
    const jobs = await Promise.all(body.jobs.map((job: string) => api.call('GET', `/v1/index/jobs/${job}`, undefined, { as: operator })));
    const job = jobs.find((answer) => answer.body.metadata.connection === id)?.body;
    expect(job).toMatchObject({
      state: 'finished',
      metadata: { organisation: 'acme', datasource_name: 'probe', seen: 4 },
      result: { id: job.job_id, rq_job_id: job.job_id, status: 'completed_with_errors', organisation_id: 'acme', datasource_id: 'probe' },
    });
    const run = `/v1/index/runs/${job.job_id}`;
    expect((await api.call('GET', run, undefined, { as: operator })).body).toEqual(job.result);
    const page = async (query: string) => (await api.call('GET', `${run}/items?${query}`, undefined, { as: operator })).body;
    const first = await page('per_page=3&sort=item_name');
    expect(first.metadata).toEqual({ page: 1, per_page: 3, total_items: 4, total_pages: 2 });
    expect(first.items.map(({ item_name: name }: { item_name: string }) => name)).toEqual(['document-0', 'document-1', 'document-2']);
    expect((await page('per_page=3&page=2&sort=item_name')).items).toHaveLength(1);
    const [failed] = (await page('status=failed')).items;
    expect(failed).toMatchObject({ item_status: 'failed', item_error: expect.stringMatching(/\S/), item_url: null });
    const details = async (item: string, as = operator) => api.call('GET', `/v1/index/items/${item}/details`, undefined, { as });
    expect((await details(first.items[1].id)).body).toMatchObject({ item_extractedtext: 'The vole number 1 digs.', item_error: null });
    expect((await details(failed.id)).body).toMatchObject({ item_extractedtext: '', item_error: failed.item_error });
  });

  test('show nobody what belongs to another organisation, and readers no texts', async () => {
    const { body } = await index();
    await api.work();
    const [run] = body.jobs;
    const { items } = (await api.call('GET', `/v1/index/runs/${run}/items`)).body;
    const rival = await api.keyWith(['admin'], 'rival');
    const reader = await api.keyWith(['reader', 'author'], 'acme');
    const document = (await ask({ k: 1 })).body.results.find(({ context }: { context: [] }) => context.length > 0).context[0];
    expect(items).toEqual([]);
    const asRival = async (path: string) => api.call('GET', path, undefined, { as: rival });
    for (const path of [`/v1/index/jobs/${run}`, `/v1/index/runs/${run}`, `/v1/index/runs/${run}/items`])
      expect(await asRival(path)).toMatchObject({ status: 404, body: { code: 'UNKNOWN_RUN' } });
    const details = `/v1/index/items/${document.metadata.document_id}/details`;
    expect(await asRival(details)).toMatchObject({ status: 404, body: { code: 'UNKNOWN_DOCUMENT' } });
    expect(await asRival(`/v1/index/items/${run}.0/details`)).toMatchObject({ status: 404, body: { code: 'UNKNOWN_DOCUMENT' } });
    expect(await asRival(`/v1/connections/${connections.get('shared')}/selection`)).toMatchObject({ body: { code: 'UNKNOWN_CONNECTION' } });
    expect(await api.call('GET', details, undefined, { as: reader })).toMatchObject({ status: 403 });
    expect((await api.call('GET', details)).status).toBe(200);
  });
});

describe('connections', () => {
  test('hold what somebody picked in the list among their settings', async () => {
    const at = `/v1/connections/${connections.get('second')}/selection`;
    const items = [{ do: 'documents', count: 1, text: 'A picked badger.' }];
    expect(await api.call('PUT', at, { items }, { as: operator })).toMatchObject({ status: 200, body: { setting: 'steps', items } });
    expect((await api.call('GET', at, undefined, { as: operator })).body).toEqual({
      connection: connections.get('second'),
      setting: 'steps',
      items,
    });
    expect(await api.call('PUT', at, { items: ['text'] }, { as: operator })).toMatchObject({
      status: 422,
      body: { code: 'INVALID_CONFIG' },
    });
    expect(await api.call('DELETE', at, undefined, { as: operator })).toMatchObject({ status: 200, body: { items: [] } });
    const hello = await connect('hello', 'hello');
    expect(await api.call('GET', `/v1/connections/${hello}/selection`)).toMatchObject({
      status: 409,
      body: { code: 'SELECTION_UNSUPPORTED' },
    });
  });

  test('are revoked with all that was read', async () => {
    const id = connections.get('shared');
    const { body } = await api.call('POST', `/v1/connections/${id}/revoke`, undefined, { as: operator });
    expect(body).toMatchObject({ connection: id, at_source: 'nothing', documents: 4, passages: 4 });
    expect((await api.call('POST', `/v1/connections/${id}/refresh`, undefined, { as: operator })).body).toEqual({
      connection: id,
      state: 'none',
      scopes: [],
    });
    const found = (await ask({ datasources: ['probe'], k: 100, rerank: false })).body.results[0].context;
    expect(found.filter(({ metadata }: { metadata: { connection: string } }) => metadata.connection === id)).toEqual([]);
  });
});
