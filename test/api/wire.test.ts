import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApp } from '../../host/app.ts';
import { readConfig } from '../../host/config.ts';
import { listen, type Listener } from '../../host/listen.ts';
import { createLog } from '../../host/log.ts';
import { strictApiSchemas } from '../helpers/api-schema.ts';
import { edgeServices } from '../helpers/edge.ts';

const faults = strictApiSchemas();
const log = createLog({ level: 'silent', pretty: false, write: () => undefined });
let listener: Listener;

function listenAnywhere(port = 0): Promise<Listener> {
  const services = edgeServices({ retrieval: { retrieve: async () => ({ hits: [], failures: [], missing: [], tookMs: 0 }) } });
  return listen(createApp(services, { log, config: readConfig({}) }), { host: '127.0.0.1', port, log });
}

beforeAll(async () => {
  listener = await listenAnywhere();
});
afterAll(() => listener.close(0));

/** Sends bytes as they are and gives what comes back until the server closes. */
async function send(bytes: string | Buffer): Promise<{ status: number; headers: string; body: string }> {
  const socket = connect(Number(new URL(listener.url).port), '127.0.0.1');
  await once(socket, 'connect');
  socket.on('error', () => undefined);
  socket.end(bytes);
  const [headers = '', body = ''] = (await text(socket)).split('\r\n\r\n');
  return { status: Number(headers.split(' ')[1]), headers, body };
}

const HOST = 'Host: 127.0.0.1\r\nConnection: close';

describe('bytes that are no proper request end in a problem', () => {
  test.each<[string, string | Buffer, number, string]>([
    ['nonsense', 'hello there\r\n\r\n', 400, 'INVALID_REQUEST'],
    ['a header without a colon', 'GET / HTTP/1.1\r\nHost 127.0.0.1\r\n\r\n', 400, 'INVALID_REQUEST'],
    ['no Host header under HTTP/1.0', 'GET /healthz HTTP/1.0\r\n\r\n', 400, 'INVALID_REQUEST'],
    ['a Host header that is no host', 'GET /healthz HTTP/1.1\r\nHost: a b@c\r\nConnection: close\r\n\r\n', 400, 'INVALID_REQUEST'],
    ['a Host header of another machine', 'GET /healthz HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n', 403, 'FORBIDDEN_HOST'],
    ['an address of another machine', `GET http://evil.example/healthz HTTP/1.1\r\n${HOST}\r\n\r\n`, 403, 'FORBIDDEN_HOST'],
    ['huge headers', `GET / HTTP/1.1\r\n${HOST}\r\nX-Long: ${'a'.repeat(20_000)}\r\n\r\n`, 431, 'HEADERS_TOO_LARGE'],
    ['a huge address', `GET /${'a'.repeat(20_000)} HTTP/1.1\r\n${HOST}\r\n\r\n`, 431, 'HEADERS_TOO_LARGE'],
    ['a broken percent-encoding', `GET /api/v1/runs/%E0%A4%A HTTP/1.1\r\n${HOST}\r\n\r\n`, 400, 'INVALID_REQUEST'],
    [
      'two lengths',
      `POST /api/v1/retrieve HTTP/1.1\r\n${HOST}\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab`,
      400,
      'INVALID_REQUEST',
    ],
    [
      'a length and chunks',
      `POST /api/v1/retrieve HTTP/1.1\r\n${HOST}\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
      'INVALID_REQUEST',
    ],
    ['an asterisk', `OPTIONS * HTTP/1.1\r\n${HOST}\r\n\r\n`, 400, 'INVALID_REQUEST'],
    [
      'a body that is announced as too large',
      `POST /api/v1/retrieve HTTP/1.1\r\n${HOST}\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n{`,
      413,
      'BODY_TOO_LARGE',
    ],
  ])('%s', async (_name, bytes, status, code) => {
    const response = await send(bytes);
    expect(response.status).toBe(status);
    expect(response.headers.toLowerCase()).toContain('content-type: application/problem+json');
    const body: unknown = JSON.parse(response.body);
    expect(faults('Problem', body)).toEqual([]);
    expect(body).toMatchObject({ code, status });
  });
});

test('a body in chunks reaches its route', async () => {
  const chunks = ['{"quest', 'ion":"x"}'].map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('');
  const response = await send(
    `POST /api/v1/retrieve HTTP/1.1\r\n${HOST}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`,
  );
  expect(response.status).toBe(200);
});

test('a body in chunks is cut off at the limit', async () => {
  const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`;
  const response = await send(
    `POST /api/v1/retrieve HTTP/1.1\r\n${HOST}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(20)}0\r\n\r\n`,
  );
  expect(response.status).toBe(413);
});

test('a port that is taken is PORT_IN_USE, with the port and a remedy', async () => {
  const port = Number(new URL(listener.url).port);
  await expect(listenAnywhere(port)).rejects.toMatchObject({
    code: 'PORT_IN_USE',
    message: `Port ${port} on 127.0.0.1 is taken by another program.`,
    remedy: expect.stringContaining('PORT'),
  });
});

test('a closed listener has let its last request end', async () => {
  const started = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const services = edgeServices({
    organisations: {
      list: async () => {
        started.resolve();
        await held.promise;
        return { items: [], next: undefined };
      },
    },
  });
  const app = createApp(services, { log, config: readConfig({}) });
  const own = await listen(app, { host: '127.0.0.1', port: 0, log });
  const response = fetch(`${own.url}/api/v1/organisations`);
  await started.promise;
  const closed = own.close(10_000);
  await expect(fetch(`${own.url}/healthz`)).rejects.toThrow();
  held.resolve();
  expect((await response).status).toBe(200);
  await closed;
});
