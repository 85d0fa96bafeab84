import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readConfig } from '../../host/config.ts';
import { COMMAND_LINE, LOCAL_CALLER } from '../../host/domain/caller.ts';
import { createLog } from '../../host/log.ts';
import { createLorelaiRetrieval } from '../../host/services/lorelai/lorelai-retrieval.ts';
import { openServices } from '../../host/services/open.ts';
import { openDatabase } from '../../host/store/database.ts';
import { install, openApi, type Api } from '../helpers/api.ts';
import { componentFile } from '../helpers/components.ts';
import { startMirrorSource, type MirrorSource } from '../helpers/mirror.ts';
import { hashedWords, noise, startModelServer, type ModelServer } from '../helpers/model-server.ts';
import { makePdf } from '../helpers/office-files.ts';

// What went wrong where Lorelai indexed and retrieved by itself, one promise for each.

let api: Api;
let source: MirrorSource;

beforeAll(async () => {
  source = await startMirrorSource();
  api = await openApi();
  for (const name of ['probe', 'answering'] as const) await install(api, name);
  const mirror = new Uint8Array(await readFile(componentFile('mirror')));
  const grant = { http: { origins: [source.origin], privateNetworks: ['127.0.0.0/8'] }, storage: false, limits: {} };
  await api.services.registry.install(mirror, grant, COMMAND_LINE);
  await organisation('acme');
});
afterAll(async () => {
  await api.close();
  await source.close();
});

/** With people called ada and eve. */
async function organisation(id: string, name = id): Promise<void> {
  await api.services.organisations.create({ id, name }, COMMAND_LINE);
  for (const person of ['ada', 'eve']) await api.services.people.create(id, { email: `${person}@acme.example` }, COMMAND_LINE);
}

interface Connected {
  datasource?: string;
  config?: object;
  credential?: string;
}

async function connect(org: string, { datasource = 'probe', config = {}, credential }: Connected): Promise<string> {
  const input = { datasource, config, ...(credential === undefined ? {} : { credential }) };
  return (await api.call('POST', `/api/v1/connections?organisation=${org}`, input)).body.id;
}

/** Ends when all runs have; gives them. */
async function index(org: string, datasource = 'probe'): Promise<{ status: string; error: string | null; id: string }[]> {
  const { body } = await api.call('POST', '/v1/index/runs', { org, users: 'all', datasource });
  await api.work();
  return Promise.all(body.jobs.map(async (id: string) => (await api.call('GET', `/v1/index/runs/${id}`)).body));
}

interface Found {
  title: string;
  content: string;
  link: string;
  when: string;
  metadata: { connection: string; mime_type: string };
}

async function results(org: string, more: object = {}): Promise<{ datasource_name: string; context: Found[]; error?: { code: string } }[]> {
  const asked = { org, user_email: 'ada@acme.example', question: 'walrus', k: 100, rerank: false, ...more };
  return (await api.call('POST', '/v1/retrieve', asked)).body.results;
}

async function found(org: string, more: object = {}): Promise<Found[]> {
  return (await results(org, more)).flatMap(({ context }) => context);
}

describe('1: questions and passages are never compared by vectors of different models', () => {
  let models: ModelServer;
  let own: Api;
  const env = (): Record<string, string> => ({ LORELAI_EMBEDDINGS_URL: models.url, LORELAI_EMBEDDINGS_MODEL: 'one' });
  beforeAll(async () => {
    models = await startModelServer(hashedWords());
    own = await openApi(env());
    await install(own, 'probe');
    const steps = [{ do: 'documents', count: 3, text: 'The walrus number {number} swims.' }];
    const { body } = await own.call('POST', '/api/v1/connections', { datasource: 'probe', config: { steps } });
    await own.call('POST', `/api/v1/connections/${body.id}/runs`);
    await own.work();
    await own.services.vectors.make(new AbortController().signal);
  });
  afterAll(async () => {
    await own?.close();
    await models?.close();
  });

  test('both are embedded by the one model that is set, and an endpoint that gives another one is refused by what is stored', async () => {
    const asked = { organisation: 'default', question: 'walrus', k: 3, asker: { caller: LOCAL_CALLER, requestId: undefined } };
    const before = await own.services.retrieval.retrieve(asked);
    expect(before).toMatchObject({ missing: [], hits: [{}, {}, {}] });
    expect(new Set(models.requests.map(({ model }) => model))).toEqual(new Set(['one']));
    // The same name, the same number of dimensions, another model behind it: nothing but the stored vectors tells.
    models.embedWith(noise);
    const other = await openServices(
      readConfig({ DATA_DIR: own.dataDir, ...env() }),
      createLog({ level: 'error', pretty: false, write: () => undefined }),
    );
    const { hits, missing } = await other.services.retrieval.retrieve({ ...asked, explain: true });
    await other.close();
    expect(missing).toMatchObject([{ part: 'vectors', code: 'other-fingerprint' }]);
    expect(hits).toHaveLength(3);
    expect(hits.flatMap(({ explanation }) => explanation?.arms.map(({ arm }) => arm) ?? [])).not.toContain('vector');
  });
});

