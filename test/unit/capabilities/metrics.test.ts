import { describe, expect, it } from 'vitest';
import { MetricsCapability } from '../../../host/capabilities/metrics.ts';
import { DEFAULT_LIMITS } from '../../../host/domain/limits.ts';
import { Meter } from '../../../host/domain/meter.ts';
import { manifestWith } from '../../helpers/manifest.ts';

const MANIFEST = manifestWith({
  metrics: [
    { name: 'read', type: 'counter', description: '' },
    { name: 'left', type: 'gauge', description: '' },
  ],
});

/** What is committed after a guest has made these calls. */
function changesOf(calls: [func: 'add' | 'set', ...args: unknown[]][]): unknown[] {
  const capability = new MetricsCapability({ manifest: MANIFEST, meter: new Meter(DEFAULT_LIMITS) });
  const open = capability.open();
  for (const [func, ...args] of calls) expect(open[func]?.(args)).toBeUndefined();
  return capability.changes();
}

describe('a metric', () => {
  it('that counts is summed over a call, one that is set keeps its last value', () => {
    expect(
      changesOf([
        ['add', 'read', 2],
        ['set', 'left', 9],
        ['add', 'read', 0.5],
        ['set', 'left', -3],
      ]),
    ).toEqual([
      { name: 'read', kind: 'add', value: 2.5 },
      { name: 'left', kind: 'set', value: -3 },
    ]);
  });

  it('is one change, however often a call touches it', () => {
    expect(changesOf(Array.from({ length: 10_000 }, () => ['add', 'read', 1]))).toEqual([{ name: 'read', kind: 'add', value: 10_000 }]);
  });

  it.each<[string, ['add' | 'set', ...unknown[]]]>([
    ['that the manifest does not declare', ['add', 'stolen', 1]],
    ['that every object has', ['add', 'constructor', 1]],
    ['of the other type: a gauge that is added to', ['add', 'left', 1]],
    ['of the other type: a counter that is set', ['set', 'read', 1]],
    ['that counts down', ['add', 'read', -1]],
    ['that is not finite', ['add', 'read', Number.POSITIVE_INFINITY]],
    ['that is no number', ['set', 'left', Number.NaN]],
    ['that is text', ['set', 'left', '5']],
    ['without a value', ['set', 'left']],
    ['without a name', ['add', undefined, 1]],
    ['by an object for a name', ['add', { toString: 1, valueOf: 1 }, 1]],
  ])('%s is dropped', (_, call) => {
    expect(changesOf([call])).toEqual([]);
  });

  it('stays finite, as the store must have it', () => {
    expect(
      changesOf([
        ['add', 'read', 1e308],
        ['add', 'read', 1e308],
      ]),
    ).toEqual([{ name: 'read', kind: 'add', value: 1e308 }]);
  });
});
