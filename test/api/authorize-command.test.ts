import { afterAll, beforeAll, expect, test } from 'vitest';
import { openApi, type Api } from '../helpers/api.ts';
import { ACCOUNT, type AuthorizationServer, startAuthorizationServer } from '../helpers/authorization-server.ts';
import { openBrowser } from '../helpers/browser.ts';
import { command, type CommandResult } from '../helpers/command.ts';
import { freePort } from '../helpers/free-port.ts';
import { installProbeForPeople } from '../helpers/oauth-datasource.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';
import { visitor } from '../helpers/visitor.ts';

let port: number;
let server: AuthorizationServer;
let source: Upstream;
let api: Api;
/** Whether the source takes no token. */
let refuses = false;

beforeAll(async () => {
  port = await freePort();
  server = await startAuthorizationServer({ redirectUris: [`http://127.0.0.1:${port}/api/v1/authorisations/callback`] });
  source = await startUpstream((_, response) => response.writeHead(refuses ? 401 : 200).end('{}'));
  api = await openApi({ PORT: String(port) });
  await installProbeForPeople(api.services, server, [source.origin]);
  const steps = [{ do: 'http', url: `${source.origin}/x`, minds401: true }];
  const config = { auth_url: server.issuer, base_url: source.origin, steps };
  await api.call('POST', '/api/v1/connections', { datasource: 'probe', name: 'handbook', config });
});
afterAll(async () => {
  await api.close();
  await server.close();
  await source.close();
});

const datasources = (args: readonly string[], onStderr?: (text: string) => void): Promise<CommandResult> =>
  command(args, { env: { DATA_DIR: api.dataDir, PORT: String(port) }, ...(onStderr === undefined ? {} : { onStderr }) });

/** Runs `authorize` and does what it asks for, in a browser that really asks the server of the command. */
async function authorize(browse: (link: string) => Promise<unknown>): Promise<CommandResult> {
  let browsing: Promise<unknown> | undefined;
  const result = await datasources(['authorize', 'handbook'], (text) => {
    const [link] = /http:\S+start\?ticket=\S+/.exec(text) ?? [];
    if (link !== undefined) browsing ??= browse(link);
  });
  await browsing;
  return result;
}

test('authorize waits for the browser itself where no host does, and says who agreed', async () => {
  const done = await authorize(async (link) => {
    const person = visitor((path, init) => fetch(new URL(path, link), init));
    expect(await person.look(link)).toContain('the command line of this host');
    const back = await openBrowser().follow(await person.goOn(link), `http://127.0.0.1:${port}/`);
    expect(await person.comeBack(back)).toContain('Authorised');
  });
  expect(done).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`Authorised handbook as ${ACCOUNT}@acme.example`) });
});

test('authorize ends with 1 when the answer came in another browser', async () => {
  const done = await authorize(async (link) => {
    const ask = (path: string, init: RequestInit): Promise<Response> => fetch(new URL(path, link), init);
    const back = await openBrowser().follow(await visitor(ask).goOn(link), `http://127.0.0.1:${port}/`);
    await visitor(ask).comeBack(back);
  });
  expect(done).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('another browser') });
});

test('status and schedule give the link that brings it back, once the source has ended it', async () => {
  const well = await datasources(['authorize', 'handbook', '--status']);
  expect(well).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^handbook \(\w+\): active, as ada@acme\.example/) });
  await server.forgetGrants();
  refuses = true;
  await datasources(['index', 'handbook']);
  const ended = await datasources(['authorize', 'handbook', '--status']);
  const [link = 'none'] = /http:\S+reconnect\?ticket=\S+/.exec(ended.stdout) ?? [];
  expect(ended).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('invalid_grant') });
  expect(link).toContain(`http://127.0.0.1:${port}/`);
  expect((await datasources(['schedule', 'handbook'])).stdout).toContain(`To authorise it again, open: ${link}`);
  const json: unknown = JSON.parse((await datasources(['authorize', 'handbook', '--status', '--json'])).stdout);
  expect(json).toMatchObject({ state: 'paused', reconnectUrl: link });
});