test('2: links, titles and times are those of the source, for PDFs too, and never empty', async () => {
  await organisation('two');
  const pdf = Buffer.from(makePdf([['The walrus of the portable document.']])).toString('latin1');
  const steps = [
    { do: 'documents', count: 1, text: pdf },
    { do: 'document', fields: { mediaType: 'application/pdf', updatedAtMs: 1_700_000_000_000, link: 'https://drive.example/file/1?a=b' } },
  ];
  await connect('two', { config: { steps } });
  const without = [
    { do: 'documents', count: 1, text: 'The walrus without a title.' },
    { do: 'document', fields: { title: '' } },
  ];
  await connect('two', { config: { steps: without } });
  await index('two');
  const all = await found('two');
  expect(all.find(({ metadata }) => metadata.mime_type === 'application/pdf')).toMatchObject({
    link: 'https://drive.example/file/1?a=b',
    when: '2023-11-14T22:13:20.000Z',
    content: expect.stringContaining('walrus of the portable document'),
  });
  expect(all).toHaveLength(2);
  for (const { title, link, content, when } of all) {
    expect(title.trim()).not.toBe('');
    expect(content.trim()).not.toBe('');
    expect(new URL(link).protocol).toBe('https:');
    expect(when === 'Unknown date' || !Number.isNaN(Date.parse(when))).toBe(true);
  }
});

/** The settings of a workspace with four documents. */
function four(text: string): object {
  return { steps: [{ do: 'documents', count: 4, from: 0, text }] };
}

test('3: runs that come again double nothing, several workspaces of one datasource are several connections, and what is lacking is said', async () => {
  await organisation('three');
  const one = await connect('three', { config: four('The walrus number {number} of the first workspace.') });
  const other = await connect('three', { config: four('The walrus number {number} of the second workspace.') });
  for (let times = 0; times < 3; times += 1) for (const { status } of await index('three')) expect(status).toBe('completed');
  const all = await found('three');
  expect(all).toHaveLength(8);
  expect(new Set(all.map(({ content }) => content)).size).toBe(8);
  expect(new Set(all.map(({ metadata }) => metadata.connection))).toEqual(new Set([one, other]));
  const lacking = { steps: [{ do: 'fail', in: 'check', failure: { tag: 'forbidden', val: 'the scope groups:history is missing' } }] };
  const third = await connect('three', { config: lacking });
  const check = await api.call('POST', `/api/v1/connections/${third}/check?organisation=three`);
  expect(check.body).toMatchObject({ ready: false, failure: { kind: 'forbidden', message: expect.stringContaining('groups:history') } });
});

test('4: a run that failed stays failed, wherever it is looked at, with its reason', async () => {
  await organisation('four');
  const failure = { tag: 'failed', val: 'the source is on fire' };
  const steps = ['items', 'others'].map((feature) => ({ do: 'fail', feature, failure }));
  await connect('four', { config: { steps } });
  const [run] = await index('four');
  expect(run).toMatchObject({ status: 'failed', error: expect.stringContaining('the source is on fire') });
  const seen = async () => [
    (await api.call('GET', `/v1/index/jobs/${run?.id}`)).body,
    (await api.call('GET', `/v1/index/runs/${run?.id}`)).body,
    (await api.call('GET', `/api/v1/runs/${run?.id}?organisation=four`)).body,
  ];
  const once = await seen();
  expect(once).toMatchObject([{ state: 'failed', result: { status: 'failed' } }, { status: 'failed' }, { state: 'failed' }]);
  // Nothing comes behind it, not even a host that starts anew.
  await api.work();
  expect(await seen()).toEqual(once);
});

