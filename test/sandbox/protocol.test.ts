import { afterEach, describe, expect, it } from 'vitest';
import type { Limits } from '../../host/domain/limits.ts';
import { PROCESS_ISOLATION } from '../../host/sandbox/isolation.ts';
import type { HostAnswer } from '../../host/sandbox/sandbox-call.ts';
import { SandboxProcess } from '../../host/sandbox/sandbox-process.ts';
import { farSide, limitsWith, powersOf, readCall } from '../helpers/far-side.ts';

const started: SandboxProcess[] = [];

afterEach(() => {
  for (const process of started.splice(0)) process.kill('cancelled', 'the test is over');
});

async function start(read: string, options: { atStart?: string; limits?: Partial<Limits> } = {}): Promise<SandboxProcess> {
  const folder = await farSide(read, options.atStart);
  const process = new SandboxProcess({
    folder,
    limits: limitsWith(options.limits),
    isolation: PROCESS_ISOLATION,
    onStderr: () => undefined,
  });
  started.push(process);
  return process;
}

const FOREVER = 'await new Promise(() => {});';

describe('a process that breaks the protocol is killed with cause `protocol`', () => {
  it.each<[string, string]>([
    ['says that it is ready again', `send({ type: 'ready' });`],
    ['says that a call began twice', `send({ type: 'started', call: 1 });`],
    ['begins a call that nobody made', `send({ type: 'started', call: 2 });`],
    ['answers a call that nobody made', `send({ type: 'result', call: 99, value: 1 });`],
    ['answers call 0', `send({ type: 'result', call: 0, value: 1 });`],
    [
      'asks the host on behalf of nobody',
      `send({ type: 'host-call', call: 7, request: 1, interface: 'storage', function: 'get', args: [] });`,
    ],
    ['sends a message that does not exist', `send({ type: 'exit', call: 1 });`],
    ['sends no message at all', `send(null);`],
    ['sends a list of messages', `send([{ type: 'result', call: 1 }]);`],
    [
      'wants an answer from what has none',
      `send({ type: 'host-call', call: 1, request: 1, interface: 'log', function: 'write', args: [] });`,
    ],
    ['writes plain text to its output', `process.stdout.write('hello, operator\\n');`],
    ['writes a frame that claims four gigabytes', `process.stdout.write(Uint8Array.of(255, 255, 255, 255));`],
    ['writes a frame that is too short', `process.stdout.write(Uint8Array.of(0, 0, 0, 1, 0));`],
    ['writes a frame without JSON', `process.stdout.write(Uint8Array.of(0, 0, 0, 5, 0, 0, 0, 1, 123));`],
    [
      'names __proto__',
      `const json = Buffer.from('{"__proto__":1}'); process.stdout.write(Buffer.concat([Uint8Array.of(0, 0, 0, 4 + json.length, 0, 0, 0, json.length), json]));`,
    ],
    [
      'nests without end',
      `const json = Buffer.from('['.repeat(50000) + ']'.repeat(50000)); const head = Buffer.alloc(8); head.writeUInt32BE(json.length + 4, 0); head.writeUInt32BE(json.length, 4); process.stdout.write(Buffer.concat([head, json]));`,
    ],
  ])('%s', async (_, forgery) => {
    const process = await start(`${forgery} ${FOREVER}`);
    const outcome = await process.call(readCall({ powers: powersOf({ 'log.write': () => undefined }) }));
    expect(outcome).toMatchObject({ kind: 'killed', cause: 'protocol' });
    expect(process.alive).toBe(false);
  });

  it('answers a call twice', async () => {
    const process = await start(`send({ type: 'result', call: 1, value: 'first' }); ${FOREVER}`);
    const ended = new Promise<void>((resolve) => process.onEnd(() => resolve()));
    expect(await process.call(readCall())).toEqual({ kind: 'result', value: 'first' });
    // The runner's own result is the second one.
    const again = process.call(readCall());
    expect(await again).toEqual({ kind: 'killed', cause: 'protocol', reason: expect.stringContaining('call 1, which is not open') });
    await ended;
  });

  it('answers a call before it began', async () => {
    const atStart = `process.stdin.once('data', () => send({ type: 'result', call: 1, value: 'early' }));`;
    const process = await start(FOREVER, { atStart });
    expect(await process.call(readCall())).toMatchObject({
      kind: 'killed',
      cause: 'protocol',
      reason: expect.stringContaining('ended before it began'),
    });
  });

  it('answers before it is ready', async () => {
    const process = await start(FOREVER, { atStart: `send({ type: 'result', call: 1, value: 'early' });` });
    expect(await process.call(readCall())).toMatchObject({ kind: 'killed', cause: 'protocol' });
  });

  it('sends more at once than the limit, naming it', async () => {
    const process = await start(
      `process.stdout.write(encodeFrame({ type: 'result', call: 1, value: new Uint8Array(200000) })); ${FOREVER}`,
      {
        limits: { maxResultBytes: 100_000 },
      },
    );
    expect(await process.call(readCall())).toMatchObject({
      kind: 'killed',
      cause: 'protocol',
      reason: expect.stringContaining('100000 are allowed'),
    });
  });
});

