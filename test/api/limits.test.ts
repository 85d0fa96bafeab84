import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { COMMAND_LINE } from '../../host/domain/caller.ts';
import { DEFAULT_LIMITS, LIMIT_NAMES, LIMITS } from '../../host/domain/limits.ts';
import { type Api, openApi } from '../helpers/api.ts';
import { componentFile } from '../helpers/components.ts';

const ROOT = join(import.meta.dirname, '../..');
let api: Api;

beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

async function installProbe(limits: Record<string, number>): Promise<void> {
  const grant = { http: { origins: [], privateNetworks: [] }, storage: true, limits };
  await api.services.registry.install(new Uint8Array(await readFile(componentFile('probe'))), grant, COMMAND_LINE);
}

test('the API shows every limit in force, with what a grant changed', async () => {
  await installProbe({ maxLogLines: 7 });
  const { body } = await api.call('GET', '/api/v1/datasources/probe');
  expect(body.limits).toEqual({ ...DEFAULT_LIMITS, maxLogLines: 7 });
  expect(body.grant.limits).toEqual({ maxLogLines: 7 });
});

test('a batch with more changes than the limit maxChangesPerBatch fails its feature, and nothing of it is kept', async () => {
  await installProbe({ maxChangesPerBatch: 2 });
  const steps = [{ do: 'documents', count: 3, text: 'unfindable' }];
  const features = { others: { enabled: false } };
  const made = await api.call('POST', '/api/v1/connections', { datasource: 'probe', config: { steps }, features });
  const run = await api.call('POST', `/api/v1/connections/${made.body.id}/runs`, {});
  await api.work();
  const { body } = await api.call('GET', `/api/v1/runs/${run.body.id}`);
  expect(JSON.stringify(body.features)).toContain('over the limit maxChangesPerBatch of 2: it used 3');
  expect((await api.call('POST', '/api/v1/retrieve', { question: 'unfindable' })).body.hits).toEqual([]);
});

test('what calls used is in the log at debug, and what they went over at warn', async () => {
  await installProbe({ maxLogLines: 1 });
  const steps = [{ do: 'log', lines: 5, message: 'again', in: 'check' }];
  const made = await api.call('POST', '/api/v1/connections', { datasource: 'probe', config: { steps } });
  await api.call('POST', `/api/v1/connections/${made.body.id}/check`);
  const lines = api
    .logged()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines).toContainEqual(
    expect.objectContaining({ level: 'debug', message: 'call used', function: 'check', hostCalls: 5, logLines: 1 }),
  );
  expect(lines).toContainEqual(
    expect.objectContaining({ level: 'warn', message: 'over the limit maxLogLines of 1: it used 5', connection: made.body.id }),
  );
});

test('the table of limits is in the documents as it is in the code', async () => {
  const page = await readFile(join(ROOT, 'docs/reference/limits.md'), 'utf8');
  const named = [...page.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
  expect(named).toEqual(LIMIT_NAMES);
  for (const name of LIMIT_NAMES) expect(page).toContain(LIMITS[name].description);
});
