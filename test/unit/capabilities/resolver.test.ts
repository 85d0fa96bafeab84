import type { LookupAddress } from 'node:dns';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Agent, request } from 'undici';
import { parseNetworks } from '../../../host/capabilities/address.ts';
import { checkedLookup, forbiddenCause } from '../../../host/capabilities/checked-lookup.ts';
import { createResolver, type ResolveName } from '../../../host/capabilities/resolver.ts';
import { startUpstream, type Upstream } from '../../helpers/upstream.ts';

/** A name server that says something else each time it is asked; the last thing for ever. */
function saying(...answers: (string[] | Error)[]): { resolve: ResolveName; asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    resolve: async (hostname) => {
      asked.push(hostname);
      const answer = answers[Math.min(asked.length, answers.length) - 1] ?? [];
      if (answer instanceof Error) throw answer;
      return answer.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 }));
    },
  };
}

const agents: Agent[] = [];
let upstream: Upstream;

beforeAll(async () => {
  upstream = await startUpstream((_, response) => response.setHeader('connection', 'close').end('hello'));
});
afterAll(() => upstream.close());
afterEach(() => Promise.all(agents.splice(0).map((agent) => agent.destroy())));

/** Asks the upstream under a name, each time over a new connection, as the broker does. */
function askingBy(resolve: ResolveName, networks: string[]): () => Promise<string> {
  const agent = new Agent({ pipelining: 0, connect: { lookup: checkedLookup(parseNetworks(networks), resolve) } });
  agents.push(agent);
  return async () => (await request(`http://rebind.example:${upstream.port}/`, { dispatcher: agent })).body.text();
}

describe('a name that is bound to another address', () => {
  it('after it was checked is dialled at the address that was checked', async () => {
    const { resolve, asked } = saying(['127.0.0.1'], ['10.0.0.1']);
    const ask = askingBy(createResolver({ resolve }), ['127.0.0.1/32']);
    expect([await ask(), await ask(), await ask()]).toEqual(['hello', 'hello', 'hello']);
    expect(asked).toEqual(['rebind.example']);
  });

  it('is checked again when the answer is too old, and refused', async () => {
    let nowMs = 0;
    const { resolve, asked } = saying(['127.0.0.1'], ['127.0.0.2']);
    const ask = askingBy(createResolver({ resolve, ttlMs: 1_000, nowMs: () => nowMs }), ['127.0.0.1/32']);
    expect(await ask()).toBe('hello');
    nowMs = 1_000;
    const refusal = await ask().catch((error: unknown) => forbiddenCause(error)?.message);
    expect(refusal).toMatch(/^rebind\.example resolves to 127\.0\.0\.2, which is not a public address/);
    expect(asked).toHaveLength(2);
  });

  it('has an address among others that nobody allowed, and is refused with all of them', async () => {
    const before = upstream.requests.length;
    const ask = askingBy(createResolver(saying(['127.0.0.1', '169.254.169.254'])), ['127.0.0.1/32']);
    await expect(ask().catch((error: unknown) => forbiddenCause(error)?.message)).resolves.toMatch(/169\.254\.169\.254/);
    expect(upstream.requests.length).toBe(before);
  });

  it('has no address at all', async () => {
    const ask = askingBy(createResolver(saying([])), ['127.0.0.1/32']);
    await expect(ask().catch((error: unknown) => forbiddenCause(error)?.message)).resolves.toMatch(/resolves to none/);
  });
});

describe('createResolver()', () => {
  it('asks once for those who ask at the same time', async () => {
    const { resolve, asked } = saying(['127.0.0.1']);
    const resolver = createResolver({ resolve });
    await Promise.all(Array.from({ length: 100 }, () => resolver('a.example')));
    expect(asked).toHaveLength(1);
  });

  it('remembers no failure', async () => {
    const { resolve, asked } = saying(new Error('SERVFAIL'), ['127.0.0.1']);
    const resolver = createResolver({ resolve });
    await expect(resolver('a.example')).rejects.toThrow('SERVFAIL');
    await turn();
    expect(await resolver('a.example')).toHaveLength(1);
    expect(asked).toHaveLength(2);
  });

  it('remembers so many names and no more', async () => {
    const { resolve, asked } = saying(['127.0.0.1']);
    const resolver = createResolver({ resolve, maxNames: 2 });
    for (const name of ['a', 'b', 'c']) await resolver(name);
    await resolver('c');
    await resolver('b');
    expect(asked).toEqual(['a', 'b', 'c']);
    await resolver('a');
    expect(asked).toEqual(['a', 'b', 'c', 'a']);
  });
});