describe('a process that dies', () => {
  it.each([
    ['exits', 'process.exit(0);', /exit code 0/],
    ['exits with a code', 'process.exit(7);', /exit code 7/],
    ['aborts', 'process.abort();', /SIGABRT/],
    ['throws where nobody catches', `setTimeout(() => { throw new Error('loose'); }); ${FOREVER}`, /exit code 1/],
    ['closes its output', `process.stdout.end(); setTimeout(() => process.exit(3), 50); ${FOREVER}`, /exit code 3/],
  ])('and %s ends its calls with cause `exit`', async (_, read, reason) => {
    const process = await start(read);
    expect(await process.call(readCall())).toEqual({ kind: 'killed', cause: 'exit', reason: expect.stringMatching(reason) });
  });

  it('before it is ready ends its calls, and those that come after, with the same reason', async () => {
    const process = await start('', { atStart: 'process.exit(4);' });
    const expected = { kind: 'killed', cause: 'exit', reason: expect.stringContaining('exit code 4') };
    expect(await process.call(readCall())).toEqual(expected);
    expect(await process.call(readCall())).toEqual(expected);
  });

  it('because its folder is not there ends its calls likewise', async () => {
    const process = new SandboxProcess({
      folder: '/nowhere',
      limits: limitsWith(),
      isolation: PROCESS_ISOLATION,
      onStderr: () => undefined,
    });
    expect(await process.call(readCall())).toMatchObject({ kind: 'killed', cause: 'exit' });
  });
});

describe('a fault of the host', () => {
  const askOnce = `return imports['lorelai:datasource/storage'].get('notes', 'key');`;
  const fault = new Error('the store is closed');

  it.each<[string, () => Promise<HostAnswer>]>([
    ['that rejects', () => Promise.reject(fault)],
    [
      'that throws',
      () => {
        throw fault;
      },
    ],
  ])('%s ends that call alone, with the error for the log, and the host goes on', async (_, get) => {
    const process = await start(askOnce);
    expect(await process.call(readCall({ powers: { handle: get } }))).toEqual({
      kind: 'killed',
      cause: 'host',
      reason: 'the host failed at storage.get',
      fault,
    });
  });

  it('tells other calls of the process that it was a neighbour', async () => {
    const process = await start(`if (args[0] === 'waits') { ${FOREVER} } ${askOnce}`);
    const waiting = process.call(readCall({ args: ['waits'] }));
    await process.call(readCall({ powers: { handle: () => Promise.reject(fault) } }));
    expect(await waiting).toMatchObject({ kind: 'killed', cause: 'neighbour' });
  });

  it('that comes when its call has ended is of no matter', async () => {
    const asked = Promise.withResolvers<HostAnswer>();
    const process = await start(`imports['lorelai:datasource/http-client'].send({}).catch(() => {}); return 'done';`);
    expect(await process.call(readCall({ powers: { handle: () => asked.promise } }))).toEqual({ kind: 'result', value: 'done' });
    asked.reject(fault);
    expect(await process.call(readCall())).toEqual({ kind: 'result', value: 'done' });
  });
});

