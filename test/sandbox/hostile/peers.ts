import type { Socket } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { expect } from 'vitest';
import type { Limits } from '../../../host/domain/limits.ts';
import type { Step } from '../../fixtures/probe/steps.ts';
import type { Hostile, HostileTable } from '../../helpers/hostile.ts';
import { startRawUpstream, startUpstream, type Upstream } from '../../helpers/upstream.ts';

const MiB = 1024 * 1024;
const SECRET = 'a-secret-of-the-quiet-kind-0123456789';
const opened: Upstream[] = [];

/** Hangs up on everybody. */
export async function closePeers(): Promise<void> {
  await Promise.all(opened.splice(0).map((upstream) => upstream.close()));
}

type Ask = Omit<Step & { do: 'http' }, 'do' | 'url'> & { path?: string };

interface Peer {
  /** What `probe` asks of it. */
  ask?: Ask;
  limits?: Partial<Limits>;
  secret?: string;
}

async function keep(starting: Promise<Upstream>): Promise<Upstream> {
  const upstream = await starting;
  opened.push(upstream);
  return upstream;
}

function peer(name: string, start: () => Promise<Upstream>, told: object, { ask = {}, limits, secret }: Peer = {}): Hostile {
  const attempt = async (): Promise<Awaited<ReturnType<Hostile['attempt']>>> => {
    const { origin } = await keep(start());
    const { path = '/', ...rest } = ask;
    const steps: Step[] = [{ do: 'http', url: `${origin}${path}`, ...rest }];
    return {
      kind: 'probe',
      steps,
      origins: [origin],
      limits: { requestTimeoutMs: 400, maxResponseBytes: MiB, ...limits },
      ...(secret === undefined ? {} : { secret }),
    };
  };
  return { name, attempt, expected: { ended: 'result', said: [told] } };
}

/** It says these bytes to whoever has asked, and the rest is up to `then`. */
function raw(bytes: string | Uint8Array, then: (socket: Socket) => void = () => undefined): () => Promise<Upstream> {
  return () => startRawUpstream((socket) => socket.once('data', () => socket.write(bytes, () => then(socket))));
}

function drip(socket: Socket, text: string): void {
  const timer = setInterval(() => socket.write(text), 20);
  socket.on('close', () => clearInterval(timer));
}

function coded(coding: string, body: Uint8Array): () => Promise<Upstream> {
  return () => startUpstream((_, response) => response.setHeader('content-encoding', coding).end(body));
}

function endless(): Promise<Upstream> {
  return startUpstream((_, response) => {
    const chunk = Buffer.alloc(64 * 1024);
    const more = (): void => {
      while (!response.destroyed && response.write(chunk));
    };
    response.on('drain', more);
    more();
  });
}

const TIMED_OUT = { error: { tag: 'timed-out' } };
const TOO_LARGE = { error: { tag: 'too-large', val: { maxBytes: MiB } } };
const UNREACHABLE = { error: { tag: 'unreachable', val: expect.any(String) } };
const INVALID = { error: { tag: 'invalid-request', val: expect.any(String) } };
const DENIED = { error: { tag: 'denied', val: expect.any(String) } };
const quiet = (): Promise<Upstream> => startUpstream((_, response) => response.end('hello'));

const PRIVATE = [
  'http://127.0.0.1/',
  'http://127.1/',
  'http://2130706433/',
  'http://0x7f000001/',
  'http://0x7f.1/',
  'http://0177.0.0.1/',
  'http://017700000001/',
  'http://127.0.0.1./',
  'http://①②⑦.⓪.⓪.①/',
  'http://127。0。0。1/',
  'http://127%2e0%2e0%2e1/',
  'http://0.0.0.0/',
  'http://0/',
  'http://[::1]/',
  'http://[::]/',
  'http://[::ffff:127.0.0.1]/',
  'http://[::127.0.0.1]/',
  'http://[64:ff9b::7f00:1]/',
  'http://[2002:7f00:1::]/',
  'http://[2001:0:7f00:1::]/',
  'http://[fe80::1]/',
  'http://[fd00:ec2::254]/',
  'http://[ff02::1]/',
  'http://[2001:db8::1]/',
  'http://169.254.169.254/',
  'http://0xa9fea9fe/',
  'http://10.0.0.1/',
  'http://172.16.0.1/',
  'http://192.168.0.1/',
  'http://100.64.0.1/',
  'http://192.0.2.1/',
  'http://198.18.0.1/',
  'http://224.0.0.1/',
  'http://255.255.255.255/',
  'http://localhost/',
];

