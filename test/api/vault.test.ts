import { rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import Libsql from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMasterKeys } from '../../host/services/vault/master-keys.ts';
import { type Api, openApi } from '../helpers/api.ts';
import { type CommandResult, command } from '../helpers/command.ts';
import { installOAuthProbe, loopbackGrant } from '../helpers/oauth-datasource.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';

let api: Api;
let source: Upstream;

beforeEach(async () => {
  api = await openApi();
  source = await startUpstream((_, response) => response.end('{}'));
  const oauth = {
    flows: ['client_credentials'],
    token_endpoint: '{auth_url.origin}/token',
    client_id: 'CLIENT_ID',
    client_secret: 'CLIENT_SECRET',
  };
  await installOAuthProbe(api.services, { oauth }, loopbackGrant({ http: [source.origin] }), { CLIENT_SECRET: 'the-secret-of-all' });
});

afterEach(async () => {
  await api.close();
  await source.close();
});

async function connect(credential: string): Promise<string> {
  const steps = [{ do: 'http', url: `${source.origin}/` }];
  const { body } = await api.call('POST', '/api/v1/connections', {
    datasource: 'probe',
    credential,
    config: { base_url: source.origin, steps },
  });
  return body.id;
}

async function credentialUsed(id: string): Promise<string | undefined> {
  await api.call('POST', `/api/v1/connections/${id}/runs`, {});
  await api.work();
  return source.requests.at(-1)?.headers.authorization;
}

/** Another process beside the host that runs. */
const vault = (...args: string[]): Promise<CommandResult> => command(['vault', ...args, '--json', '--data-dir', api.dataDir]);

describe('rotating the master key', () => {
  it('wraps everything anew while a host goes on, and the old key can be retired then', async () => {
    const id = await connect('sealed-before-1');
    const before = JSON.parse((await vault('status')).stdout);
    expect(before).toMatchObject({ keys: [{ seals: true, values: 2 }], withoutKeyId: 0, lost: [] });
    const rotated = JSON.parse((await vault('rotate')).stdout);
    expect(rotated).toMatchObject({
      rewrapped: 2,
      failed: 0,
      status: {
        keys: [
          { seals: true, values: 2 },
          { seals: false, values: 0 },
        ],
      },
    });
    expect(await credentialUsed(id)).toBe('Bearer sealed-before-1');
    expect(await credentialUsed(await connect('sealed-after-1'))).toBe('Bearer sealed-after-1');
    expect((await vault('retire')).stderr).toContain('CONFLICT');
    const anHourAgo = new Date(Date.now() - 3_600_000);
    await utimes(join(api.dataDir, 'master.key'), anHourAgo, anHourAgo);
    expect(JSON.parse((await vault('retire')).stdout).status.keys).toHaveLength(1);
    expect(await credentialUsed(id)).toBe('Bearer sealed-before-1');
    const values = await api.services.variables.list(undefined, 'probe');
    expect(values.find(({ name }) => name === 'CLIENT_SECRET')).toMatchObject({ setFor: 'host' });
  });

  it('that was left half-way is finished by any host', async () => {
    await connect('sealed-before-2');
    await vault('rotate', '--keep-key');
    // A new first key, and nothing wrapped under it: as a host leaves it that is killed then.
    await createMasterKeys({ dataDir: api.dataDir }).add();
    const database = new Libsql(join(api.dataDir, 'lorelai.db'));
    database.exec('UPDATE vault_rotation SET due_ms = 0');
    database.close();
    const stop = new AbortController();
    const working = api.keepAuthorisations(stop.signal);
    await expect.poll(async () => JSON.parse((await vault('status')).stdout).keys[1].values, { timeout: 30_000 }).toBe(0);
    stop.abort();
    await working;
  });

  it('tells of values whose key is gone', async () => {
    await connect('sealed-before-3');
    await rm(join(api.dataDir, 'master.key'));
    const status = await vault('status');
    expect(status.exitCode).toBe(1);
    expect(JSON.parse(status.stdout)).toMatchObject({ lost: [{ values: 2 }] });
  });
});

describe('variables on the command line', () => {
  it('are set from stdin, listed without their values, and forgotten', async () => {
    const run = (args: string[], stdin?: string) => command([...args, '--data-dir', api.dataDir], stdin === undefined ? {} : { stdin });
    expect((await run(['variable', 'probe', 'CLIENT_ID', '--value-stdin'], 'the-canary-id\n')).exitCode).toBe(0);
    const listed = await run(['variable', 'probe']);
    expect(listed.stdout).toMatch(/CLIENT_ID\s+set/);
    expect(listed.stdout).not.toContain('canary');
    expect((await api.services.variables.list(undefined, 'probe')).map(({ setFor }) => setFor)).toEqual(['host', 'host']);
    expect((await run(['variable', 'probe', 'CLIENT_ID', '--forget'])).stdout).toMatch(/CLIENT_ID\s+not set/);
    expect((await run(['variable', 'probe', 'CLIENT_ID'])).exitCode).toBe(2);
  });
});