describe('an answer of the storage', () => {
  const get = `imports['lorelai:datasource/storage'].get('notes', args[0])`;

  it('is there when the function returns, as it is and as large as it is', async () => {
    const large = new Uint8Array(3 * 1024 * 1024).fill(7);
    const process = await start(`return ${get};`);
    const outcome = await process.call(readCall({ powers: powersOf({ 'storage.get': async () => ({ ok: true, value: large }) }) }));
    expect(outcome.kind === 'result' && Buffer.from(outcome.value as Uint8Array).equals(large)).toBe(true);
  });

  it('that is an error is thrown with its payload', async () => {
    const process = await start(`try { ${get}; } catch (error) { return error.payload; }`);
    const error = { tag: 'unknown-collection', val: 'notes' };
    const powers = powersOf({ 'storage.get': async () => ({ ok: false, error }) });
    expect(await process.call(readCall({ powers }))).toEqual({ kind: 'result', value: error });
  });

  it('comes to the call that asked, while others wait for their source and new ones come', async () => {
    const sent = Promise.withResolvers<HostAnswer>();
    const got = Promise.withResolvers<HostAnswer>();
    const asked = { source: Promise.withResolvers<void>(), storage: Promise.withResolvers<void>() };
    const process = await start(`return args[0] === 'source' ? imports['lorelai:datasource/http-client'].send({}) : ${get};`);
    const answering = (name: 'source' | 'storage', answer: Promise<HostAnswer>) => (): Promise<HostAnswer> => {
      asked[name].resolve();
      return answer;
    };
    const powers = powersOf({ 'http-client.send': answering('source', sent.promise), 'storage.get': answering('storage', got.promise) });
    const atSource = process.call(readCall({ args: ['source'], powers }));
    await asked.source.promise;
    const atStorage = process.call(readCall({ args: ['first'], powers }));
    await asked.storage.promise;
    const powersOfNext = powersOf({ 'storage.get': async (_, key) => ({ ok: true, value: key as string }) });
    const next = process.call(readCall({ args: ['second'], powers: powersOfNext }));
    sent.resolve({ ok: true, value: 'from the source' });
    got.resolve({ ok: true, value: 'from the storage' });
    expect(await Promise.all([atSource, atStorage, next])).toEqual(
      ['from the source', 'from the storage', 'second'].map((value) => ({ kind: 'result', value })),
    );
  });

  it('that never comes ends the call at its deadline, and those beside it as neighbours', async () => {
    const process = await start(`return ${get};`);
    const powers = powersOf({ 'storage.get': () => new Promise(() => undefined) });
    const waiting = process.call(readCall({ powers, limits: { callTimeoutMs: 400 } }));
    const beside = process.call(readCall({ powers }));
    expect(await waiting).toMatchObject({ kind: 'killed', cause: 'timeout' });
    expect(await beside).toMatchObject({ kind: 'killed', cause: 'neighbour' });
  });
});

describe('a process that does not read', () => {
  it('is not answered without end: the host stops reading from it', async () => {
    let answered = 0;
    const answer = (): Promise<HostAnswer> => {
      answered += 1;
      return Promise.resolve({ ok: true, value: new Uint8Array(1024 * 1024) });
    };
    const flood = `process.stdin.pause(); setInterval(() => undefined, 1_000);
      for (let request = 1; request <= 2000; request += 1) send({ type: 'host-call', call: 1, request, interface: 'storage', function: 'get', args: [] });
      send({ type: 'result', call: 1, value: 'flooded' }); ${FOREVER}`;
    const process = await start(flood, { limits: { callTimeoutMs: 1_500 } });
    expect(await process.call(readCall({ powers: { handle: answer }, limits: { callTimeoutMs: 1_500 } }))).toMatchObject({
      kind: 'killed',
      cause: 'timeout',
    });
    expect(answered).toBeLessThanOrEqual(64);
  });

  it.each(['storage', 'http-client'])('is ended when the answers of %s that it leaves unread would fill the host', async (name) => {
    const large = new Uint8Array(32 * 1024 * 1024);
    const asksMuch = `process.stdin.pause(); setInterval(() => undefined, 1_000);
      for (let request = 1; request <= 20; request += 1) send({ type: 'host-call', call: 1, request, interface: '${name}', function: 'get', args: [] });
      ${FOREVER}`;
    const process = await start(asksMuch);
    const answer = (): Promise<HostAnswer> => Promise.resolve({ ok: true, value: large });
    expect(await process.call(readCall({ powers: { handle: answer } }))).toEqual({
      kind: 'killed',
      cause: 'limit',
      reason: expect.stringMatching(/^the sandbox process left \d+ bytes of answers unread$/),
    });
  });
});