/** An address in any spelling, with a manifest and a grant that name it: only the network is not granted. */
function spelled(url: string): Hostile {
  const { origin } = new URL(url);
  const steps: Step[] = [{ do: 'http', url }];
  return {
    name: `is at ${url}`,
    attempt: () => ({ kind: 'probe', steps, origins: [origin], privateNetworks: [] }),
    expected: {
      ended: 'result',
      said: [{ error: { tag: 'denied', val: expect.stringMatching(/is not a public address/) } }],
      requests: [expect.stringMatching(/denied$/)],
    },
  };
}

function request(name: string, ask: Ask, told: object): Hostile {
  return peer(name, quiet, told, { ask });
}

function header(name: string, value = 'x'): Ask {
  return { headers: [{ name, value }] };
}

export const HOSTILE_PEERS: HostileTable = {
  'a server that is slow is timed out': [
    peer('never answers', raw(''), TIMED_OUT),
    peer('never ends its headers', raw('HTTP/1.1 200 OK\r\nx-a: '), TIMED_OUT),
    peer(
      'sends its headers one byte at a time',
      raw('HTTP/1.1 200 OK\r\nx-a: ', (socket) => drip(socket, 'b')),
      TIMED_OUT,
    ),
    peer(
      'sends its body one byte at a time',
      raw('HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n', (socket) => drip(socket, 'b')),
      TIMED_OUT,
    ),
    peer(
      'sends its body one chunk at a time',
      raw('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', (socket) => drip(socket, '1\r\nb\r\n')),
      TIMED_OUT,
    ),
    peer(
      'stops in the middle of a compressed body',
      raw(
        Buffer.concat([
          Buffer.from('HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 1000\r\n\r\n'),
          gzipSync('hello').subarray(0, 12),
        ]),
      ),
      TIMED_OUT,
    ),
    peer('is waited for an hour by its guest', raw(''), TIMED_OUT, { ask: { timeoutMs: 3_600_000 } }),
  ],
  'a server that says too much is hung up on': [
    peer('sends a body without end', endless, TOO_LARGE, { limits: { requestTimeoutMs: 20_000 } }),
    peer('sends a bomb in gzip', coded('gzip', gzipSync(Buffer.alloc(64 * MiB))), TOO_LARGE, { limits: { requestTimeoutMs: 20_000 } }),
    peer('sends a bomb in Brotli', coded('br', brotliCompressSync(Buffer.alloc(64 * MiB), { params: { 1: 4 } })), TOO_LARGE, {
      limits: { requestTimeoutMs: 20_000 },
    }),
    peer('sends a bomb in a bomb', coded('gzip, gzip', gzipSync(gzipSync(Buffer.alloc(64 * MiB)))), TOO_LARGE, {
      limits: { requestTimeoutMs: 20_000 },
    }),
    peer('names twenty codings', coded(Array(20).fill('gzip').join(', '), Buffer.from('x')), UNREACHABLE),
    peer(
      'sends headers of a hundred kilobytes',
      raw(`HTTP/1.1 200 OK\r\nx-a: ${'b'.repeat(100_000)}\r\ncontent-length: 0\r\n\r\n`),
      UNREACHABLE,
    ),
    peer('sends ten thousand headers', raw(`HTTP/1.1 200 OK\r\n${'abcdef: ghijkl\r\n'.repeat(20_000)}\r\n`), UNREACHABLE),
  ],
  'a server that speaks no HTTP breaks its own request': [
    peer('speaks another protocol', raw('SSH-2.0-OpenSSH_9.2\r\n'), UNREACHABLE),
    peer('gives a status that is none', raw('HTTP/1.1 abc OK\r\n\r\n'), UNREACHABLE),
    peer('gives two lengths', raw('HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello'), UNREACHABLE),
    peer(
      'gives a length and chunks',
      raw('HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n', (socket) => socket.end()),
      UNREACHABLE,
    ),
    peer(
      'gives a chunk of a negative length',
      raw('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n', (socket) => socket.end()),
      UNREACHABLE,
    ),
    peer(
      'hangs up in the middle',
      raw('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhello', (socket) => socket.end()),
      UNREACHABLE,
    ),
    peer('resets the connection', () => startRawUpstream((socket) => socket.once('data', () => socket.resetAndDestroy())), UNREACHABLE),
    peer(
      'wants to speak WebSocket',
      raw('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n'),
      expect.not.objectContaining({ ok: expect.anything() }),
    ),
    peer('says a body that is no gzip', coded('gzip', Buffer.from('hello')), UNREACHABLE),
  ],
  'a redirect is given back and never followed': [
    peer(
      'redirects to the metadata of a cloud',
      raw('HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/latest/meta-data/\r\ncontent-length: 0\r\n\r\n'),
      { ok: expect.objectContaining({ status: 302 }) },
    ),
    peer('redirects to itself', () => startUpstream((_, response) => response.writeHead(307, { location: '/' }).end()), {
      ok: expect.objectContaining({ status: 307 }),
    }),
  ],
  'an address that is not public is never dialled, however it is spelled': PRIVATE.map(spelled),
  'a request is one request, and its framing is the host’s': [
    request('is smuggled a second request in a header', header('x-a', 'b\r\n\r\nGET /admin HTTP/1.1'), INVALID),
    request('is smuggled a second request in a header’s name', header('x-a\r\nx-b'), INVALID),
    request('is told of chunks that are none', header('Transfer-Encoding', 'chunked'), INVALID),
    request('is told a length of another body', header('Content-Length', '5'), INVALID),
    request('is told another host', header('Host', 'internal.example'), INVALID),
    request('is asked to upgrade', header('Upgrade', 'websocket'), INVALID),
    request('is asked to be a proxy', { method: 'CONNECT' }, INVALID),
    request('is asked in a method with a request in it', { method: 'GET / HTTP/1.1\r\nX: y\r\n\r\nGET' }, INVALID),
    request('is asked by somebody who keeps another’s cookie', header('Cookie', 'session=1'), INVALID),
    {
      name: 'is at an origin that nobody granted',
      attempt: () => ({
        kind: 'probe',
        steps: ['https://example.com/', 'http://example.com:8080/', 'https://example.com.evil.example/'].map((url): Step => ({
          do: 'http',
          url,
        })),
        origins: [],
      }),
      expected: { ended: 'result', said: [DENIED, DENIED, DENIED] },
    },
  ],
  'a credential is never shown to the guest': [
    peer(
      'echoes the credential in its body',
      () => startUpstream((asked, response) => response.end(String(asked.headers.authorization))),
      { ok: expect.objectContaining({ body: 'Bearer [secret]' }) },
      { secret: SECRET },
    ),
    peer(
      'echoes the credential in a header',
      () => startUpstream((asked, response) => response.setHeader('x-echo', String(asked.headers.authorization)).end()),
      { ok: expect.objectContaining({ headers: expect.arrayContaining([{ name: 'x-echo', value: 'Bearer [secret]' }]) }) },
      { secret: SECRET },
    ),
    peer(
      'echoes the credential in Base64',
      () =>
        startUpstream((asked, response) =>
          response.end(Buffer.from(String(asked.headers.authorization).slice('Bearer '.length)).toString('base64')),
        ),
      { ok: expect.objectContaining({ body: expect.not.stringContaining(Buffer.from(SECRET).toString('base64').slice(0, 20)) }) },
      { secret: SECRET },
    ),
    peer(
      'echoes the credential in a redirect',
      () =>
        startUpstream((asked, response) =>
          response.writeHead(302, { location: `/?t=${encodeURIComponent(String(asked.headers.authorization))}` }).end(),
        ),
      {
        ok: expect.objectContaining({
          headers: expect.not.arrayContaining([{ name: 'location', value: expect.stringContaining(SECRET) }]),
        }),
      },
      { secret: SECRET },
    ),
    peer('is sent a header in the credential’s place', quiet, INVALID, { secret: SECRET, ask: header('Authorization', 'mine') }),
  ],
};
