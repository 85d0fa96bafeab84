import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { conformanceRules } from '../../host/conformance/rules.ts';
import { startCarelessSource } from '../helpers/careless-source.ts';
import { chancyDatasource } from '../helpers/chancy-datasource.ts';
import { component, openLab, verdicts, type ConformanceLab } from '../helpers/conformance.ts';
import { NOTHING_AT, RECORD_AT, smallDatasource, type SmallVersion } from '../helpers/small-datasource.ts';

// Each rule has a datasource that breaks it and is told so, and an honest one that keeps it.

let lab: ConformanceLab;
let careless: Uint8Array;
beforeAll(async () => {
  lab = openLab();
  careless = await component('careless');
});
afterAll(() => lab.close());

type Breaker = {
  /** Of datasource `careless`. */
  way?: string;
  small?: Partial<SmallVersion>;
  made?: () => Promise<Uint8Array>;
  /** Rules whose calls it is judged by. */
  with?: readonly string[];
  /** Of the reason. */
  says: RegExp;
};

const BREAKERS: Record<string, Breaker> = {
  'describes-itself-as-its-manifest-does': {
    small: { describes: { name: 'other' } },
    says: /"other" in describe, "small" in the manifest/,
  },
  'describes-itself-without-asking': {
    small: {
      bodies: { describe: `(call 1 (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 800)) (i32.const ${RECORD_AT})` },
    },
    says: /describe asked storage\.get/,
  },
  'gives-a-usable-config-schema': { small: { describes: { configSchema: 'no json' } }, says: /not the text of a JSON object/ },
  'asks-for-no-secret-in-its-config': {
    small: { manifest: 'config_schema: { type: object, properties: { apiToken: { type: string } } }\n' },
    says: /\/apiToken would hold a credential/,
  },
  'names-the-settings-that-are-wrong': { way: 'vague-problems', says: /"way", which is no JSON Pointer/ },
  'looks-at-settings-without-network': { way: 'validates-by-network', says: /made a request/ },
  'answers-every-function': { small: { bodies: { search: 'unreachable' } }, says: /search broke: the datasource broke/ },
  'refuses-a-feature-that-it-does-not-have': {
    small: { bodies: { read: `(i32.const ${NOTHING_AT})` } },
    says: /read of an unknown feature gave a result/,
  },
  'refuses-a-checkpoint-that-is-not-its-own': { way: 'takes-any-checkpoint', says: /went on from bytes that it never wrote/ },
  'says-who-may-see': { way: 'silent-access', says: /None of 2 documents/ },
  'comes-to-an-end': { way: 'endless', says: /a checkpoint that an earlier one gave/ },
  'reads-the-same-from-the-same-checkpoint': { made: chancyDatasource, says: /read twice: change 1 is another one/ },
  'resumes-at-any-batch': { way: 'consumes', says: /every batch lost once, ends with other documents: missing: c, d/ },
  'bears-being-cancelled': { way: 'consumes', says: /every read cancelled once, ends with other documents: missing: c, d/ },
  'gives-stable-ids': { way: 'ids-by-clock', says: /gave 6 other ids a day later: a-/ },
  'lists-what-it-read': { way: 'forgets-an-id', says: /leaves out 1 that read gave: a/ },
  'lists-all-or-fails': { way: 'lists-nothing-on-faults', says: /answered 500 from request 1 on: it ended without 6 of 6 ids/ },
  'comes-to-the-end-of-its-groups': { way: 'endless-groups', says: /page 2 says that the next one is one that was given/ },
  'lists-the-groups-that-it-names': { way: 'unknown-group', says: /the group nobody-knows/ },
  'says-unauthorized-on-401': { way: 'always-unavailable', says: /answered 401 from request 1 on: it is `unavailable`/ },
  'says-forbidden-on-403': { way: 'takes-faults-for-nothing', says: /done without a word, and without 6 of 6 documents/ },
  'bears-404': { way: 'breaks-on-404', says: /nobody expected this|the datasource broke/ },
  'honours-retry-after-on-429': { way: 'always-failed', says: /it is `failed` instead of `throttled`/ },
  'says-unavailable-on-5xx': { way: 'always-failed', says: /answered 500 .*it is `failed` instead of `unavailable`/ },
  'says-unavailable-when-no-answer-comes': { way: 'always-failed', says: /answered slow .*it is `failed` instead of `unavailable`/ },
  'bears-broken-answers': { way: 'takes-garbage-for-nothing', says: /answered malformed .*done without a word/ },
  'recovers-from-passing-faults': { way: 'skips-a-page', says: /is without a, b .*nothing says so/ },
  'asks-only-for-what-it-declares': {
    way: 'other-origin',
    with: ['answers-every-function'],
    says: /check asked for https:\/\/elsewhere\.invalid is not in the manifest/,
  },
  'stays-within-its-limits': { way: 'chatty', with: ['comes-to-an-end'], says: /read met the limit maxLogLines of 1000: it used 2000/ },
};

const RULES = conformanceRules();

async function made({ small, made: make }: Breaker): Promise<Uint8Array> {
  if (make !== undefined) return make();
  return small === undefined ? careless : smallDatasource({ version: '1.0.0', ...small });
}

describe('every rule', () => {
  it('has a datasource that breaks it', () => {
    expect(Object.keys(BREAKERS)).toEqual(RULES.map(({ name }) => name));
  });

  it('comes from words of the contract', async () => {
    const folder = join(import.meta.dirname, '../../wit');
    const files = (await readdir(folder)).filter((name) => name.endsWith('.wit'));
    const texts = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')));
    const words = texts.join('\n').replaceAll(/\s*\n\s*(\/\/\/)?\s*/g, ' ');
    for (const { name, contract } of RULES) expect(words.includes(contract), `${name}: ${contract}`).toBe(true);
  });

  it.each(Object.entries(BREAKERS))('%s: who breaks it is told how', async (rule, breaker) => {
    const source = await startCarelessSource();
    try {
      const from = breaker.way === undefined ? {} : { upstream: source.origin, config: { way: breaker.way } };
      const result = await lab.test(await made(breaker), { ...from, rules: [rule, ...(breaker.with ?? [])] });
      expect(verdicts(result, 'fail')[rule]).toMatch(breaker.says);
      expect(result.passed).toBe(false);
      const remedy = result.rules.map((found) => ('remedy' in found ? found.remedy : '')).find((text) => text !== '');
      expect(remedy).toMatch(/^[A-Z].*\.$/);
    } finally {
      await source.close();
    }
  });

  it('is kept by an honest datasource', async () => {
    const source = await startCarelessSource();
    try {
      const result = await lab.test(careless, { upstream: source.origin, secret: 'a-secret-token' });
      expect(verdicts(result, 'fail')).toEqual({});
      expect(Object.keys(verdicts(result, 'not-applicable'))).toEqual(['lists-the-groups-that-it-names']);
    } finally {
      await source.close();
    }
  });
});
