import { describe, expect, it } from 'vitest';
import { checkDependencies, loadOrder, type DependencyNode } from '../../../host/domain/dependencies.ts';

const AROUND = { frameworkVersion: '1.0.0', atHand: new Map<string, string[]>() };

function node(name: string, version: string, needs: Record<string, string> = {}, frameworkVersion = '^1.0.0'): DependencyNode {
  return { name, version, frameworkVersion, dependencies: Object.entries(needs).map(([other, range]) => ({ name: other, range })) };
}

describe('checkDependencies() finds nothing wrong', () => {
  it('with those that need nothing, or what is there', () => {
    const nodes = [node('a', '1.0.0'), node('b', '1.0.0', { a: '^1.0.0', 'lorelai:datasource': '>=1.0.0 <2.0.0', 'wasi:http': '^0.2.0' })];
    expect(checkDependencies(nodes, AROUND)).toEqual([]);
  });
});

describe('checkDependencies() names both sides, and what would do', () => {
  it('when the framework is another', () => {
    const around = { frameworkVersion: '1.0.0', atHand: new Map([['a', ['1.0.0', '2.0.0']]]) };
    const [fault, ...others] = checkDependencies([node('a', '2.0.0', {}, '>=2.0.0 <3.0.0')], around);
    expect(others).toEqual([]);
    expect(fault).toMatchObject({ kind: 'framework', names: ['a'] });
    expect(fault?.reason).toBe('a 2.0.0 works with framework >=2.0.0 <3.0.0, and this host has 1.0.0.');
    expect(fault?.remedy).toBe('Try another version of it: 1.0.0 are at hand.');
  });

  it('when a package of the host is older, or unknown', () => {
    const faults = checkDependencies([node('a', '1.0.0', { 'wasi:http': '^0.3.0', 'wasi:sockets': '^0.2.0' })], AROUND);
    expect(faults.map(({ kind, names }) => [kind, ...names])).toEqual([
      ['conflict', 'a', 'wasi:http'],
      ['missing', 'a', 'wasi:sockets'],
    ]);
    expect(faults[0]?.reason).toBe('a 1.0.0 needs wasi:http ^0.3.0, and this host provides 0.2.12.');
  });

  it('when what it needs is not installed', () => {
    const around = { ...AROUND, atHand: new Map([['b', ['1.0.0', '1.2.0', '2.0.0']]]) };
    const [fault] = checkDependencies([node('a', '1.0.0', { b: '^1.0.0' })], around);
    expect(fault).toMatchObject({ kind: 'missing', names: ['a', 'b'], remedy: 'Install b 1.2.0, or 1.0.0.' });
    expect(checkDependencies([node('a', '1.0.0', { b: '^1.0.0' })], AROUND)[0]?.remedy).toBe(
      'Install a version of b in the range ^1.0.0; none is at hand.',
    );
  });

  it('when another version of it is installed', () => {
    const around = { ...AROUND, atHand: new Map([['b', ['1.4.0', '2.1.0']]]) };
    const [fault] = checkDependencies([node('a', '1.0.0', { b: '^2.0.0' }), node('b', '1.4.0')], around);
    expect(fault).toMatchObject({
      kind: 'conflict',
      reason: 'a 1.0.0 needs b ^2.0.0, and b 1.4.0 is installed.',
      remedy: 'Switch to b 2.1.0.',
    });
  });

  it('when two need versions that no single one is', () => {
    const around = { ...AROUND, atHand: new Map([['c', ['1.0.0', '2.0.0']]]) };
    const nodes = [node('a', '1.0.0', { c: '^1.0.0' }), node('b', '3.0.0', { c: '^2.0.0' }), node('c', '1.0.0')];
    const [fault, ...others] = checkDependencies(nodes, around);
    expect(others).toEqual([]);
    expect(fault?.reason).toBe('b 3.0.0 needs c ^2.0.0, and c 1.0.0 is installed; besides, a 1.0.0 needs c ^1.0.0.');
    expect(fault?.remedy).toMatch(/none at hand satisfies all/);
  });

  it('when they need each other in a ring, and shows the ring', () => {
    const nodes = [
      node('a', '1.0.0', { b: '*' }),
      node('b', '1.0.0', { c: '*' }),
      node('c', '1.0.0', { a: '*' }),
      node('d', '1.0.0', { a: '*' }),
    ];
    const faults = checkDependencies(nodes, AROUND);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatchObject({ kind: 'cycle', names: ['a', 'b', 'c'] });
    expect(faults[0]?.reason).toContain('a needs b needs c needs a');
  });

  it('when one needs itself', () => {
    expect(checkDependencies([node('a', '1.0.0', { a: '^1.0.0' })], AROUND)).toMatchObject([{ kind: 'cycle', names: ['a'] }]);
  });

  it('by the names of the prototype as by any other', () => {
    const faults = checkDependencies([node('a', '1.0.0', { constructor: '*', 'constructor:x': '*' })], AROUND);
    expect(faults.map(({ kind }) => kind)).toEqual(['missing', 'missing']);
  });
});

describe('loadOrder()', () => {
  it('puts each behind what it needs', () => {
    const order = loadOrder([node('a', '1.0.0', { b: '*', c: '*' }), node('b', '1.0.0', { c: '*' }), node('c', '1.0.0', { missing: '*' })]);
    expect(order).toEqual(['c', 'b', 'a']);
  });

  it('knows none for a ring', () => {
    expect(loadOrder([node('a', '1.0.0', { b: '*' }), node('b', '1.0.0', { a: '*' })])).toBeUndefined();
  });
});
