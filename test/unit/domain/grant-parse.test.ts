import { describe, expect, it } from 'vitest';
import { parseNetworks } from '../../../host/capabilities/address.ts';
import { RequestError } from '../../../host/domain/errors.ts';
import { EMPTY_GRANT } from '../../../host/domain/grant.ts';
import { parseGrant } from '../../../host/domain/grant-parse.ts';
import { DEFAULT_LIMITS } from '../../../host/domain/limits.ts';

function refusal(grant: unknown): RequestError {
  try {
    parseGrant(grant);
  } catch (error) {
    if (error instanceof RequestError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('parseGrant()', () => {
  it('keeps what is enforced', () => {
    const grant = {
      http: { origins: ['https://*.example.com', 'http://127.0.0.1:4001'], privateNetworks: ['10.1.0.0/16', 'fd00::/8'] },
      storage: true,
      limits: { callTimeoutMs: 1_000, maxLogLines: 1 },
    };
    expect(parseGrant(grant)).toEqual(grant);
  });

  it.each([[{}], [{ http: {} }], [{ limits: {} }], [EMPTY_GRANT]])('reads what is left out as denied: %j', (grant) => {
    expect(parseGrant(grant)).toEqual({ http: { origins: [], privateNetworks: [] }, storage: false, limits: {} });
  });

  it('knows every limit that there is', () => {
    expect(parseGrant({ limits: { ...DEFAULT_LIMITS } }).limits).toEqual(DEFAULT_LIMITS);
  });

  it.each<[string, unknown, string]>([
    ['no object', null, ''],
    ['a list', [], ''],
    ['text', 'all', ''],
    ['an entry that does not exist', { filesystem: true }, '/filesystem'],
    ['a misspelt entry', { storge: true }, '/storge'],
    ['storage that is text', { storage: 'yes' }, '/storage'],
    ['http that is true', { http: true }, '/http'],
    ['an entry of http that does not exist', { http: { methods: ['GET'] } }, '/http/methods'],
    ['origins that are text', { http: { origins: 'https://example.com' } }, '/http/origins'],
    ['an origin that is a number', { http: { origins: [1] } }, '/http/origins'],
    ['an origin with a path', { http: { origins: ['https://a.example.com', 'https://b.example.com/x'] } }, '/http/origins/1'],
    ['every origin', { http: { origins: ['*'] } }, '/http/origins/0'],
    ['every origin of a scheme', { http: { origins: ['https://*'] } }, '/http/origins/0'],
    ['a private network without a prefix', { http: { privateNetworks: ['10.0.0.0'] } }, '/http/privateNetworks/0'],
    ['a private network by name', { http: { privateNetworks: ['intranet/8'] } }, '/http/privateNetworks/0'],
    ['a private network with too long a prefix', { http: { privateNetworks: ['10.0.0.0/33'] } }, '/http/privateNetworks/0'],
    ['a private network with two prefixes', { http: { privateNetworks: ['10.0.0.0/8/8'] } }, '/http/privateNetworks/0'],
    ['a private network with a zone', { http: { privateNetworks: ['fe80::1%eth0/64'] } }, '/http/privateNetworks/0'],
    ['secrets for any host of a domain', { authorisation: { origins: ['https://*.example.com'] } }, '/authorisation/origins/0'],
    ['secrets for an origin with a path', { authorisation: { origins: ['https://login.example.com/'] } }, '/authorisation/origins/0'],
    [
      'secrets for an origin in another spelling',
      { authorisation: { origins: ['https://LOGIN.example.com'] } },
      '/authorisation/origins/0',
    ],
    ['secrets for everybody', { authorisation: true }, '/authorisation'],
    ['limits that are a number', { limits: 5 }, '/limits'],
    ['a limit that does not exist', { limits: { maxFiles: 1 } }, '/limits/maxFiles'],
    ['a limit that every object inherits', JSON.parse('{"limits":{"__proto__":1}}'), '/limits/__proto__'],
    ['a limit of 0', { limits: { callTimeoutMs: 0 } }, '/limits/callTimeoutMs'],
    ['a negative limit', { limits: { callTimeoutMs: -1 } }, '/limits/callTimeoutMs'],
    ['a fractional limit', { limits: { maxLogLines: 1.5 } }, '/limits/maxLogLines'],
    ['a limit that no timer can wait for', { limits: { callTimeoutMs: 2 ** 31 } }, '/limits/callTimeoutMs'],
    ['a limit that is text', { limits: { maxLogLines: '10' } }, '/limits/maxLogLines'],
    ['less memory than the engine itself needs', { limits: { maxMemoryBytes: 1024 } }, '/limits/maxMemoryBytes'],
  ])('refuses %s and names its place', (_, grant, path) => {
    const error = refusal(grant);
    expect(error.code).toBe('INVALID_GRANT');
    expect(error.problems.map((problem) => problem.path)).toContain(path);
    for (const problem of error.problems) expect([problem.reason, problem.remedy]).not.toContain('');
  });

  it('names everything that is wrong at once', () => {
    expect(refusal({ http: { origins: ['x'], privateNetworks: ['y'] }, storage: 1, limits: { a: 1 } }).problems).toHaveLength(4);
  });

  it('accepts no private network that the broker cannot read', () => {
    const blocks = ['10.0.0.0/08', '::/0', '0.0.0.0/0', '::ffff:10.0.0.0/104', '1.2.3.4/32', 'fd00::1/128', '10.1.2.3/016'];
    for (const block of blocks) {
      expect(() => parseNetworks(parseGrant({ http: { privateNetworks: [block] } }).http.privateNetworks)).not.toThrow();
    }
  });
});
