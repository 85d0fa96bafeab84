import { once } from 'node:events';
import { createServer } from 'node:http';
import { generateKeyPair, exportJWK } from 'jose';
import { Provider } from 'oidc-provider';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { COMMAND_LINE } from '../../host/domain/caller.ts';
import { openApi, type Api } from '../helpers/api.ts';
import { freePort } from '../helpers/free-port.ts';

/** What the tokens are for, as the provider knows this host. */
const RESOURCE = 'urn:example:datasources';

let api: Api;
let issuer: string;
let close: () => Promise<void>;

beforeAll(async () => {
  const port = await freePort();
  issuer = `http://127.0.0.1:${port}`;
  const provider = new Provider(issuer, await configuration());
  const server = createServer(provider.callback());
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  api = await openApi({
    LORELAI_OIDC_ISSUER: issuer,
    LORELAI_OIDC_AUDIENCE: 'datasources',
    LORELAI_OIDC_SCOPES: 'assist=reader+on-behalf-of,manage=admin',
    LORELAI_OIDC_ORGANISATION: 'claim:organisation',
  });
  await api.services.organisations.create({ id: 'acme' }, COMMAND_LINE);
});
afterAll(async () => {
  await api.close();
  await close();
});

async function configuration(): Promise<ConstructorParameters<typeof Provider>[1]> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  return {
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: 'one', alg: 'ES256', use: 'sig' }] },
    clients: [
      {
        client_id: 'assistant',
        client_secret: 'a secret of the assistant',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
        token_endpoint_auth_method: 'client_secret_post',
        id_token_signed_response_alg: 'ES256',
      },
    ],
    extraTokenClaims: () => ({ organisation: 'acme' }),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        getResourceServerInfo: (_context, resource) => ({
          scope: 'assist manage',
          audience: resource === RESOURCE ? 'datasources' : 'somebody-else',
          accessTokenFormat: 'jwt',
          accessTokenTTL: 300,
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  };
}

async function tokenFor(scope: string, resource = RESOURCE): Promise<string> {
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: 'assistant',
    client_secret: 'a secret of the assistant',
    scope,
    resource,
  });
  const response = await fetch(`${issuer}/token`, { method: 'POST', body: form });
  const body: unknown = await response.json();
  if (typeof body === 'object' && body !== null && 'access_token' in body) return String(body.access_token);
  throw new Error(JSON.stringify(body));
}

const retrieve = (as: string, more: object = {}) => api.call('POST', '/api/v1/retrieve', { question: 'keys?', ...more }, { as });

test('a token that a provider gave is a caller of its organisation with the scopes of its words', async () => {
  const as = await tokenFor('assist');
  expect((await retrieve(as)).status).toBe(200);
  expect((await retrieve(as, { organisation: 'acme' })).status).toBe(200);
  expect((await retrieve(as, { organisation: 'default' })).body).toMatchObject({ code: 'UNKNOWN_ORGANISATION' });
  expect((await api.call('GET', '/api/v1/connections', undefined, { as })).body).toMatchObject({ code: 'FORBIDDEN' });
});

test('what it changes is in the log under its issuer and subject', async () => {
  const as = await tokenFor('manage');
  expect((await api.call('POST', '/api/v1/keys', { name: 'made by a token', scopes: ['reader'] }, { as })).status).toBe(201);
  const { items } = await api.services.changes.list('acme', { limit: 1 });
  expect(items).toMatchObject([{ action: 'key.create', actor: { kind: 'token', id: `${issuer}|assistant` } }]);
});

test('a token for another host of the same provider is refused', async () => {
  expect((await retrieve(await tokenFor('assist', 'urn:example:payroll'))).body).toMatchObject({ code: 'UNAUTHENTICATED', status: 401 });
  expect(api.logged()).not.toContain('eyJ');
});
