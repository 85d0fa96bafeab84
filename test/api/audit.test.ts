import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Grant } from '../../host/domain/grant.ts';
import { install, openApi, type Api } from '../helpers/api.ts';
import { command } from '../helpers/command.ts';
import { parsePrometheus } from '../helpers/prometheus.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';
import type { Step } from '../fixtures/probe/steps.ts';

const SECRET = 'audit-test-secret-42';

let api: Api;
let upstream: Upstream;
beforeAll(async () => {
  upstream = await startUpstream((_request, response) => response.end('hello'));
  api = await openApi();
  await install(api, 'probe', grant());
  await api.call('POST', '/api/v1/organisations', { id: 'acme' });
});
afterAll(async () => {
  await api.close();
  await upstream.close();
});

function grant(more: Partial<Grant> = {}): Grant {
  return {
    http: { origins: [upstream.origin], privateNetworks: ['127.0.0.0/8'] },
    storage: false,
    limits: { callTimeoutMs: 3_000 },
    ...more,
  };
}

async function connect(steps: Step[], more: Record<string, unknown> = {}): Promise<string> {
  const config = { base_url: upstream.origin, steps };
  const made = await api.call('POST', '/api/v1/connections', { datasource: 'probe', config, credential: SECRET, ...more });
  expect(made.body).toMatchObject({ id: expect.any(String) });
  return made.body.id;
}

async function run(steps: Step[]): Promise<string> {
  const id = await connect(steps);
  await api.call('POST', `/api/v1/connections/${id}/runs`, { features: ['items'] });
  await api.work();
  return id;
}

async function audit(id: string, query = ''): Promise<{ status: number; body: { items: Record<string, unknown>[]; next?: string } }> {
  return api.call('GET', `/api/v1/connections/${id}/audit${query}`);
}

/** The record once it has an event of this kind: requests get there a moment after they ended. */
async function eventually(id: string, kind: string): Promise<Record<string, unknown>[]> {
  const read = async (): Promise<Record<string, unknown>[]> => (await audit(id, `?kind=${kind}`)).body.items;
  await expect.poll(read).not.toHaveLength(0);
  return read();
}

