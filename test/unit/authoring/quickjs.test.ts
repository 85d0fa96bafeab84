import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildDatasource } from '../../../host/authoring/build.ts';
import { failureOf, loadInProcess, type Call, type Trace } from './in-process.ts';
import { temporaryFolders } from './temporary-folder.ts';

const temporaryFolder = temporaryFolders();

// What the SDK promises, inside the engine that components run in: a wrong value there is a trap, not an exception.

const NOW_MS = 1_790_000_000_123;
const MANIFEST = `name: odd
version: 1.0.0
author: Nobody
description: Does what no datasource should.
framework_version: ^1.0.0
features:
  odd: { config: { act: web } }
database:
  tables: [{ name: things }]
`;

let fresh: () => Promise<Call>;
let trace: Trace;

beforeAll(async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'datasource.yaml'), MANIFEST);
  await copyFile(join(import.meta.dirname, 'odd-source.ts.txt'), join(folder, 'source.ts'));
  const { file } = await buildDatasource(folder);
  ({ fresh, trace } = await loadInProcess(file, await temporaryFolder()));
});

function context(act: string): object {
  const features = [{ name: 'odd', enabled: true, config: JSON.stringify({ act }) }];
  return { connectionId: 'c', config: '{}', features, nowMs: BigInt(NOW_MS), deadlineMs: BigInt(NOW_MS + 1000) };
}

async function read(act: string): Promise<{ state: unknown; batch: unknown }> {
  const call = await fresh();
  const batch = await call('read', context(act), 'odd', undefined);
  const next: unknown = Reflect.get(Object(batch), 'next');
  if (!(next instanceof Uint8Array)) throw new Error('There is no checkpoint.');
  return { batch, state: JSON.parse(new TextDecoder().decode(next)) };
}

describe('inside QuickJS', () => {
  it.each([
    ['throws_text', /^read of "odd" threw just text$/],
    ['throws_nothing', /^read of "odd" threw undefined$/],
    ['throws_type_error', /^read of "odd" threw TypeError: cannot read property 'deeper' of undefined \(at throws_type_error/],
    ['bigint', /^read of "odd" returned\.seen: it must be a number, not the BigInt 3\.$/],
    ['bigint_in_document', /^read of "odd" returned\.upserts\[0\]\.updatedAtMs: it must be a number, not the BigInt 3\.$/],
    ['number_for_text', /^read of "odd" returned\.upserts\[0\]\.id: it must be text, not 12\.$/],
    ['returns_nothing', /^read of "odd" returned: it must be an object, not undefined\.$/],
    [
      'returns_promise',
      /^read of "odd" returned: it is a promise; there is nothing to wait for in a component\. Return the value itself\.$/,
    ],
    ['no_such_act', /^read of "odd" threw TypeError: not a function/],
  ])('%s is a failure with a reason, not a trap', async (act, reason) => {
    const call = await fresh();
    expect(await failureOf(call('read', context(act), 'odd', undefined))).toEqual({ tag: 'failed', val: expect.stringMatching(reason) });
    expect(await call('check', context(act))).toEqual({ account: undefined, problems: [] });
  });

  it('undefined fields are options without a value', async () => {
    const { batch, state } = await read('undefined_fields');
    expect(state).toEqual({});
    expect(batch).toMatchObject({ done: true, progress: { seen: 1n, expected: undefined }, skipped: [] });
    expect(batch).toMatchObject({
      changes: [
        {
          val: {
            version: undefined,
            author: undefined,
            createdAtMs: undefined,
            location: [],
            attributes: [],
            content: new TextEncoder().encode('Grüße aus 日本 🎉'),
          },
        },
      ],
    });
  });

  it('half a surrogate pair becomes U+FFFD', async () => {
    const { batch } = await read('half_a_surrogate');
    expect(batch).toMatchObject({ changes: [{ val: { title: 'x\u{fffd}y', content: new TextEncoder().encode('x\u{fffd}y') } }] });
  });

  it('URL, text encoding, base64, console and a clock that stands at the call’s beginning are there', async () => {
    expect((await read('web')).state).toEqual({
      url: 'https://xn--exmple-cua.com/a/%C3%A4?x=1&y=%C3%BC+z',
      params: 'q=%C3%9F',
      decoded: 'ü🎉',
      utf16: 'ä',
      long: true,
      base64: 'aGVsbG8=',
      now: true,
      newDate: new Date(NOW_MS).toISOString(),
      called: 'string',
      parsed: '2026-01-02T02:04:05.000Z',
      instance: true,
      loadedAt: 0,
    });
    expect(trace.lines).toContain('info seen {"a":1} Error: odd');
  });

  it('requests and storage wait for the host and hand over what it gave', async () => {
    expect((await read('host')).state).toEqual({ body: 'Grüße', next: 'https://a.example/x?page=2', kept: { grüße: 1 } });
    expect(trace.urls).toEqual(['https://a.example/x?q=%C3%A4']);
    expect([...trace.stored.keys()]).toEqual(['things/k']);
  });

  it('a checkpoint of somebody else has expired, and an unknown feature has a name', async () => {
    const call = await fresh();
    expect(await failureOf(call('read', context('web'), 'odd', new Uint8Array([255])))).toMatchObject({ tag: 'checkpoint-expired' });
    expect(await failureOf(call('read', context('web'), 'even', undefined))).toEqual({ tag: 'failed', val: 'There is no feature "even".' });
    expect(await failureOf(call('search', context('web'), { text: 'a', limit: 1 }))).toEqual({ tag: 'unsupported' });
  });
});

describe('the hello component', () => {
  it('describes itself as its manifest does, checks its config, and reads until done', async () => {
    const hello = join(import.meta.dirname, '../../../datasources/hello');
    const outFile = join(await temporaryFolder(), 'hello.wasm');
    const built = await buildDatasource(hello, { outFile });
    const { fresh: instance, trace: done } = await loadInProcess(built.file, await temporaryFolder());
    const about = { connectionId: 'c', nowMs: BigInt(NOW_MS), deadlineMs: BigInt(NOW_MS + 1000) };
    const features = [{ name: 'greetings', enabled: true, config: '{"greeting":"Hi","batch_size":2}' }];
    const good = { ...about, features, config: '{"audience":"Ada"}' };

    expect(await (await instance())('describe')).toEqual({
      name: built.manifest.name,
      version: built.manifest.version,
      features: built.manifest.features.map(({ name, description }) => ({ name, description })),
      configSchema: JSON.stringify(built.manifest.configSchema),
    });
    expect(await (await instance())('validateConfig', { ...good, config: '{"audience":" "}' })).toMatchObject([{ path: '/audience' }]);
    expect(await (await instance())('validateConfig', good)).toEqual([]);

    const titles: unknown[] = [];
    let after: unknown;
    let finished = false;
    while (!finished) {
      const batch = Object(await (await instance())('read', good, 'greetings', after));
      titles.push(...Reflect.get(batch, 'changes').map(({ val }: { val: { title: string } }) => val.title));
      after = Reflect.get(batch, 'next');
      finished = Reflect.get(batch, 'done') === true;
    }
    expect(titles).toHaveLength(5);
    expect(new Set(titles).size).toBe(5);
    expect(done.stored.size).toBe(5);
    expect(done.metrics.filter(([name]) => name === 'greetings_written').reduce((sum, [, amount]) => sum + amount, 0)).toBe(5);
    expect(await (await instance())('read', good, 'greetings', after)).toMatchObject({ changes: [], done: true, next: after });
    expect((await readFile(outFile)).byteLength).toBe(built.sizeBytes);
  });
});
