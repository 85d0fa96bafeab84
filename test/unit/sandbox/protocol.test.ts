import { describe, expect, it } from 'vitest';
import { parseFromSandbox } from '../../../host/sandbox/protocol.ts';

describe('a message of a sandbox process', () => {
  it.each([
    { type: 'ready' },
    { type: 'started', call: 1 },
    { type: 'result', call: 1, value: { done: true } },
    { type: 'result', call: 1, value: undefined },
    { type: 'error', call: 2, error: { tag: 'unsupported' } },
    { type: 'trap', call: 3, message: 'unreachable' },
    { type: 'overrun', call: 3, limit: 'maxHandles', used: 101 },
    { type: 'host-call', call: 1, request: 0, interface: 'log', function: 'write', args: ['info', 'x'] },
    { type: 'host-call', call: 1, request: 7, interface: 'storage', function: 'get', args: [] },
  ])('is understood: %j', (message) => {
    expect(parseFromSandbox(message)).toEqual(message);
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['text', 'ready'],
    ['a list', [{ type: 'ready' }]],
    ['no type', { call: 1 }],
    ['an unknown type', { type: 'exit', call: 1 }],
    ['a type that every object inherits', { type: 'constructor', call: 1 }],
    ['no call', { type: 'result', value: 1 }],
    ['call 0', { type: 'started', call: 0 }],
    ['a negative call', { type: 'started', call: -1 }],
    ['a fractional call', { type: 'started', call: 1.5 }],
    ['a call beyond exact numbers', { type: 'started', call: 2 ** 53 }],
    ['a call that is text', { type: 'started', call: '1' }],
    ['a trap without a message', { type: 'trap', call: 1 }],
    ['a trap whose message is an object', { type: 'trap', call: 1, message: {} }],
    ['an overrun of a limit that the host counts', { type: 'overrun', call: 1, limit: 'maxCpuMs', used: 1 }],
    ['an overrun of no limit', { type: 'overrun', call: 1, limit: 'constructor', used: 1 }],
    ['an overrun without an amount', { type: 'overrun', call: 1, limit: 'maxHandles' }],
    ['an overrun by text', { type: 'overrun', call: 1, limit: 'maxHandles', used: '9' }],
    ['a host call without an interface', { type: 'host-call', call: 1, request: 1, function: 'get', args: [] }],
    ['a host call without a function', { type: 'host-call', call: 1, request: 1, interface: 'storage', args: [] }],
    ['a host call whose arguments are no list', { type: 'host-call', call: 1, request: 1, interface: 'log', function: 'write', args: {} }],
    ['a host call with a negative request', { type: 'host-call', call: 1, request: -1, interface: 'log', function: 'write', args: [] }],
    ['a host call without a request', { type: 'host-call', call: 1, interface: 'log', function: 'write', args: [] }],
  ])('that is %s is none', (_, message) => {
    expect(parseFromSandbox(message)).toBeUndefined();
  });

  it('keeps only the fields that the protocol has', () => {
    expect(parseFromSandbox({ type: 'started', call: 1, organisation: 'other' })).toEqual({ type: 'started', call: 1 });
  });
});
