import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { readConfig } from '../../host/config.ts';
import { openDatabase } from '../../host/store/database.ts';
import { countNotifications } from '../../host/store/notifications.ts';
import { install, openApi, type Api } from '../helpers/api.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';

const KEY = 'a key of Lorelai that is long enough, and secret';

interface Told {
  headers: Record<string, unknown>;
  text: string;
}

let lorelai: Upstream;
let told: Told[] = [];
/** What Lorelai answers, first to last; 204 when there is no more. */
let answers: number[] = [];
let api: Api;
let stop: AbortController;

beforeAll(async () => {
  lorelai = await startUpstream((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      told.push({ headers: request.headers, text });
      response.writeHead(answers.shift() ?? 204, { location: `${lorelai.origin}/elsewhere` }).end();
    });
  });
  api = await openApi({ LORELAI_NOTIFY_URL: `${lorelai.origin}/notifications`, LORELAI_NOTIFY_KEY: KEY });
  await install(api, 'probe');
});
afterAll(async () => {
  await api.close();
  await lorelai.close();
});
afterEach(() => {
  stop?.abort();
  told = [];
  answers = [];
});

/** A run of a new connection that does these steps. */
async function run(host: Api, steps: unknown[]): Promise<string> {
  const { body } = await host.call('POST', '/api/v1/connections', { datasource: 'probe', name: 'The notes', config: { steps } });
  const started = await host.call('POST', `/api/v1/connections/${body.id}/runs`);
  await host.work();
  return started.body.id;
}

/** Lets the host do what it does by itself. */
function keep(host: Api): void {
  stop = new AbortController();
  void host.keepAuthorisations(stop.signal);
}

async function waiting({ dataDir }: Api): Promise<number> {
  const database = await openDatabase({ file: join(dataDir, 'lorelai.db') });
  const count = await countNotifications(database);
  await database.close();
  return count;
}

/** Until the host has said that it delivers. */
async function announced(): Promise<void> {
  keep(api);
  const probe = async (): Promise<number> => {
    await run(api, []);
    return told.length;
  };
  await expect.poll(probe, { timeout: 30_000, interval: 500 }).toBeGreaterThan(0);
  await expect.poll(() => waiting(api), { timeout: 30_000 }).toBe(0);
  told = [];
}

const toldOf = (id: string): Told[] => told.filter(({ text }) => JSON.parse(text).data.run_id === id);

test('the end of an indexing run is told to Lorelai, signed, in the shape of its notifications', async () => {
  await announced();
  const good = await run(api, [{ do: 'documents', count: 2, text: 'A walrus.' }]);
  const bad = await run(api, [{ do: 'fail', failure: { tag: 'invalid-config', val: [] } }]);
  await expect.poll(() => told.length, { timeout: 30_000 }).toBe(2);
  const [first] = toldOf(good);
  expect(JSON.parse(first?.text ?? '')).toMatchObject({
    id: `${good}.succeeded`,
    type: 'indexing_completed',
    title: expect.stringContaining('The notes'),
    message: expect.stringContaining('2 documents changed'),
    data: { run_id: good, job_id: good, org: 'default', datasource_name: 'probe', changed: 2 },
    url: `/v1/index/runs/${good}`,
  });
  expect(JSON.parse(toldOf(bad)[0]?.text ?? '')).toMatchObject({ type: 'indexing_failed', id: `${bad}.failed` });
  for (const { headers, text } of told) {
    const signature = createHmac('sha256', KEY)
      .update(`${String(headers['x-lorelai-timestamp'])}.${text}`)
      .digest('hex');
    expect(headers['x-lorelai-signature']).toBe(`sha256=${signature}`);
    expect(headers['x-lorelai-delivery']).toBe(JSON.parse(text).id);
  }
  expect(await waiting(api)).toBe(0);
});

test('what Lorelai does not take waits in the store, is tried again and told once, and no redirect is followed', async () => {
  await announced();
  answers = [503, 302];
  const id = await run(api, [{ do: 'documents', count: 1, text: 'A walrus.' }]);
  await expect.poll(() => told.length, { timeout: 30_000 }).toBe(1);
  expect(await waiting(api)).toBe(1);
  expect((await api.call('GET', `/api/v1/runs/${id}`)).body).toMatchObject({ state: 'succeeded' });
  await expect.poll(() => told.length, { timeout: 60_000 }).toBe(3);
  await expect.poll(() => waiting(api), { timeout: 30_000 }).toBe(0);
  expect(new Set(told.map(({ headers }) => headers['x-lorelai-delivery']))).toEqual(new Set([`${id}.succeeded`]));
  expect(lorelai.requests.map(({ url }) => url)).not.toContain('/elsewhere');
  expect(api.logged()).toContain('it answered 503');
}, 120_000);

test('a host that is to tell nobody keeps nothing to tell', async () => {
  const quiet = await openApi();
  await install(quiet, 'probe');
  keep(quiet);
  await run(quiet, [{ do: 'documents', count: 1, text: 'A walrus.' }]);
  expect(await waiting(quiet)).toBe(0);
  stop.abort();
  await quiet.close();
});

test('the key is in no log and in no file', async () => {
  expect(api.logged()).not.toContain(KEY);
  expect((await readFile(join(api.dataDir, 'lorelai.db'))).includes(KEY)).toBe(false);
  for (const env of [{ LORELAI_NOTIFY_URL: 'https://x.example' }, { LORELAI_NOTIFY_URL: 'https://x.example', LORELAI_NOTIFY_KEY: 'short' }])
    expect(() => readConfig(env)).toThrow(
      expect.objectContaining({ code: 'INVALID_SETTING', problems: [expect.objectContaining({ path: 'LORELAI_NOTIFY_KEY' })] }),
    );
  expect(() => readConfig({ LORELAI_NOTIFY_URL: 'https://user:password@x.example', LORELAI_NOTIFY_KEY: KEY })).toThrow(
    'LORELAI_NOTIFY_URL',
  );
});
