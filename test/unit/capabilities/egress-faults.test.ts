import { EventEmitter, once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { bodyOf, callWith, openEgress, sendThrough } from '../../helpers/egress.ts';
import { startRawUpstream, startUpstream, type Upstream } from '../../helpers/upstream.ts';

const MiB = 1024 * 1024;
const open: Upstream[] = [];

afterEach(() => Promise.all(open.splice(0).map((upstream) => upstream.close())));

async function answering(handle: (response: ServerResponse) => void): Promise<Upstream> {
  const upstream = await startUpstream((_, response) => handle(response));
  open.push(upstream);
  return upstream;
}

/** A server that writes these bytes to whoever has sent a request, and leaves the rest to `then`. */
async function rawlyAnswering(bytes: string | Uint8Array, then: (socket: Socket) => void = () => undefined): Promise<Upstream> {
  const upstream = await startRawUpstream((socket) => socket.once('data', () => socket.write(bytes, () => then(socket))));
  open.push(upstream);
  return upstream;
}

function send(
  upstream: Upstream,
  input: Parameters<typeof sendThrough>[2] & { limits?: Parameters<typeof sendThrough>[0]['limits'] } = {},
) {
  const { limits, ...request } = input;
  return sendThrough({ granted: [upstream.origin], ...(limits === undefined ? {} : { limits }) }, upstream.origin, {
    timeoutMs: 60_000,
    ...request,
  });
}

const UNREACHABLE = { ok: false, error: { tag: 'unreachable', val: expect.stringMatching(/^the connection or the response broke/) } };
const TIMED_OUT = { ok: false, error: { tag: 'timed-out' } };

describe('a header that a guest may not set', () => {
  it.each([
    'Host',
    'Connection',
    'Keep-Alive',
    'Proxy-Connection',
    'Proxy-Authorization',
    'Proxy-Authenticate',
    'TE',
    'Trailer',
    'Transfer-Encoding',
    'Upgrade',
    'Content-Length',
    'Expect',
    'Accept-Encoding',
    'Via',
    'Forwarded',
    'Cookie',
    'Cookie2',
  ])('is refused by name: %s', async (name) => {
    const upstream = await answering((response) => response.end());
    expect(await send(upstream, { headers: { [name]: 'x' } })).toEqual({
      ok: false,
      error: { tag: 'invalid-request', val: `headers: ${name.toLowerCase()} is set by the host only` },
    });
    expect(upstream.requests).toEqual([]);
  });

  it.each([
    ['a line end in its value', 'x-a', 'b\r\nx-smuggled: 1'],
    ['a bare line feed in its value', 'x-a', 'b\nx-smuggled: 1'],
    ['NUL in its value', 'x-a', 'b\0'],
    ['a value that is not ASCII', 'x-a', 'b\u00e4'],
    ['a line end in its name', 'x-a\r\nx-smuggled', 'b'],
    ['a colon in its name', 'x-a:', 'b'],
    ['a space in its name', 'x a', 'b'],
    ['no name', '', 'b'],
  ])('is refused for %s', async (_, name, value) => {
    const upstream = await answering((response) => response.end());
    expect(await send(upstream, { headers: { [name]: value } })).toMatchObject({ ok: false, error: { tag: 'invalid-request' } });
    expect(upstream.requests).toEqual([]);
  });

  it('is refused above the limit of all together', async () => {
    const upstream = await answering((response) => response.end());
    expect(await send(upstream, { headers: { 'x-a': 'b'.repeat(70_000) } })).toMatchObject({
      ok: false,
      error: { tag: 'invalid-request', val: expect.stringMatching(/more than 65536 bytes/) },
    });
  });

  it('is told from names that every object has', async () => {
    const upstream = await answering((response) => response.end());
    const headers = Object.fromEntries([
      ['constructor', 'a'],
      ['__proto__', 'b'],
      ['tostring', 'c'],
      ['x-own', 'd'],
    ]);
    expect(await send(upstream, { headers })).toMatchObject({ ok: true });
    expect(upstream.requests[0]?.rawHeaders.join()).toMatch(/constructor,a,__proto__,b,tostring,c,x-own,d/);
  });

  it('may be a user agent, and any header twice', async () => {
    const upstream = await answering((response) => response.end());
    await send(upstream);
    expect(upstream.requests[0]?.headers['user-agent']).toBe('lorelai-datasource-host');
    await send(upstream, { headers: { 'User-Agent': 'mine', 'X-A': '1', 'x-a': '2' } });
    expect(upstream.requests[1]?.headers).toMatchObject({ 'user-agent': 'mine', 'x-a': '1, 2' });
  });
});

describe('a response', () => {
  it.each([
    ['gzip', gzipSync('hello')],
    ['x-gzip', gzipSync('hello')],
    ['GZIP', gzipSync('hello')],
    ['deflate', deflateSync('hello')],
    ['br', brotliCompressSync('hello')],
    ['gzip, br', brotliCompressSync(gzipSync('hello'))],
    ['identity', Buffer.from('hello')],
  ])('in the coding %s comes without it', async (coding, body) => {
    const outcome = await send(await answering((response) => response.setHeader('content-encoding', coding).end(body)));
    expect(bodyOf(outcome)).toBe('hello');
    expect(outcome.ok && outcome.response.headers.map(({ name }) => name)).not.toContain('content-encoding');
  });

  it.each(['zstd', 'compress', 'aws-chunked', 'gzip;q=1', Array.from({ length: 20 }, () => 'gzip').join(', ')])(
    'in a coding that nobody asked for is unreachable: %s',
    async (coding) => {
      expect(await send(await answering((response) => response.setHeader('content-encoding', coding).end('x')))).toEqual(UNREACHABLE);
    },
  );

  it('packed more often than any honest server does is unreachable', async () => {
    const packed = gzipSync(gzipSync(gzipSync('hello')));
    const upstream = await answering((response) => response.setHeader('content-encoding', 'gzip, gzip, gzip').end(packed));
    expect(await send(upstream)).toEqual(UNREACHABLE);
  });

  it.each([204, 304])('%i without a body has none, whatever its coding says', async (status) => {
    const outcome = await send(
      await answering((response) => response.writeHead(status, { 'content-encoding': 'gzip', etag: '"a"' }).end()),
    );
    expect(outcome).toMatchObject({ ok: true, response: { status } });
    expect(bodyOf(outcome)).toBe('');
  });

  it('to HEAD has no body, whatever its headers say', async () => {
    const upstream = await answering((response) => response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': '100' }).end());
    expect(await send(upstream, { method: 'HEAD' })).toMatchObject({ ok: true, response: { status: 200, body: new Uint8Array(0) } });
  });

  it('may name its headers like what every object has', async () => {
    const outcome = await send(
      await rawlyAnswering('HTTP/1.1 200 OK\r\nconstructor: a\r\n__proto__: b\r\nhasOwnProperty: c\r\ncontent-length: 2\r\n\r\nok'),
    );
    expect(bodyOf(outcome)).toBe('ok');
    expect(outcome.ok && outcome.response.headers.filter(({ name }) => name === 'constructor')).toEqual([
      { name: 'constructor', value: 'a' },
    ]);
  });

  it('comes without cookies and framing', async () => {
    const outcome = await send(
      await answering((response) =>
        response.writeHead(200, { 'set-cookie': ['a=1', 'b=2'], 'x-kept': ['1', '2'], connection: 'close' }).end('x'),
      ),
    );
    const names = outcome.ok ? outcome.response.headers.map(({ name }) => name) : [];
    expect(names.filter((name) => /cookie|connection|transfer|length|keep-alive/.test(name))).toEqual([]);
    expect(names.filter((name) => name === 'x-kept')).toHaveLength(2);
  });
});

describe('a response that is too large', () => {
  const limits = { maxResponseBytes: 1 * MiB };
  const tooLarge = { ok: false, error: { tag: 'too-large', val: { maxBytes: 1 * MiB } } };

  it('is told from one that just fits', async () => {
    expect(await send(await answering((response) => response.end(Buffer.alloc(1 * MiB))), { limits })).toMatchObject({ ok: true });
    expect(await send(await answering((response) => response.end(Buffer.alloc(1 * MiB + 1))), { limits })).toEqual(tooLarge);
  });

  it('because it never ends is cut, and the server is hung up on', async () => {
    let written = 0;
    const hungUp = Promise.withResolvers<void>();
    const upstream = await answering((response) => {
      const chunk = Buffer.alloc(64 * 1024);
      const more = (): void => {
        while (!response.destroyed && response.write(chunk)) written += chunk.byteLength;
        written += chunk.byteLength;
      };
      response.on('drain', more);
      response.on('close', hungUp.resolve);
      more();
    });
    expect(await send(upstream, { limits })).toEqual(tooLarge);
    await hungUp.promise;
    expect(written).toBeLessThan(16 * MiB);
  });

  it.each([
    ['gzip', gzipSync(Buffer.alloc(64 * MiB))],
    ['br', brotliCompressSync(Buffer.alloc(64 * MiB), { params: { 1: 4 } })],
    ['gzip, gzip', gzipSync(gzipSync(Buffer.alloc(64 * MiB)))],
  ])('only once it is unpacked is cut before it is: %s', async (coding, bomb) => {
    expect(bomb.byteLength).toBeLessThan(256 * 1024);
    const upstream = await answering((response) => response.setHeader('content-encoding', coding).end(bomb));
    const before = process.memoryUsage();
    expect(await send(upstream, { limits })).toEqual(tooLarge);
    const after = process.memoryUsage();
    expect(after.arrayBuffers + after.external - before.arrayBuffers - before.external).toBeLessThan(24 * MiB);
  });

  it('in its headers is unreachable', async () => {
    const upstream = await rawlyAnswering(`HTTP/1.1 200 OK\r\nx-a: ${'b'.repeat(100_000)}\r\ncontent-length: 0\r\n\r\n`);
    expect(await send(upstream)).toEqual(UNREACHABLE);
  });
});

describe('a server that is slow', () => {
  it.each<[string, () => Promise<Upstream>]>([
    ['and never answers', () => rawlyAnswering('')],
    ['and never ends its headers', () => rawlyAnswering('HTTP/1.1 200 OK\r\nx-a: ')],
    ['with its headers, one byte at a time', () => rawlyAnswering('HTTP/1.1 200 OK\r\nx-a: ', (socket) => drip(socket, 'b'))],
    ['and never sends a body', () => rawlyAnswering('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n')],
    [
      'with its body, one byte at a time',
      () => rawlyAnswering('HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n', (socket) => drip(socket, 'b')),
    ],
    [
      'with its body, one chunk at a time',
      () => rawlyAnswering('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', (socket) => drip(socket, '1\r\nb\r\n')),
    ],
    [
      'in the middle of gzip',
      () =>
        rawlyAnswering(
          Buffer.concat([
            Buffer.from('HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 1000\r\n\r\n'),
            gzipSync('hello').subarray(0, 12),
          ]),
        ),
    ],
  ])('%s is timed out in time', async (_, start) => {
    const upstream = await start();
    const { outcome, elapsedMs } = await timed(() => send(upstream, { timeoutMs: 200 }));
    expect(outcome).toEqual(TIMED_OUT);
    expect(elapsedMs).toBeLessThan(20_000);
  });

  it('to greet over TLS is timed out in time', async () => {
    const upstream = await startRawUpstream(() => undefined);
    open.push(upstream);
    const origin = upstream.origin.replace('http:', 'https:');
    const { outcome, elapsedMs } = await timed(() => sendThrough({ granted: [origin] }, origin, { timeoutMs: 200 }));
    expect(outcome).toEqual(TIMED_OUT);
    expect(elapsedMs).toBeLessThan(20_000);
  });

  it('is waited for no longer than the limit, whatever the guest asks', async () => {
    const upstream = await rawlyAnswering('');
    const { outcome, elapsedMs } = await timed(() => send(upstream, { timeoutMs: 3_600_000, limits: { requestTimeoutMs: 200 } }));
    expect(outcome).toEqual(TIMED_OUT);
    expect(elapsedMs).toBeLessThan(20_000);
  });

  it('is not waited for when the way out is closed', async () => {
    const egress = openEgress({ granted: [(await answering(() => void egress.close())).origin] });
    const url = open[0]?.origin ?? '';
    expect(await egress.send({ method: 'GET', url, headers: [], body: undefined, timeoutMs: undefined }, callWith())).toEqual(UNREACHABLE);
  });

  it('is met by no more requests of a connection at one time than the limit, of however many calls they are', async () => {
    const waiting: ServerResponse[] = [];
    const arrivals = new EventEmitter();
    const upstream = await answering((response) => {
      waiting.push(response);
      arrivals.emit('one');
    });
    const egress = openEgress({ granted: [upstream.origin], limits: { maxConcurrentRequests: 2 } });
    const ask = () => egress.send({ method: 'GET', url: upstream.origin, headers: [], body: undefined, timeoutMs: undefined }, callWith());
    const answers = Promise.all([ask(), ask(), ask(), ask()]);
    let most = 0;
    for (const wanted of [2, 2]) {
      while (waiting.length < wanted) await once(arrivals, 'one');
      // A third one would be here when what was sent after it has come back.
      await send(await answering((response) => response.end()));
      most = Math.max(most, waiting.length);
      for (const response of waiting.splice(0)) response.end();
    }
    expect((await answers).every(({ ok }) => ok)).toBe(true);
    await egress.close();
    expect(most).toBe(2);
  });

  it('is not waited for when the call ends', async () => {
    const upstream = await rawlyAnswering('');
    const call = new AbortController();
    const pending = timed(() => send(upstream, { signal: call.signal }));
    setTimeout(() => call.abort(), 50);
    const { outcome, elapsedMs } = await pending;
    expect(outcome).toEqual(TIMED_OUT);
    expect(elapsedMs).toBeLessThan(20_000);
  });

  it.each([0, 0.5, 1.5, 2 ** 40, Number.MAX_VALUE])("is never the host's undoing: a timeout of %d", async (timeoutMs) => {
    const upstream = await answering((response) => response.end('quick'));
    expect((await send(upstream, { timeoutMs, limits: { requestTimeoutMs: 20_000 } })).ok || timeoutMs < 2).toBe(true);
  });
});

describe('a response that breaks off is unreachable, and never waited for', () => {
  it.each<[string, () => Promise<Upstream>]>([
    ['before its first byte', () => rawlyAnswering('', (socket) => socket.end())],
    ['with a reset', () => rawlyAnswering('HTTP/1.1 200 OK\r\n', (socket) => socket.resetAndDestroy())],
    ['in its headers', () => rawlyAnswering('HTTP/1.1 200 OK\r\nx-a: b', (socket) => socket.end())],
    ['in its body', () => rawlyAnswering('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc', (socket) => socket.end())],
    [
      'in its body with a reset',
      () => rawlyAnswering('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc', (socket) => socket.resetAndDestroy()),
    ],
    ['in a chunk', () => rawlyAnswering('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab', (socket) => socket.end())],
    [
      'in its gzip, cleanly',
      () => answering((response) => response.setHeader('content-encoding', 'gzip').end(gzipSync('hello').subarray(0, -6))),
    ],
    [
      'in its gzip, with the connection',
      () =>
        rawlyAnswering(
          Buffer.concat([
            Buffer.from('HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 1000\r\n\r\n'),
            gzipSync('hello').subarray(0, 12),
          ]),
          (socket) => socket.end(),
        ),
    ],
    [
      'in its brotli',
      () =>
        answering((response) => response.setHeader('content-encoding', 'br').end(brotliCompressSync('hello'.repeat(99)).subarray(0, -3))),
    ],
  ])('%s', async (_, start) => {
    expect(await send(await start())).toEqual(UNREACHABLE);
  });

  it.each([
    ['no HTTP', 'SSH-2.0-OpenSSH_9.2p1\r\n'],
    ['an unknown version', 'HTTP/9.9 200 OK\r\n\r\n'],
    ['a status that is no number', 'HTTP/1.1 abc OK\r\n\r\n'],
    ['a header without a colon', 'HTTP/1.1 200 OK\r\nbroken\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'],
    ['a length and chunks', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a chunk without a size', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n'],
    ['another protocol', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n'],
    ['gzip that is none', 'HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 5\r\n\r\nhello'],
  ])('because it is malformed: %s', async (_, response) => {
    const outcome = await send(await rawlyAnswering(response, (socket) => socket.end()));
    expect(outcome).toEqual(UNREACHABLE);
  });

  it('because nobody listens', async () => {
    const upstream = await answering(() => undefined);
    await upstream.close();
    open.splice(0);
    expect(await send(upstream)).toEqual({ ok: false, error: { tag: 'unreachable', val: expect.stringContaining('ECONNREFUSED') } });
  });

  it('because the other side speaks no TLS', async () => {
    const upstream = await answering((response) => response.end());
    const origin = upstream.origin.replace('http:', 'https:');
    expect(await sendThrough({ granted: [origin] }, origin)).toEqual(UNREACHABLE);
  });

  it('and the next request over the same way out is well', async () => {
    let count = 0;
    const upstream = await startUpstream((_, response) => {
      count += 1;
      if (count === 1) response.destroy();
      else response.end('well');
    });
    open.push(upstream);
    const egress = openEgress({ granted: [upstream.origin] });
    const request = { method: 'GET', url: upstream.origin, headers: [], body: undefined, timeoutMs: undefined };
    expect(await egress.send(request, callWith({}, AbortSignal.timeout(5_000)))).toEqual(UNREACHABLE);
    expect(await egress.send(request, callWith({}, AbortSignal.timeout(5_000)))).toMatchObject({ ok: true });
    await egress.close();
  });
});

async function timed(act: () => Promise<unknown>): Promise<{ outcome: unknown; elapsedMs: number }> {
  const startedMs = performance.now();
  return { outcome: await act(), elapsedMs: performance.now() - startedMs };
}

function drip(socket: Socket, text: string): void {
  const timer = setInterval(() => socket.write(text), 20);
  // Not `events.once`, which rejects when the other side hangs up.
  socket.once('close', () => clearInterval(timer));
}
