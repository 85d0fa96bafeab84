import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readConfig } from '../../host/config.ts';
import { COMMAND_LINE } from '../../host/domain/caller.ts';
import { EMPTY_GRANT } from '../../host/domain/grant.ts';
import { createLog } from '../../host/log.ts';
import { openServices } from '../../host/services/open.ts';
import { callApi } from '../helpers/api-client.ts';
import { componentFile } from '../helpers/components.ts';
import { startHostProcess, type HostProcess } from '../helpers/host-process.ts';

const ROOT = join(import.meta.dirname, '../..');
const STAND_IN = join(ROOT, 'test/fixtures/lorelai-stand-in');
const ACCESS = { tag: 'all-of', val: [{ anyOf: [{ kind: 'email', id: 'ada@acme.example' }] }] };

let dataDir: string;
let host: HostProcess;
/** For Acme: what Lorelai is given. */
let key: string;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'lorelai-adapter-'));
  key = await prepare();
  host = await startHostProcess({ dataDir });
  const url = (path: string): string => `${host.url}/api/v1/${path}?organisation=acme`;
  for (const email of ['ada@acme.example', 'eve@acme.example']) await callApi(url('people'), { method: 'POST', body: { email } });
  const steps = [
    { do: 'documents', count: 2, from: 0, text: 'The walrus number {number} swims.' },
    { do: 'document', fields: { access: ACCESS } },
  ];
  await callApi(url('connections'), { method: 'POST', body: { datasource: 'probe', config: { steps } } });
  const paused = await callApi<{ id: string }>(url('connections'), { method: 'POST', body: { datasource: 'answering' } });
  await callApi(url(`connections/${paused.id}/pause`), { method: 'POST', body: { reason: 'it is being repaired' } });
}, 240_000);

afterAll(async () => {
  await host?.stop();
  await rm(dataDir, { recursive: true, force: true });
});

/** Installs and makes a key, as an operator does on the machine of the host. */
async function prepare(): Promise<string> {
  const { services, close } = await openServices(
    readConfig({ DATA_DIR: dataDir }),
    createLog({ level: 'error', pretty: false, write: () => undefined }),
  );
  for (const name of ['probe', 'answering'] as const)
    await services.registry.install(new Uint8Array(await readFile(componentFile(name))), { ...EMPTY_GRANT, storage: true }, COMMAND_LINE);
  await services.organisations.create({ id: 'acme', name: 'Acme Ltd.' }, COMMAND_LINE);
  const made = await services.keys.create({ organisation: 'acme', name: 'lorelai', scopes: ['operator', 'on-behalf-of'] }, COMMAND_LINE);
  await close();
  return made.text;
}

function link(number: number): string {
  return `https://probe.example/document-${number}`;
}

test('Lorelai’s retriever and indexer, as two classes of Python on the standard library, index and find on a host', async () => {
  const { stdout } = await promisify(execFile)('python3', [join(STAND_IN, 'use_adapter.py')], {
    env: {
      PATH: process.env.PATH,
      PYTHONPATH: [join(ROOT, 'clients/python'), STAND_IN].join(':'),
      PYTHONDONTWRITEBYTECODE: '1',
      LORELAI_HOST_URL: host.url,
      LORELAI_HOST_KEY: key,
    },
    timeout: 200_000,
  });
  const did: unknown = JSON.parse(stdout);
  expect(did).toMatchObject({
    before: { raised: 'ValueError', text: expect.stringContaining('Nothing of probe is in the index') },
    runs: [{ status: 'completed', error: null, organisation_id: 'acme', datasource_id: 'probe' }],
    after: { datasource_name: 'Probe', titles: [expect.any(String), expect.any(String)], when: ['Unknown date', 'Unknown date'] },
    stranger: { links: [link(1)], sources: [link(1)], contents: ['The walrus number 1 swims.'] },
    unknown_person: { raised: 'HostError', code: 'UNKNOWN_PERSON' },
    drive: { raised: 'HostError', code: 'UNKNOWN_DATASOURCE' },
    user: 'completed',
    broken: { raised: 'HostError', code: 'INDEXING_FAILED', text: expect.stringContaining('it is being repaired') },
    broken_status: 'failed',
    job: { organisation: 'acme', datasource_name: 'probe', changed: 2 },
    packages: [],
  });
  const { after } = did as { after: { links: string[]; scores: number[] } };
  expect(after.links.toSorted()).toEqual([link(0), link(1)]);
  for (const score of after.scores) expect(score).toSatisfy((value: number) => value > 0 && value <= 1);
}, 240_000);

test('the adapter is the size that it is meant to have', async () => {
  const lines = (await readFile(join(ROOT, 'clients/python/lorelai_adapter.py'), 'utf8')).split('\n');
  expect(lines.length).toBeLessThan(140);
  const imports = lines.flatMap((line) => /^(?:from|import) ([a-z_]+)/.exec(line)?.[1] ?? []);
  expect(new Set(imports)).toEqual(new Set(['json', 'os', 'time', 'urllib', 'types', 'lorelai']));
});
