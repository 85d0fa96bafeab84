import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../host/config.ts';
import { ensureDefaultOrganisation } from '../../host/default-organisation.ts';
import { COMMAND_LINE } from '../../host/domain/caller.ts';
import { createLog } from '../../host/log.ts';
import { openServices } from '../../host/services/open.ts';
import { type AuthorizationServer, CLIENT, startAuthorizationServer } from '../helpers/authorization-server.ts';
import { openBrowser } from '../helpers/browser.ts';
import { callApi } from '../helpers/api-client.ts';
import { type HostProcess, startHostProcess } from '../helpers/host-process.ts';
import { installOAuthProbe, loopbackGrant } from '../helpers/oauth-datasource.ts';
import { visitor } from '../helpers/visitor.ts';

const PUBLIC_URL = 'http://127.0.0.1:8799';
const REDIRECT_URI = `${PUBLIC_URL}/api/v1/authorisations/callback`;
/** Refreshed at half of it. */
const TOKEN_SECONDS = 8;

interface Status {
  state: string;
  reason?: string;
  expiresAt: string;
}

let scratch: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'token-kill-'));
});

afterAll(() => rm(scratch, { recursive: true, force: true }));

/** A data folder with a connection that somebody has authorised. */
async function prepare(server: AuthorizationServer): Promise<{ id: string; startHost: () => Promise<HostProcess> }> {
  const dataDir = await mkdtemp(join(scratch, 'data-'));
  const config = readConfig({ DATA_DIR: dataDir, LORELAI_PUBLIC_URL: PUBLIC_URL });
  const { services, close } = await openServices(config, createLog({ level: 'error', pretty: false, write: () => undefined }));
  try {
    await ensureDefaultOrganisation(services);
    const oauth = { issuer: '{auth_url.origin}', client_id: 'CLIENT_ID', client_secret: 'CLIENT_SECRET', extra_scopes: ['offline_access'] };
    const grant = loopbackGrant({ authorisation: [server.issuer] });
    await installOAuthProbe(services, { oauth }, grant, { CLIENT_ID: CLIENT.id, CLIENT_SECRET: CLIENT.secret });
    const { id } = await services.connections.create('default', { datasource: 'probe', config: { auth_url: server.issuer } }, COMMAND_LINE);
    const { attempt } = await services.authorisations.begin('default', id, {}, COMMAND_LINE);
    const ticket = new URL(attempt?.authorizationUrl ?? '').searchParams.get('ticket') ?? '';
    const on = await services.authorisations.followLink('start', ticket, { requestId: undefined, origin: undefined });
    const back = await openBrowser().follow(on?.url ?? '', REDIRECT_URI);
    const cookies = { [on?.cookie.name ?? '']: on?.cookie.secret ?? '' };
    expect(await services.authorisations.finish(back.searchParams, { kind: 'browser', cookies })).toMatchObject({ ok: true });
    const env = { LORELAI_PUBLIC_URL: PUBLIC_URL, LOG_LEVEL: 'warn' };
    return { id, startHost: () => startHostProcess({ dataDir, env }) };
  } finally {
    await close();
  }
}

const statusAt = (host: HostProcess, id: string): Promise<Status> => callApi(`${host.url}/api/v1/connections/${id}/authorisation`);

/** Resolves when the server has made new tokens and none of them has been sent: `then` is awaited before the answer goes. */
function nextAnswer(server: AuthorizationServer, then: () => Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    server.onTokenAnswer(async () => {
      server.onTokenAnswer(() => undefined);
      await then();
      resolve();
    });
  });
}

// At the same time: both wait for the lease of a host that is no more.
describe.concurrent('a host that is killed between the answer of a source and its commit', () => {
  it('loses nothing where the source takes the old refresh token once more', async () => {
    const server = await startAuthorizationServer({ redirectUris: [REDIRECT_URI], accessTokenSeconds: TOKEN_SECONDS, rotates: false });
    try {
      const { id, startHost } = await prepare(server);
      const first = await startHost();
      await nextAnswer(server, () => first.kill());
      const second = await startHost();
      const before = await statusAt(second, id);
      // The lease of the first must run out before, at the latest after half a minute.
      await expect.poll(async () => (await statusAt(second, id)).expiresAt, { timeout: 90_000, interval: 500 }).not.toBe(before.expiresAt);
      expect(await statusAt(second, id)).toMatchObject({ state: 'active' });
      expect(await second.stop()).toBe(0);
    } finally {
      await server.close();
    }
  }, 180_000);

  it('says what happened where the source ends the whole family, and goes on when authorised again', async () => {
    const server = await startAuthorizationServer({ redirectUris: [REDIRECT_URI], accessTokenSeconds: TOKEN_SECONDS });
    try {
      const { id, startHost } = await prepare(server);
      const first = await startHost();
      await nextAnswer(server, () => first.kill());
      const second = await startHost();
      await expect.poll(async () => (await statusAt(second, id)).state, { timeout: 90_000, interval: 500 }).toBe('paused');
      expect((await statusAt(second, id)).reason).toMatch(/invalid_grant.*A refresh at .* did not come to its end/);
      const begun: { attempt: { authorizationUrl: string } } = await callApi(`${second.url}/api/v1/connections/${id}/authorisation`, {
        method: 'POST',
        body: {},
      });
      const person = visitor((path, init) => fetch(`${second.url}${path}`, init));
      const back = await openBrowser().follow(await person.goOn(begun.attempt.authorizationUrl), REDIRECT_URI);
      expect(await person.comeBack(back)).toContain('Authorised');
      expect(await statusAt(second, id)).toMatchObject({ state: 'active' });
      expect(await second.stop()).toBe(0);
    } finally {
      await server.close();
    }
  }, 180_000);
});

describe('a host that is asked to stop in the middle of a refresh', () => {
  it('writes the answer before it ends', async () => {
    const server = await startAuthorizationServer({ redirectUris: [REDIRECT_URI], accessTokenSeconds: TOKEN_SECONDS });
    try {
      const { id, startHost } = await prepare(server);
      const first = await startHost();
      let stopped: Promise<number | null> | undefined;
      await nextAnswer(server, async () => {
        stopped = first.stop();
        await sleep(500);
      });
      expect(await stopped).toBe(0);
      const second = await startHost();
      expect(Date.parse((await statusAt(second, id)).expiresAt)).toBeGreaterThan(Date.now());
      await expect
        .poll(() => server.tokenRequests.filter((grant) => grant === 'refresh_token').length, { timeout: 60_000 })
        .toBeGreaterThan(1);
      expect(await statusAt(second, id)).toMatchObject({ state: 'active' });
      expect(await second.stop()).toBe(0);
    } finally {
      await server.close();
    }
  }, 120_000);
});
