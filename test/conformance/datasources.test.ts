import { createEmulator } from 'emulate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseCassette } from '../../host/conformance/cassette.ts';
import type { ConformanceResult } from '../../host/conformance/suite.ts';
import { DEMO_REPOSITORY, DEMO_TOKEN, demoSeed, seedDemoRepository } from '../../scripts/demo/seed-repository.ts';
import { component, openLab, verdicts, type ConformanceLab } from '../helpers/conformance.ts';
import { startMirrorSource } from '../helpers/mirror.ts';

// Every datasource of this repository does what every datasource must.

let lab: ConformanceLab;
beforeAll(() => {
  lab = openLab();
});
afterAll(() => lab.close());

/** Fails with the rules that did. */
function expectConforming(result: ConformanceResult): void {
  expect(verdicts(result, 'fail')).toEqual({});
  expect(result.passed).toBe(true);
}

describe('hello', () => {
  it('conforms, and needs no source for it', async () => {
    const result = await lab.test(await component('hello'));
    expectConforming(result);
    expect(Object.keys(verdicts(result, 'pass'))).toEqual(
      expect.arrayContaining(['comes-to-an-end', 'resumes-at-any-batch', 'lists-what-it-read']),
    );
  });
});

describe('mirror', () => {
  it('conforms with a source of pages, deletions and groups', async () => {
    const source = await startMirrorSource();
    try {
      for (const id of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) source.put({ id, readers: { accounts: ['ann'], groups: ['staff'] } });
      for (const id of ['staff', 'board', 'guests', 'others']) source.setGroup(id, ['ann']);
      source.remove('c');
      const result = await lab.test(await component('mirror'), { upstream: source.origin, config: { page_size: 2 } });
      expectConforming(result);
      expect(verdicts(result, 'not-applicable')).toEqual({});
    } finally {
      await source.close();
    }
  });
});

describe('github', () => {
  it('conforms against an emulator, and again against the cassette of it', async () => {
    const emulator = await createEmulator({ service: 'github', port: 0, seed: demoSeed() });
    const lines: string[] = [];
    let live: ConformanceResult;
    try {
      await seedDemoRepository(emulator.url);
      live = await lab.test(await component('github'), {
        upstream: `http://127.0.0.1:${new URL(emulator.url).port}`,
        config: { repositories: [DEMO_REPOSITORY] },
        secret: DEMO_TOKEN,
        // The largest; the two others are read by the same engine.
        feature: 'issue_tracking',
        record: (line) => void lines.push(line),
      });
    } finally {
      await emulator.close();
    }
    expectConforming(live);
    expect(Object.keys(verdicts(live, 'not-applicable'))).toEqual(['lists-the-groups-that-it-names']);
    // The emulator is gone.
    const played = await lab.test(await component('github'), { cassette: parseCassette(lines.join('')) });
    expect(played.rules).toEqual(live.rules);
    expect(played.calls).toBe(live.calls);
    expect(lines.join('')).not.toContain(DEMO_TOKEN);
  });
});