describe('GET /api/v1/connections/{id}/audit', () => {
  test('has each request with what came of it, without its query and without the credential', async () => {
    const id = await run([
      { do: 'http', url: `${upstream.origin}/a/${SECRET}/b?token=${SECRET}&q=private`, method: 'POST', body: '12345' },
    ]);
    const [event] = await eventually(id, 'request');
    expect(event).toMatchObject({
      kind: 'request',
      datasource: 'probe',
      request: { method: 'POST', origin: upstream.origin, path: '/a/[secret]/b', outcome: '200', bytesOut: 5, bytesIn: 5 },
    });
    expect(Date.parse(String(event?.at))).toBeGreaterThan(Date.now() - 60_000);
    expect(JSON.stringify((await audit(id)).body)).not.toMatch(/private|audit-test-secret|token/);
  });

  test('has a denial as soon as the datasource has heard of it, with the line that would allow it', async () => {
    const id = await run([{ do: 'http', url: 'https://elsewhere.example/x?y' }]);
    const [event] = (await audit(id, '?kind=denial')).body.items;
    expect(event).toMatchObject({
      request: { method: 'GET', origin: 'https://elsewhere.example', path: '/x', outcome: 'denied' },
      reason: expect.stringMatching(/not in the manifest: add it under capabilities.http .*https:\/\/elsewhere.example/),
    });
  });

  test('names the line of the grant for an origin that the manifest asks for', async () => {
    const other = 'http://127.0.0.1:9';
    const id = await connect([{ do: 'http', url: `${other}/` }], {
      config: { base_url: upstream.origin, other_url: other, steps: [{ do: 'http', url: `${other}/` }] },
    });
    await api.call('POST', `/api/v1/connections/${id}/runs`, { features: ['items'] });
    await api.work();
    const [event] = (await audit(id, '?kind=denial')).body.items;
    expect(event?.reason).toContain(`--allow ${other}`);
  });

  test('has a denied host call of another interface', async () => {
    const id = await run([{ do: 'put', collection: 'notes', key: 'a', value: 'b' }]);
    const [event] = (await audit(id, '?kind=denial')).body.items;
    expect(event).toMatchObject({ cause: 'storage', reason: expect.stringContaining('--storage') });
  });

  test('has a call that was ended for its time, with the limit', async () => {
    const id = await run([{ do: 'spin' }]);
    const [event] = (await audit(id, '?kind=kill')).body.items;
    expect(event).toMatchObject({ cause: 'timeout', reason: expect.stringMatching(/callTimeoutMs of 3000 ms/) });
  });

  test('has a process that was ended because somebody cancelled the run', async () => {
    // Time enough for a busy machine to cancel before the deadline does.
    await install(api, 'probe', grant({ limits: { callTimeoutMs: 60_000, maxCpuMs: 60_000 } }));
    const id = await connect([{ do: 'spin' }]);
    const started = await api.call('POST', `/api/v1/connections/${id}/runs`, { features: ['items'] });
    const work = api.work();
    const state = async (): Promise<unknown> => (await api.call('GET', `/api/v1/runs/${started.body.id}`)).body.state;
    await expect.poll(state).toBe('running');
    await api.call('POST', `/api/v1/runs/${started.body.id}/cancel`);
    await work;
    await install(api, 'probe', grant());
    const { items } = (await audit(id)).body;
    expect(items.filter(({ kind }) => kind === 'discard' || kind === 'kill')).toMatchObject([{ kind: 'discard', cause: 'cancelled' }]);
  });

  test('has each limit that a call met, with what was used of it', async () => {
    await install(api, 'probe', grant({ limits: { maxLogLines: 2 } }));
    const id = await run([{ do: 'log', lines: 5, message: 'hello' }]);
    const [event] = (await audit(id, '?kind=breach')).body.items;
    expect(event).toMatchObject({ cause: 'maxLogLines', reason: expect.stringContaining('the limit maxLogLines of 2') });
  });

  test('has how the grant of its datasource changed, and nothing when it did not', async () => {
    await install(api, 'probe', grant());
    const id = await connect([]);
    await install(api, 'probe', grant({ storage: true }));
    await install(api, 'probe', grant({ storage: true }));
    await install(api, 'probe', grant());
    const [last, before] = (await audit(id, '?kind=grant')).body.items;
    expect(last).toMatchObject({ grant: { granted: [], withdrawn: ['storage'] } });
    expect(before).toMatchObject({
      grant: { granted: ['storage'], withdrawn: [] },
      reason: expect.stringMatching(/version 1.0.0 .*sha256:/),
    });
  });

  test('comes in pages, newest first, whole and without doubles', async () => {
    const paths = [0, 1, 2, 3, 4, 5, 6];
    const id = await run(paths.map((n) => ({ do: 'http', url: `${upstream.origin}/${n}` })));
    await expect.poll(async () => (await audit(id, '?kind=request')).body.items.length).toBe(paths.length);
    const seen: unknown[] = [];
    let after = '';
    do {
      const { items, next } = (await audit(id, `?kind=request&limit=3${after}`)).body;
      seen.push(...items.map((item) => (item.request as { path: string }).path));
      after = next === undefined ? '' : `&after=${next}`;
    } while (after !== '');
    expect(seen).toEqual(paths.map((n) => `/${n}`).toReversed());
  });

  test('knows no connection of another organisation, and refuses kinds that there are not', async () => {
    const id = await connect([]);
    expect(await audit(id, '?organisation=acme')).toMatchObject({ status: 404, body: { code: 'UNKNOWN_CONNECTION' } });
    expect(await audit(id, '?kind=nope')).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } });
    expect(await audit(id, '?after=nope')).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } });
  });
});

