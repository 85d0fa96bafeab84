import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openFurnishedApi, type Api } from '../helpers/api.ts';

let api: Api;
beforeAll(async () => {
  api = await openFurnishedApi();
  for (const [organisation, text] of [
    ['default', 'The aardvark number {number} sleeps.'],
    ['acme', 'The aardvark of Acme number {number} is awake.'],
  ]) {
    const steps = [
      { do: 'documents', count: 15, text },
      { do: 'documents', count: 1, from: 100, text: 'A lonely pangolin.', feature: 'others' },
    ];
    await index({ datasource: 'probe', organisation, config: { steps } });
  }
  await index({ datasource: 'hello' });
});
afterAll(() => api.close());

async function index(input: Record<string, unknown>): Promise<void> {
  const { body } = await api.call('POST', '/api/v1/connections', input);
  await api.call('POST', `/api/v1/connections/${body.id}/runs?organisation=${body.organisation}`);
  await api.work();
}

describe('POST /api/v1/retrieve', () => {
  test('gives the passages that answer, best first, with links and where the words stand', async () => {
    const { body } = await api.call('POST', '/api/v1/retrieve', { question: 'How do I keep small things between calls?' });
    const [first] = body.hits;
    expect(first).toMatchObject({
      title: 'Keeping small things between calls',
      link: 'https://hello.example/guides/storage',
      datasource: 'hello',
      feature: 'greetings',
      author: 'Lorelai',
      mediaType: 'text/markdown',
    });
    const scores = body.hits.map(({ score }: { score: number }) => score);
    expect(scores).toEqual(scores.toSorted((a: number, b: number) => b - a));
    for (const [start, end] of first.highlights) expect(first.snippet.slice(start, end)).toMatch(/^\S+$/);
  });

  test('gives ten passages, or as many as are asked for', async () => {
    expect((await api.call('POST', '/api/v1/retrieve', { question: 'aardvark' })).body.hits).toHaveLength(10);
    expect((await api.call('POST', '/api/v1/retrieve', { question: 'aardvark', k: 1 })).body.hits).toHaveLength(1);
    expect((await api.call('POST', '/api/v1/retrieve', { question: 'aardvark', k: 100 })).body.hits).toHaveLength(15);
  });

  test('never shows one organisation what another one has', async () => {
    const ours = await api.call('POST', '/api/v1/retrieve', { question: 'aardvark Acme awake', k: 100 });
    expect(JSON.stringify(ours.body)).not.toContain('Acme');
    const theirs = await api.call('POST', '/api/v1/retrieve?organisation=acme', { question: 'aardvark sleeps', k: 100 });
    expect(theirs.body.hits).toHaveLength(15);
    expect(JSON.stringify(theirs.body)).not.toContain('sleeps');
  });

  test('keeps to the datasources and features that are named', async () => {
    const named = async (body: Record<string, unknown>): Promise<unknown[]> =>
      (await api.call('POST', '/api/v1/retrieve', { question: 'aardvark pangolin calls', k: 100, ...body })).body.hits;
    expect(await named({ datasources: ['hello'] })).toEqual(expect.arrayContaining([expect.objectContaining({ datasource: 'hello' })]));
    for (const hit of await named({ datasources: ['probe'] })) expect(hit).toMatchObject({ datasource: 'probe' });
    expect(await named({ features: ['others'] })).toEqual([
      expect.objectContaining({ feature: 'others', link: 'https://probe.example/document-100' }),
    ]);
    expect(await api.call('POST', '/api/v1/retrieve', { question: 'x', datasources: ['nope'] })).toMatchObject({
      status: 404,
      body: { code: 'UNKNOWN_DATASOURCE' },
    });
  });

  test.each([
    '"',
    "'",
    '*',
    'a AND',
    'NEAR(',
    'col:x',
    '^',
    '-',
    '(((',
    'NOT',
    '"unbalanced',
    "'; DROP TABLE passages; --",
    '\u0001',
    ' ',
    '🦔',
    '漢字',
    'é',
    '%',
    '\\',
    'a'.repeat(8192),
    '" OR rowid > 0 --',
  ])('takes %j for the text that it is', async (question) => {
    expect((await api.call('POST', '/api/v1/retrieve', { question })).status).toBe(200);
  });

  test('finds nothing without calling that an error', async () => {
    expect((await api.call('POST', '/api/v1/retrieve', { question: 'xylophonequux' })).body.hits).toEqual([]);
  });
});
