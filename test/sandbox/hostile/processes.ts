import { expect } from 'vitest';
import type { Limits } from '../../../host/domain/limits.ts';
import type { Hostile, HostileTable } from '../../helpers/hostile.ts';

const MiB = 1024 * 1024;
const FOREVER = 'await new Promise(() => {});';

/** A guest that owns its process, and what the host says of its end. */
function owner(name: string, read: string, expected: object, options: { atStart?: string; limits?: Partial<Limits> } = {}): Hostile {
  return { name, attempt: () => ({ kind: 'process', read, ...options }), expected: { ended: 'killed', ...expected } };
}

function breaksProtocol(name: string, forgery: string, atStart?: string): Hostile {
  return owner(name, `${forgery} ${FOREVER}`, { cause: 'protocol' }, atStart === undefined ? {} : { atStart });
}

/** A result of the call whose value is this JSON, or these bytes, with `tail` behind the JSON: all else in it is in order. */
function rawValue(json: string, tailBytes = 0): string {
  return `const parts = [Buffer.from('{"type":"result","call":1,"value":'), Buffer.from(${json}), Buffer.from('}')]; const json = Buffer.concat(parts);
    const head = Buffer.alloc(8); head.writeUInt32BE(json.length + 4 + ${tailBytes}, 0); head.writeUInt32BE(json.length, 4); process.stdout.write(Buffer.concat([head, json, Buffer.alloc(${tailBytes})]));`;
}

/** Says why it broke, in words that nobody may print, log or store. */
function breaksSaying(name: string, message: string): Hostile {
  const reason = expect.stringMatching(/^the datasource broke: [^\p{Cc}\p{Cs}\u2028-\u202e]{1,2000}$/u);
  return owner(name, `send({ type: 'trap', call: 1, message: ${message} }); ${FOREVER}`, { cause: 'trap', reason });
}

const hostCall = (parts: string): string => `send({ type: 'host-call', call: 1, request: 1, ${parts} });`;

/** A batch that is none, or none that a run may keep. */
function lies(name: string, batch: string, reason: RegExp): Hostile {
  const honest = '{ changes: [], next: new Uint8Array(0), done: true, progress: { seen: 0 }, skipped: [] }';
  const read = `const honest = ${honest}; return ${batch};`;
  return { name, attempt: () => ({ kind: 'process', read }), expected: { failure: expect.stringMatching(reason) } };
}