test('5: a credential of any length is used whole, is in no file as it is, and no browser or session has to be there', async () => {
  await organisation('five');
  const credential = `token-${'x'.repeat(4_000)}`;
  source.put({ id: 'five', text: 'The walrus number five.' });
  await connect('five', { datasource: 'mirror', config: { base_url: source.origin }, credential });
  expect(await index('five', 'mirror')).toMatchObject([{ status: 'completed' }]);
  expect(new Set(source.requests.map(({ headers }) => headers.authorization))).toEqual(new Set([`Bearer ${credential}`]));
  for (const entry of await readdir(api.dataDir, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) expect((await readFile(join(entry.parentPath, entry.name))).includes('x'.repeat(64)), entry.name).toBe(false);
  }
  expect(api.logged()).not.toContain('x'.repeat(64));
});

describe('6: what has not changed is not read again, what has changed leaves nothing behind, and all passages have the access of their document', () => {
  beforeAll(async () => {
    await organisation('six');
    await connect('six', { datasource: 'mirror', config: { base_url: source.origin, page_size: 1_000 } });
  });

  test('an edit replaces every passage of the document, a removal takes them away, and all else is left alone', async () => {
    const long = Array.from({ length: 60 }, (_, at) =>
      `Paragraph ${at} of the old walrus, which says a little more so that it is long. `.repeat(6),
    ).join('\n\n');
    for (const id of ['kept', 'edited', 'removed']) source.put({ id: `six-${id}`, text: long.replaceAll('old', id) });
    await index('six', 'mirror');
    expect((await found('six', { question: 'walrus edited' })).length).toBeGreaterThan(0);
    source.put({ id: 'six-edited', text: 'Now it says something of a badger.' });
    source.remove('six-removed');
    const [run] = await index('six', 'mirror');
    const job = (await api.call('GET', `/v1/index/jobs/${run?.id}`)).body;
    expect(job.metadata).toMatchObject({ changed: 1, deleted: 1 });
    const texts = (await found('six', { question: 'paragraph walrus badger kept edited removed' }))
      .map(({ content }) => content)
      .join('\n');
    expect(texts).toContain('kept walrus');
    expect(texts).toContain('badger');
    expect(texts).not.toMatch(/(edited|removed) walrus/);
  });

  test('access holds for the last passage as for the first', async () => {
    const long = Array.from({ length: 60 }, (_, at) => `Paragraph ${at} tells of a narwhal. ${'It is long. '.repeat(60)}`).join('\n\n');
    source.put({ id: 'six-secret', text: long, readers: { accounts: ['ada'], groups: [] } });
    await index('six', 'mirror');
    const { items } = await api.services.connections.list('six', { limit: 1 });
    const accounts = [{ connection: items[0]?.id ?? '', account: 'ada' }];
    await api.services.people.change('six', 'ada@acme.example', { accounts }, COMMAND_LINE);
    const passages = async (person: string): Promise<number> => {
      const asked = { question: 'narwhal', person, k: 100, perDocument: 10, fold: false };
      return (await api.call('POST', '/api/v1/retrieve?organisation=six', asked)).body.hits.flatMap(
        ({ positions }: { positions: number[] }) => positions,
      ).length;
    };
    expect(await passages('ada@acme.example')).toBeGreaterThan(3);
    expect(await passages('eve@acme.example')).toBe(0);
    source.put({ id: 'six-secret', text: long, readers: { accounts: ['eve'], groups: [] } });
    await index('six', 'mirror');
    expect(await passages('ada@acme.example')).toBe(0);
  });

  test('a clean-up knows no number at which it ends', async () => {
    const many = 10_050;
    for (let at = 0; at < many; at += 1) source.put({ id: `many-${at}`, text: `Otter ${at}.` });
    await index('six', 'mirror');
    const { items } = await api.services.connections.list('six', { limit: 1 });
    const [connection] = items;
    expect(connection?.documents).toBeGreaterThan(many);
    const revoked = await api.call('POST', `/v1/connections/${connection?.id}/revoke`);
    expect(revoked.body.documents).toBe(connection?.documents);
    expect(await found('six', { question: 'otter walrus narwhal' })).toEqual([]);
    for (let at = 0; at < many; at += 1) source.vanish(`many-${at}`);
  }, 240_000);
});

/** Whether that person is shown what the staff has written. */
async function seenBy(name: string): Promise<boolean> {
  const all = await found('seven', { user_email: `${name}@acme.example`, question: 'walrus of the staff' });
  return all.some(({ content }) => content.includes('the staff'));
}

