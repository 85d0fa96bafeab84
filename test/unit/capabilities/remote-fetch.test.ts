import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRemoteFetch, type RemoteAnswer } from '../../../host/capabilities/remote-fetch.ts';
import { startRawUpstream, startUpstream, type Upstream } from '../../helpers/upstream.ts';

let named: Upstream;
let other: Upstream;
let hidden: Upstream;
let connections = 0;
/** Where the first server sends to. */
let location = '';

beforeAll(async () => {
  hidden = await startRawUpstream((socket) => {
    connections += 1;
    socket.destroy();
  });
  other = await startUpstream((_, response) => response.end('other'));
  named = await startUpstream((request, response) => {
    if (request.url === '/large') return response.end(Buffer.alloc(2_000));
    return response.writeHead(307, { location }).end();
  });
});
afterAll(() => Promise.all([named.close(), other.close(), hidden.close()]));

const hostOf = ({ origin }: Upstream): string => new URL(origin).host;

function get(to: string, hosts: Upstream[] = [named]): Promise<RemoteAnswer> {
  location = to;
  return createRemoteFetch(hosts.map(hostOf))(new URL('/', named.origin), {
    method: 'GET',
    maxBytes: 1_000,
    authorization: 'Basic secret',
  });
}

describe('a server that sends the host elsewhere', () => {
  it.each([
    ['an address of this machine', () => `https://127.0.0.1:${hidden.port}/`],
    ['another spelling of it', () => `https://2130706433:${hidden.port}/`],
    ['a name that resolves to it', () => `https://localhost:${hidden.port}/`],
    ["the address of a cloud's metadata", () => 'https://169.254.169.254/'],
    ['a private network', () => 'https://10.0.0.1/'],
    ['IPv4 in IPv6', () => `https://[::ffff:127.0.0.1]:${hidden.port}/`],
  ])('reaches nothing private: %s', async (_, to) => {
    await expect(get(to())).rejects.toMatchObject({ code: 'SOURCE_UNREACHABLE', message: expect.stringContaining('not a public one') });
    expect(connections).toBe(0);
  });

  it.each([
    ['http', () => other.origin],
    ['a file', () => 'file:///etc/passwd'],
    ['a password in the address', () => 'https://a:b@example.com/'],
  ])('is not followed to %s', async (_, to) => {
    await expect(get(to())).rejects.toMatchObject({ code: 'SOURCE_UNREACHABLE', message: expect.stringContaining('anything but https') });
  });

  it('gives nobody else the password, also where the operator wrote both', async () => {
    const answer = await get(other.origin, [named, other]);
    expect(Buffer.from(answer.body).toString()).toBe('other');
    expect(named.requests.at(-1)?.headers.authorization).toBe('Basic secret');
    expect(other.requests.at(-1)?.headers.authorization).toBeUndefined();
  });

  it('without end is given up after five times', async () => {
    const before = named.requests.length;
    await expect(get(`${named.origin}/again`)).rejects.toMatchObject({ message: expect.stringContaining('redirects without end') });
    expect(named.requests.length - before).toBe(6);
  });

  it('or lets it wait is given up when its time is over, whatever it has been sent', async () => {
    const drip = await startUpstream((_, response) => {
      response.write('a');
    });
    try {
      const fetching = createRemoteFetch([hostOf(drip)], 200)(new URL(drip.origin), { method: 'GET', maxBytes: 1_000 });
      await expect(fetching).rejects.toMatchObject({ code: 'SOURCE_UNREACHABLE', message: expect.stringContaining('it took too long') });
    } finally {
      await drip.close();
    }
  });

  it('or sends more than it may is given up', async () => {
    const fetching = createRemoteFetch([hostOf(named)])(new URL('/large', named.origin), { method: 'GET', maxBytes: 1_000 });
    await expect(fetching).rejects.toMatchObject({ code: 'SOURCE_UNUSABLE' });
  });
});
