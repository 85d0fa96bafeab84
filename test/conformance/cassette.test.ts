import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseCassette } from '../../host/conformance/cassette.ts';
import type { ConformanceResult } from '../../host/conformance/suite.ts';
import { startCarelessSource } from '../helpers/careless-source.ts';
import { component, openLab, verdicts, type ConformanceLab } from '../helpers/conformance.ts';
import { startUpstream } from '../helpers/upstream.ts';

const SECRET = 'a-secret-that-nobody-writes-down';
const RULES = ['comes-to-an-end', 'honours-retry-after-on-429', 'lists-what-it-read'];

let lab: ConformanceLab;
let careless: Uint8Array;
let recorded: { lines: string[]; result: ConformanceResult };

beforeAll(async () => {
  lab = openLab();
  careless = await component('careless');
  const source = await startCarelessSource();
  const lines: string[] = [];
  const result = await lab.test(careless, {
    upstream: source.origin,
    rules: RULES,
    secret: SECRET,
    record: (line) => void lines.push(line),
  });
  await source.close();
  recorded = { lines, result };
});
afterAll(() => lab.close());

const text = (): string => recorded.lines.join('');
const play = (cassette: string): Promise<ConformanceResult> => lab.test(careless, { cassette: parseCassette(cassette), rules: RULES });

describe('a cassette', () => {
  it('gives the same verdicts without the source', async () => {
    expect(verdicts(recorded.result, 'fail')).toEqual({});
    expect((await play(text())).rules).toEqual(recorded.result.rules);
  });

  it('holds every call of the host with its answer, and what each call was told that the time is', () => {
    const kinds = recorded.lines.map((line): { kind: string; interface?: string; args?: { nowMs?: number }[] } => JSON.parse(line));
    expect(new Set(kinds.map(({ kind }) => kind))).toEqual(new Set(['lorelai-cassette', 'call', 'host', 'end']));
    expect(kinds.filter(({ kind }) => kind === 'call').every(({ args }) => typeof args?.[0]?.nowMs === 'number')).toBe(true);
    expect(kinds.filter(({ kind }) => kind === 'host').length).toBeGreaterThan(5);
  });

  it('says at which call of the host the component diverges', async () => {
    const other = text().replaceAll('/items?page=1', '/items?page=7');
    expect(verdicts(await play(other), 'fail')).toMatchObject({
      'comes-to-an-end': expect.stringMatching(
        /call 2 of pass of items \(read\) diverged at host call 1: it asked http-client\.send .*page=1.*, and the cassette has .*page=7/,
      ),
    });
  });

  it('says when the component gives something else of the same answers', async () => {
    const other = text().replaceAll('The text of c.', 'Another text.');
    expect(verdicts(await play(other), 'fail')['comes-to-an-end']).toMatch(
      /call 2 of pass of items \(read\) asked the same and gave something else/,
    );
  });

  it('says when the component asks less, or is called in another way', async () => {
    const more = recorded.lines.flatMap((line) => (line.startsWith('{"kind":"host"') ? [line, line] : [line])).join('');
    expect(verdicts(await play(more), 'fail')['comes-to-an-end']).toContain('it was not made, and the cassette has http-client.send');
    const none = text().replaceAll('"scene":"honours', '"scene":"another');
    expect(verdicts(await play(none), 'fail')['honours-retry-after-on-429']).toContain(
      'The cassette has no call 1 of honours-retry-after-on-429',
    );
  });

  it('never holds the credential, also where a source says it aloud or a person writes it into the config', async () => {
    const source = await startUpstream((request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'x-you-sent': request.headers.authorization ?? '' });
      response.end(JSON.stringify({ items: [], name: request.headers.authorization, again: Buffer.from(SECRET).toString('base64') }));
    });
    const lines: string[] = [];
    const config = { way: SECRET };
    await lab.test(careless, {
      upstream: source.origin,
      config,
      secret: SECRET,
      rules: ['answers-every-function'],
      record: (line) => void lines.push(line),
    });
    await source.close();
    expect(source.requests[0]?.headers.authorization).toBe(`Bearer ${SECRET}`);
    expect(lines.join('')).toContain('[secret]');
    expect(lines.join('')).not.toContain(SECRET);
    expect(lines.join('')).not.toContain(Buffer.from(SECRET).toString('base64'));
  });

  it.each<[string, string, RegExp]>([
    ['nothing', '', /Line 1 .* not a JSON object/],
    ['no JSON', 'hello', /Line 1 .* not a JSON object/],
    ['another file', '{"kind":"package"}', /Line 1 .* not the head/],
    ['a later version', '{"kind":"lorelai-cassette","version":2}', /Line 1 .* version 2/],
    ['half a head', '{"kind":"lorelai-cassette","version":1}', /Line 1 .* missing/],
  ])('that is %s is refused with the line', (_, cassette, message) => {
    expect(() => parseCassette(cassette)).toThrow(
      expect.objectContaining({ code: 'FILE_NOT_READABLE', message: expect.stringMatching(message) }),
    );
  });

  it('with a line that means nothing is refused with the line', () => {
    expect(() => parseCassette(`${recorded.lines[0] ?? ''}{"kind":"other"}`)).toThrow(/Line 2 .* no kind/);
  });

  it('of another datasource is refused', async () => {
    await expect(lab.test(await component('hello'), { cassette: parseCassette(text()) })).rejects.toMatchObject({
      code: 'FILE_NOT_READABLE',
      message: 'The cassette is of careless, and this is hello.',
    });
  });
});