describe('GET /metrics', () => {
  test('is what Prometheus reads, and agrees with the record', async () => {
    const before = parsePrometheus((await api.call('GET', '/metrics')).body);
    const id = await run([
      { do: 'http', url: `${upstream.origin}/1` },
      { do: 'http', url: `${upstream.origin}/2` },
      { do: 'http', url: 'https://elsewhere.example/' },
      { do: 'documents', count: 2, text: 'something' },
      { do: 'throw', message: 'as asked' },
    ]);
    await eventually(id, 'request');
    const response = await api.call('GET', '/metrics');
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const after = parsePrometheus(response.body);
    const grown = (series: string): number => (after.get(series) ?? 0) - (before.get(series) ?? 0);
    const { items } = (await audit(id, '?limit=200')).body;
    const count = (kind: string): number => items.filter((item) => item.kind === kind).length;
    expect(count('request')).toBeGreaterThan(1);
    expect(grown('lorelai_egress_requests_total{datasource="probe",outcome="2xx"}')).toBe(count('request'));
    expect(grown('lorelai_egress_requests_total{datasource="probe",outcome="denied"}')).toBe(count('denial'));
    expect(grown('lorelai_egress_duration_seconds_count{datasource="probe"}')).toBe(count('request'));
    expect(grown('lorelai_egress_bytes_total{datasource="probe",direction="in"}')).toBe(5 * count('request'));
    expect(grown('lorelai_denials_total{datasource="probe"}')).toBe(count('denial'));
    expect(grown('lorelai_runs_total{state="failed"}')).toBe(1);
    expect(after.get('lorelai_sandbox_processes')).toBeGreaterThanOrEqual(0);
    expect(after.get('lorelai_audit_dropped_total')).toBe(0);
  });

  test('counts kills by cause, and documents that were committed', async () => {
    const before = parsePrometheus((await api.call('GET', '/metrics')).body);
    const killed = await run([{ do: 'recurse' }]);
    await run([{ do: 'documents', count: 3, text: 'something {number}' }]);
    const after = parsePrometheus((await api.call('GET', '/metrics')).body);
    const kills = (await audit(killed, '?kind=kill')).body.items;
    expect(kills).toHaveLength(1);
    const series = `lorelai_sandbox_kills_total{cause="${String(kills[0]?.cause)}"}`;
    expect((after.get(series) ?? 0) - (before.get(series) ?? 0)).toBe(1);
    const documents = 'lorelai_documents_total{datasource="probe",change="upserted"}';
    expect((after.get(documents) ?? 0) - (before.get(documents) ?? 0)).toBe(3);
  });
});

describe('datasources audit', () => {
  test('prints events of a connection by its name, and nothing that could write to the terminal', async () => {
    const name = 'printed';
    const forged = '\u001b[2J\u202e\n2026 grant granted all';
    const config = {
      base_url: upstream.origin,
      steps: [
        { do: 'http', url: 'https://elsewhere.example/' },
        { do: 'put', collection: forged, key: 'a', value: 'b' },
      ],
    };
    const id = await connect([], { name, config });
    await api.call('POST', `/api/v1/connections/${id}/runs`, { features: ['items'] });
    await api.work();
    const { exitCode, stdout } = await command(['audit', name, '--data-dir', api.dataDir]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/denial +GET https:\/\/elsewhere.example\/ denied, .* is not in the manifest/);
    expect(stdout).toMatch(/denial +storage; .*granted all/);
    // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  });

  test('gives JSON with --json, one kind with --kind and no more than --limit', async () => {
    const id = await run([
      { do: 'http', url: 'https://elsewhere.example/1' },
      { do: 'http', url: 'https://elsewhere.example/2' },
    ]);
    const { stdout } = await command(['audit', id, '--kind', 'denial', '--limit', '1', '--json', '--data-dir', api.dataDir]);
    expect(JSON.parse(stdout)).toMatchObject({ connection: id, items: [{ kind: 'denial', request: { path: '/2' } }] });
    expect((await command(['audit', id, '--kind', 'nope', '--data-dir', api.dataDir])).exitCode).toBe(2);
    expect((await command(['audit', id, '--limit', '0', '--data-dir', api.dataDir])).exitCode).toBe(2);
    expect((await command(['audit', id, '--organisation', 'acme', '--json', '--data-dir', api.dataDir])).stderr).toContain(
      'UNKNOWN_CONNECTION',
    );
  });
});