export const HOSTILE_PROCESSES: HostileTable = {
  'messages that do not fit the protocol end the process': [
    breaksProtocol('says that it is ready again', `send({ type: 'ready' });`),
    breaksProtocol('says that a call began twice', `send({ type: 'started', call: 1 });`),
    breaksProtocol('begins a call that nobody made', `send({ type: 'started', call: 2 });`),
    breaksProtocol('answers a call that nobody made', `send({ type: 'result', call: 99, value: 1 });`),
    breaksProtocol('answers call 0', `send({ type: 'result', call: 0, value: 1 });`),
    breaksProtocol(
      'asks the host on behalf of another call',
      `send({ type: 'host-call', call: 7, request: 1, interface: 'storage', function: 'get', args: [] });`,
    ),
    breaksProtocol('sends a message that does not exist', `send({ type: 'exit', call: 1 });`),
    breaksProtocol('sends null', `send(null);`),
    breaksProtocol('sends a list of messages', `send([{ type: 'result', call: 1 }]);`),
    breaksProtocol('wants an answer where there is none', hostCall(`interface: 'log', function: 'write', args: []`)),
    breaksProtocol('claims a limit that it may not count', `send({ type: 'overrun', call: 1, limit: 'maxCpuMs', used: 1 });`),
    breaksProtocol('gives a call a number that is none', `send({ type: 'result', call: 'one', value: 1 });`),
    breaksProtocol('writes plain text to its output', `process.stdout.write('hello, operator\\n');`),
    breaksProtocol('claims a frame of four gigabytes', `process.stdout.write(Uint8Array.of(255, 255, 255, 255));`),
    breaksProtocol('writes a frame that is too short', `process.stdout.write(Uint8Array.of(0, 0, 0, 1, 0));`),
    breaksProtocol('writes a frame whose text is longer than itself', `process.stdout.write(Uint8Array.of(0, 0, 0, 5, 0, 0, 1, 0, 123));`),
    breaksProtocol('writes a frame without JSON', `process.stdout.write(Uint8Array.of(0, 0, 0, 5, 0, 0, 0, 1, 123));`),
    breaksProtocol('writes JSON that is no UTF-8', rawValue(`[0x22, 0xff, 0xfe, 0x22]`)),
    breaksProtocol('names __proto__', rawValue(`'{"__proto__":{"admin":true}}'`)),
    breaksProtocol('nests fifty thousand lists', rawValue(`'['.repeat(50000) + ']'.repeat(50000)`)),
    breaksProtocol('sends three million values in one frame', rawValue(`'[' + '0,'.repeat(3000000) + '0]'`)),
    breaksProtocol('lets byte strings of a frame overlap', rawValue(`'[' + '{"$bytes":[0,9]},'.repeat(99) + '0]'`, 9)),
    breaksProtocol('points to bytes outside of the frame', rawValue(`'{"$bytes":[0,4294967295]}'`)),
    breaksProtocol('answers before it is ready', '', `send({ type: 'result', call: 1, value: 'early' });`),
    owner(
      'answers a call before it began',
      FOREVER,
      { cause: 'protocol', reason: expect.stringContaining('ended before it began') },
      {
        atStart: `process.stdin.once('data', () => send({ type: 'result', call: 1, value: 'early' }));`,
      },
    ),
    owner(
      'sends more at once than the limit',
      `process.stdout.write(encodeFrame({ type: 'result', call: 1, value: new Uint8Array(200000) })); ${FOREVER}`,
      { cause: 'protocol', reason: expect.stringContaining('100000 are allowed') },
      { limits: { maxResultBytes: 100_000 } },
    ),
  ],
  'powers exist by name and by grant only': [
    {
      name: 'calls a host function that every object inherits',
      attempt: () => ({
        kind: 'process',
        read: `${hostCall(`interface: 'storage', function: 'constructor', args: []`)} await new Promise((resolve) => setTimeout(resolve, 50)); return { changes: [], next: new Uint8Array(0), done: true, progress: { seen: 0 }, skipped: [] };`,
      }),
      expected: { ended: 'result', said: [] },
    },
    {
      name: 'calls a capability that does not exist',
      attempt: () => ({
        kind: 'process',
        read: `${hostCall(`interface: '__proto__', function: 'toString', args: [{}]`)} await new Promise((resolve) => setTimeout(resolve, 50)); return { changes: [], next: new Uint8Array(0), done: true, progress: { seen: 0 }, skipped: [] };`,
      }),
      expected: { ended: 'result', said: [] },
    },
    {
      name: 'sends requests whose parts are of every wrong type',
      attempt: () => ({
        kind: 'process',
        read: `const send = imports['lorelai:datasource/http-client'].send; const odd = [null, 1, 'x', [], {}, { method: 1 }, { method: 'GET', url: {} }, { method: 'GET', url: 'https://example.com', headers: 5 }, { method: 'GET', url: 'https://example.com', headers: [null] }, { method: 'GET', url: 'https://example.com', headers: [], body: 'text' }];
          const told = []; for (const request of odd) told.push(await send(request).then(() => 'sent', (error) => error.payload?.tag ?? String(error)));
          if (told.includes('sent')) throw new Error(told.join()); return { changes: [], next: new Uint8Array(0), done: true, progress: { seen: 0 }, skipped: [] };`,
      }),
      expected: { ended: 'result' },
    },
  ],
  'what a process says of its end is one line of text': [
    breaksSaying('says it in twenty million characters', `'x'.repeat(20000000)`),
    breaksSaying('says it with a NUL, which no store keeps', `'a\\0b'`),
    breaksSaying('says it with half of a character', `'a\\ud800b'`),
    breaksSaying('says it in lines that look like others', `'a\\n12:00:00 INFO all is well'`),
    breaksSaying('says it to the terminal', `'a\\u001b[2Jb\\u009b2J\\u202eb'`),
  ],
  'a process that dies takes its own calls along and nothing else': [
    owner('exits', 'process.exit(0);', { cause: 'exit', reason: expect.stringContaining('exit code 0') }),
    owner('aborts', 'process.abort();', { cause: 'exit', reason: expect.stringMatching(/SIG|exit code 1\d\d/) }),
    owner('throws where nobody catches', `setTimeout(() => { throw new Error('loose'); }); ${FOREVER}`, { cause: 'exit' }),
    owner(
      'closes its output and hangs',
      `process.stdout.end(); for (;;) await new Promise((resolve) => setTimeout(resolve, 10));`,
      { cause: expect.stringMatching(/exit|timeout/), failure: expect.any(String) },
      { limits: { callTimeoutMs: 1_000 } },
    ),
    owner(
      'dies before it is ready',
      '',
      { cause: 'exit', reason: expect.stringContaining('exit code 4') },
      { atStart: 'process.exit(4);' },
    ),
  ],
  'time and memory of the process are the host’s to measure': [
    owner(
      'spins outside of WebAssembly',
      'for (;;);',
      { cause: 'timeout', breaches: ['callTimeoutMs'] },
      { limits: { callTimeoutMs: 700 } },
    ),
    owner(
      'spins before it is ready',
      '',
      { cause: 'timeout' },
      { atStart: 'process.stdout.write(encodeFrame({ type: "ready" })); for (;;);', limits: { instantiateTimeoutMs: 700 } },
    ),
    owner(
      'burns the processor while it waits',
      `for (;;) { const until = Date.now() + 20; while (Date.now() < until); await new Promise((resolve) => setTimeout(resolve)); }`,
      { cause: 'limit', breaches: ['maxCpuMs'] },
      { limits: { maxCpuMs: 300, callTimeoutMs: 30_000 } },
    ),
    owner(
      'hoards memory beside its own',
      `const kept = []; for (;;) { kept.push(Buffer.alloc(8 * 1024 * 1024, 1)); await new Promise((resolve) => setTimeout(resolve, 2)); }`,
      { cause: 'memory', breaches: ['maxProcessMemoryBytes'] },
      { limits: { maxProcessMemoryBytes: 300 * MiB } },
    ),
    owner(
      'hoards all memory at once',
      `const kept = []; for (;;) kept.push(Buffer.alloc(64 * 1024 * 1024, 1));`,
      { cause: expect.stringMatching(/exit|trap|memory/) },
      { limits: { maxProcessMemoryBytes: 300 * MiB } },
    ),
    owner(
      'hoards objects until the engine gives up',
      `const kept = []; for (;;) kept.push({ kept: [kept.length] });`,
      { cause: expect.stringMatching(/exit|trap|memory/) },
      { limits: { maxProcessMemoryBytes: 600 * MiB } },
    ),
  ],
  'a flood is slowed down or cut, and paid for by whoever makes it': [
    owner(
      'asks a hundred thousand times and never listens',
      `process.stdin.pause(); for (let request = 1; request <= 100000; request += 1) send({ type: 'host-call', call: 1, request, interface: 'storage', function: 'get', args: ['notes', 'a'] }); ${FOREVER}`,
      { failure: expect.stringMatching(/maxHostCallsPerCall|callTimeoutMs/) },
      { limits: { callTimeoutMs: 1_500 } },
    ),
    owner(
      'tells a hundred thousand times',
      `for (let at = 0; at < 100000; at += 1) send({ type: 'host-call', call: 1, request: 0, interface: 'log', function: 'write', args: ['info', 'x'] }); ${FOREVER}`,
      { cause: 'limit', breaches: expect.arrayContaining(['maxHostCallsPerCall', 'maxLogLines']) },
    ),
    owner(
      'writes megabytes to its error output',
      `for (let at = 0; at < 64; at += 1) process.stderr.write('x'.repeat(1024 * 1024)); process.exit(5);`,
      { cause: 'exit' },
    ),
    owner(
      'fills its output with empty space',
      `for (let at = 0; at < 2000; at += 1) send({ type: 'host-call', call: 1, request: 0, interface: 'log', function: 'write', args: ['info', ' '.repeat(30000)] }); ${FOREVER}`,
      { failure: expect.any(String), cause: expect.stringMatching(/timeout|limit/) },
      { limits: { callTimeoutMs: 1_500 } },
    ),
    owner(
      'takes random bytes without end',
      `for (;;) imports['wasi:random/random'].getRandomBytes(1000000n);`,
      { cause: 'limit', breaches: ['maxRandomBytes'] },
      { limits: { maxRandomBytes: 5_000_000 } },
    ),
    owner(
      'makes handles of host resources without end',
      `const { Fields } = imports['wasi:http/types']; const kept = []; for (;;) kept.push(Fields.fromList([['a', new Uint8Array(64)]]));`,
      { cause: 'limit', breaches: ['maxHandles'] },
    ),
  ],
  'every value of a result is checked before it is used': [
    lies('gives a batch that is text', `'batch'`, /^contract: batch/),
    lies('gives a batch without fields', `{}`, /^contract: /),
    lies('gives a list that is an object with a length', `{ ...honest, changes: { length: 1e9 } }`, /^contract: changes/),
    lies(
      'gives more changes than a batch may have',
      `{ ...honest, changes: Array.from({ length: 5000 }, (_, at) => ({ tag: 'delete', val: 'd' + at })) }`,
      /^contract: changes/,
    ),
    lies(
      'gives a change of a case that does not exist',
      `{ ...honest, changes: [{ tag: 'constructor', val: 'x' }] }`,
      /^contract: changes\[0\]/,
    ),
    lies('gives a checkpoint of a megabyte', `{ ...honest, next: new Uint8Array(1048576) }`, /^contract: next/),
    lies('gives a count that is not one', `{ ...honest, progress: { seen: -1 } }`, /^contract: progress/),
    lies(
      'gives a link that runs script',
      `{ ...honest, changes: [{ tag: 'upsert', val: { id: 'a', title: 'a', link: 'javascript:alert(1)', mediaType: 'text/plain', content: new Uint8Array(0), location: [], access: { tag: 'everyone' }, attributes: [] } }] }`,
      /^contract: changes\[0\]\.upsert\.link/,
    ),
    lies(
      'gives access that it makes up',
      `{ ...honest, changes: [{ tag: 'upsert', val: { id: 'a', title: 'a', link: 'https://a.example', mediaType: 'text/plain', content: new Uint8Array(0), location: [], access: { tag: 'administrator' }, attributes: [] } }] }`,
      /^contract: changes\[0\]\.upsert\.access/,
    ),
  ],
};
