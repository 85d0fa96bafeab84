import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COMMAND_LINE } from '../../host/domain/caller.ts';
import { CHAIN_START, chainHash } from '../../host/store/chain.ts';
import { install, openApi, type Api } from '../helpers/api.ts';
import { command } from '../helpers/command.ts';
import { inspectFile } from '../unit/store/fixture.ts';

let api: Api;

beforeAll(async () => {
  api = await openApi();
  await api.services.organisations.create({ id: 'acme' }, COMMAND_LINE);
  await install(api, 'hello');
});
afterAll(() => api.close());

interface ChangeBody {
  action: string;
  target: string;
}

async function newest(organisation: string, count: number): Promise<ChangeBody[]> {
  return (await api.call('GET', `/api/v1/changes?organisation=${organisation}&limit=${count}`)).body.items;
}

describe('the log of changes', () => {
  test('has who changed what, from what to what, by which request, and never the credential', async () => {
    const operator = await api.keyWith(['operator'], 'acme');
    const headers = { 'x-request-id': 'made-it' };
    const made = await api.call('POST', '/api/v1/connections', { datasource: 'hello', name: 'one' }, { as: operator, headers });
    await api.call('PATCH', `/api/v1/connections/${made.body.id}`, { name: 'two', credential: 'canary-1' }, { as: operator });
    await api.call('DELETE', `/api/v1/connections/${made.body.id}`, undefined, { as: operator });
    const [removed, changed, created] = await newest('acme', 3);
    const target = `connection/${made.body.id}`;
    expect(created).toMatchObject({
      action: 'connection.create',
      target,
      actor: { kind: 'key', requestId: 'made-it' },
      after: { name: 'one' },
    });
    expect(changed).toMatchObject({
      action: 'connection.change',
      before: { name: 'one' },
      after: { name: 'two', credentialReplaced: true },
    });
    expect(removed).toMatchObject({ action: 'connection.remove', before: { name: 'two' } });
    expect(JSON.stringify(await newest('acme', 200))).not.toContain('canary-1');
  });

  test('has what concerns the whole host apart, which an organisation does not see', async () => {
    await api.call('POST', '/api/v1/datasources/hello/features/notes', { enabled: true });
    const { body } = await api.call('GET', '/api/v1/changes');
    expect(body.items.map(({ action }: ChangeBody) => action)).toContain('datasource.install');
    const admin = await api.keyWith(['admin'], 'acme');
    const own = await api.call('GET', '/api/v1/changes?limit=200', undefined, { as: admin });
    expect(new Set(own.body.items.map(({ organisation }: { organisation?: string }) => organisation))).toEqual(new Set(['acme']));
    expect((await api.call('GET', '/api/v1/changes?organisation=default', undefined, { as: admin })).status).toBe(404);
  });

  test('has nothing of what failed', async () => {
    const before = await newest('acme', 1);
    await api.call('POST', '/api/v1/connections', { organisation: 'acme', datasource: 'nothing' });
    await api.call('PATCH', '/api/v1/connections/01KATM4X7Z6V0R1Q2W3E4R5T6Y?organisation=acme', { name: 'x' });
    expect(await newest('acme', 1)).toEqual(before);
  });

  test('is exported as lines that anybody can verify', async () => {
    const { headers, body } = await api.call('GET', '/api/v1/changes/export?organisation=acme');
    expect(headers.get('content-type')).toBe('application/x-ndjson');
    const lines: { sequence: number; entry: string; previous: string; hash: string }[] = body
      .trim()
      .split('\n')
      .map((line: string) => JSON.parse(line));
    expect(lines.length).toBeGreaterThan(3);
    let previous: Uint8Array = new Uint8Array(CHAIN_START);
    for (const [index, line] of lines.entries()) {
      expect(line).toMatchObject({ sequence: index + 1, previous: Buffer.from(previous).toString('hex') });
      previous = chainHash(previous, line.sequence, line.entry);
      expect(line.hash).toBe(Buffer.from(previous).toString('hex'));
    }
    const verdict = await api.call('GET', '/api/v1/changes/verification?organisation=acme');
    expect(verdict.body).toEqual({ organisation: 'acme', entries: lines.length, head: lines.at(-1)?.hash, intact: true });
  });
});

const run = (...args: string[]) => command(['audit', ...args, '--data-dir', api.dataDir]);

describe('datasources audit', () => {
  test('shows and exports the same log', async () => {
    const { stdout } = await run('changes', '--organisation', 'acme');
    expect(stdout).toContain('connection.create');
    const exported = await run('export', '--organisation', 'acme');
    expect(exported.stdout).toBe((await api.call('GET', '/api/v1/changes/export?organisation=acme')).body);
  });

  test('verify ends with 0 while all is well, and with 1 once an entry was altered or the end cut off', async () => {
    const whole = await run('verify');
    expect([whole.exitCode, whole.stdout]).toEqual([0, expect.stringMatching(/^the host: intact, head \d+:[0-9a-f]{64}\n/)]);
    const [, head = ''] = /acme: intact, head (\S+)/.exec(whole.stdout) ?? [];
    expect((await run('verify', '--organisation', 'acme', '--head', head)).exitCode).toBe(0);
    inspectFile(`${api.dataDir}/lorelai.db`, (direct) =>
      direct.exec(
        `DROP TRIGGER changes_are_kept; DELETE FROM changes WHERE chain = 'acme' AND sequence = (SELECT max(sequence) FROM changes WHERE chain = 'acme')`,
      ),
    );
    expect((await run('verify')).exitCode).toBe(0);
    const cut = await run('verify', '--organisation', 'acme', '--head', head);
    expect([cut.exitCode, cut.stdout]).toEqual([1, expect.stringContaining('not in the log any more')]);
    inspectFile(`${api.dataDir}/lorelai.db`, (direct) =>
      direct.exec(`DROP TRIGGER changes_stay; UPDATE changes SET entry = replace(entry, 'hello', 'hullo') WHERE chain = ''`),
    );
    const altered = await run('verify');
    expect([altered.exitCode, altered.stdout]).toEqual([1, expect.stringContaining('the host: BROKEN at entry')]);
  });
});
