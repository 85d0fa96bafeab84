import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { remoteHost } from '../../../host/cli/remote/remote-host.ts';
import { command } from '../../helpers/command.ts';

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
}

const signal = new AbortController().signal;

test.each([
  ['never answers', () => {}],
  [
    'never comes to the end of its answer',
    (_, response) => void response.writeHead(200, { 'content-type': 'application/json' }).write('{"items":['),
  ],
] satisfies [string, RequestListener][])('a host that %s is given up', async (_, listener) => {
  const url = await serve(listener);
  const host = remoteHost({ url, key: 'k', signal, answerMs: 200 });
  const slow = { code: 'UPSTREAM_FAULT', message: expect.stringMatching(/takes too long to answer|does not answer/) };
  await expect(host.ask(host.client.GET('/api/v1/organisations'))).rejects.toMatchObject(slow);
});

test('a host that never answers is given up before it is sent a change', async () => {
  const asked: string[] = [];
  const url = await serve(({ method, url: path }) => void asked.push(`${method} ${path}`));
  const host = remoteHost({ url: `${url}/below/`, key: 'k', signal, answerMs: 200 });
  const change = host.ask(host.client.POST('/api/v1/retrieve', { body: { question: 'x' } }));
  await expect(change).rejects.toMatchObject({ code: 'UPSTREAM_FAULT', message: expect.stringContaining('takes too long') });
  expect(asked).toEqual(['GET /below/healthz']);
});

test('a host that answers may take its time with a change', async () => {
  const url = await serve((request, response) => {
    const body = '{"hits":[],"missing":[]}';
    const answer = (): void => void response.writeHead(200, { 'content-type': 'application/json' }).end(body);
    if (request.method === 'GET') answer();
    else setTimeout(answer, 600);
  });
  const host = remoteHost({ url, key: 'k', signal, answerMs: 200 });
  expect(await host.ask(host.client.POST('/api/v1/retrieve', { body: { question: 'x' } }))).toMatchObject({ hits: [] });
});

test('what is no host of datasources is told from one that is away', async () => {
  const url = await serve((_, response) => void response.end('<html>'));
  expect(await command(['list', '--url', url], { env: { LORELAI_HOST_KEY: 'k' } })).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/answers with something that is no JSON.*\n +remedy: Check the address/),
  });
});

test('Ctrl-C ends a command whose host does not answer', async () => {
  const stop = new AbortController();
  const url = await serve(() => stop.abort());
  expect(await command(['list', '--url', url], { env: { LORELAI_HOST_KEY: 'k' }, signal: stop.signal })).toMatchObject({
    exitCode: 130,
    stderr: expect.stringContaining('Stopped.'),
  });
});

test.each(['--url', '--data-dir', '--key-file'])('an empty %s is refused, and not taken for the default', async (option) => {
  expect(await command(['list', option, ''])).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(`${option} is empty.`) });
});