test('7: who may see what is what the source says, whoever had it indexed, and as it says now', async () => {
  await organisation('seven');
  source.put({ id: 'seven', text: 'The walrus of the staff.', readers: { accounts: [], groups: ['staff'] } });
  source.setGroup('staff', ['eve-at-source']);
  const connection = await connect('seven', { datasource: 'mirror', config: { base_url: source.origin, page_size: 1_000 } });
  for (const name of ['ada', 'eve']) {
    const accounts = [{ connection, account: `${name}-at-source` }];
    await api.services.people.change('seven', `${name}@acme.example`, { accounts }, COMMAND_LINE);
  }
  // Ada has it indexed, and is not of the staff.
  await api.call('POST', '/v1/index/runs', { org: 'seven', users: ['ada@acme.example'], datasource: 'mirror' });
  await api.work();
  const readGroups = async (): Promise<void> => {
    await api.call('POST', `/api/v1/connections/${connection}/runs?organisation=seven`, { kind: 'access' });
    await api.work();
  };
  await readGroups();
  expect([await seenBy('ada'), await seenBy('eve')]).toEqual([false, true]);
  source.setGroup('staff', ['ada-at-source']);
  await readGroups();
  expect([await seenBy('ada'), await seenBy('eve')]).toEqual([true, false]);
  // What has not been confirmed for long is not believed.
  await api.call('PATCH', `/api/v1/connections/${connection}/access?organisation=seven`, { maxAgeHours: 0.0000001 });
  expect(await seenBy('ada')).toBe(false);
});

describe('8: names, failures and people', () => {
  test('organisations whose names differ by little share nothing', async () => {
    const names = ['Ann Bee', 'ann.bee', 'ann-bee', 'ANN BEE'];
    for (const [at, name] of names.entries()) {
      await organisation(`eight-${at}`, name);
      await connect(`eight-${at}`, { config: { steps: [{ do: 'documents', count: 1, text: `The walrus of organisation ${at}.` }] } });
      await index(name);
    }
    for (const [at, name] of names.entries())
      expect((await found(name)).map(({ content }) => content)).toEqual([`The walrus of organisation ${at}.`]);
  });

  test('a datasource is one, however it is spelt, and answers under the name by which it was asked', async () => {
    for (const name of ['Probe', 'PROBE', 'pro-be', ' probe']) {
      const [result] = await results('eight-0', { datasources: [name] });
      expect(result).toMatchObject({ datasource_name: name, context: [{ link: 'https://probe.example/document-0' }] });
    }
  });

  test('one that fails keeps no other from answering, and a request never fails for it', async () => {
    await connect('eight-0', { datasource: 'answering', config: { failure: { tag: 'unavailable', val: 'it is down' } } });
    const all = await results('eight-0', { live: true, datasources: ['answering', 'probe', 'slack'] });
    expect(all).toMatchObject([
      { datasource_name: 'answering', context: [], error: { code: 'SOURCE_FAILED' } },
      { datasource_name: 'probe', context: [{}] },
      { datasource_name: 'slack', context: [], error: { code: 'UNKNOWN_DATASOURCE' } },
    ]);
  });

  test('a fault of the host with one of them is told in its place, and no more of it than that it is one', async () => {
    const database = await openDatabase({ file: join(api.dataDir, 'lorelai.db') });
    const faulty = createLorelaiRetrieval({
      database,
      retrieval: {
        async retrieve(input) {
          if (input.datasources?.[0] === 'answering') throw new Error('a stack and a secret');
          return api.services.retrieval.retrieve(input);
        },
      },
      visibility: { of: () => Promise.reject(new Error('nobody asks')) },
      log: createLog({ level: 'error', pretty: false, write: () => undefined }),
    });
    const caller = { ...LOCAL_CALLER, kind: 'key' as const };
    const asked = { org: 'eight-0', userEmail: 'ada@acme.example', question: 'walrus', datasources: undefined };
    const answer = await faulty.retrieve(caller, undefined, { ...asked, k: 10, topN: 3, rerank: true, live: false });
    await database.close();
    expect(answer).toMatchObject([
      { name: 'answering', hits: [], fault: { code: 'INTERNAL' } },
      { name: 'probe', hits: [{}] },
    ]);
    expect(JSON.stringify(answer)).not.toContain('secret');
  });

  test('nothing is asked for somebody who is not known', async () => {
    const searches = (): number => api.logged().split('"function":"search"').length;
    const before = searches();
    const asked = { org: 'eight-0', user_email: 'mallory@acme.example', question: 'walrus', live: true };
    expect(await api.call('POST', '/v1/retrieve', asked)).toMatchObject({ status: 404, body: { code: 'UNKNOWN_PERSON' } });
    expect(searches()).toBe(before);
  });
});
