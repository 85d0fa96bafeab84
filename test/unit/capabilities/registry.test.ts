import { afterAll, describe, expect, it } from 'vitest';
import { openPowers, type OpenPowers } from '../../../host/capabilities/registry.ts';
import { RequestRate } from '../../../host/capabilities/request-rate.ts';
import { Meter } from '../../../host/domain/meter.ts';
import { DEFAULT_LIMITS } from '../../../host/domain/limits.ts';
import { openEgress } from '../../helpers/egress.ts';
import { manifestWith } from '../../helpers/manifest.ts';

const egress = openEgress({ granted: [] });
const lines: string[] = [];

afterAll(() => egress.close());

function open(): OpenPowers {
  const manifest = manifestWith({
    collections: [{ name: 'notes', description: '' }],
    metrics: [{ name: 'read', type: 'counter', description: '' }],
  });
  const scope = {
    connection: { id: 'c', config: {} },
    manifest,
    grant: { http: { origins: [], privateNetworks: [] }, storage: true, limits: {} },
    meter: new Meter(DEFAULT_LIMITS),
    signal: new AbortController().signal,
  };
  const stored = {
    get: () => Promise.resolve(undefined),
    scan: () => Promise.resolve([]),
    size: () => Promise.resolve({ keys: 0, bytes: 0 }),
  };
  return openPowers(scope, { egress, rate: new RequestRate(), stored, writeLine: (_, message) => lines.push(message) });
}

describe('the powers of a call', () => {
  it('are those of the contract', async () => {
    const powers = open();
    expect(await powers.handle('storage', 'put', ['notes', 'a', new Uint8Array(1)])).toEqual({ ok: true, value: undefined });
    expect(await powers.handle('http-client', 'send', [{}])).toMatchObject({ ok: false, error: { tag: 'invalid-request' } });
    expect(powers.handle('log', 'write', ['info', 'hello'])).toBeUndefined();
    expect(powers.handle('metrics', 'add', ['read', 1])).toBeUndefined();
    expect(lines).toEqual(['hello']);
    expect(powers.storageWrites()).toEqual([{ collection: 'notes', key: 'a', value: new Uint8Array(1) }]);
    expect(powers.metricChanges()).toEqual([{ name: 'read', kind: 'add', value: 1 }]);
  });

  it.each([
    ['vault', 'open'],
    ['', ''],
    ['storage', ''],
    ['storage', 'drop'],
    ['storage', 'constructor'],
    ['storage', '__proto__'],
    ['storage', 'toString'],
    ['constructor', 'call'],
    ['__proto__', 'get'],
    ['http-client', 'sendRaw'],
    ['Storage', 'get'],
  ])('have no %s.%s, and say so', async (name, func) => {
    expect(await open().handle(name, func, [])).toEqual({ ok: false, error: { tag: 'denied', val: `${name}.${func} does not exist` } });
  });
});
