import { describe, expect, it } from 'vitest';
import { testContext, useTestHost } from '../../sdk/testing/index.ts';
import { manifest } from '../datasource.generated.ts';
import { GUIDES } from '../guides.ts';
import { source } from '../source.ts';

const SETTINGS = { greeting: 'Hello', batch_size: 2 };
const CONTEXT = testContext({ config: { audience: 'Ada' }, features: { greetings: SETTINGS } });

/** Every id and title of one run, beginning where an earlier one ended. */
function run(after: Uint8Array | null): { ids: string[]; next: Uint8Array; batches: number; expected: (number | null | undefined)[] } {
  const ids: string[] = [];
  const expected: (number | null | undefined)[] = [];
  let next = after;
  for (let batches = 1; ; batches += 1) {
    const batch = source.read(CONTEXT, 'greetings', next);
    for (const change of batch.changes) if (change.tag === 'upsert') ids.push(change.val.id);
    expected.push(batch.progress.expected);
    next = batch.next;
    if (batch.done) return { ids, next, batches, expected };
  }
}

describe('hello', () => {
  it('reads every guide once, a few at a time, and nothing when nothing has changed', () => {
    const host = useTestHost({ collections: manifest.collections });
    const first = run(null);
    expect(first.ids).toEqual(GUIDES.map(({ id }) => id));
    expect(first.batches).toBe(3);
    // Of the whole run, in every batch: a progress bar counts towards it.
    expect(first.expected).toEqual([GUIDES.length, GUIDES.length, GUIDES.length]);
    expect(run(first.next)).toMatchObject({ ids: [], expected: [0] });
    expect(host.metrics.get('greetings_written')).toBe(GUIDES.length);
    expect(host.metrics.get('guides_known')).toBe(GUIDES.length);
    expect([...(host.collections.get('greeted')?.keys() ?? [])]).toEqual(GUIDES.map(({ id }) => id));
  });

  it('goes on from any batch with what is left', () => {
    useTestHost({ collections: manifest.collections });
    const { next } = source.read(CONTEXT, 'greetings', null);
    expect(run(next).ids).toEqual(GUIDES.slice(2).map(({ id }) => id));
  });

  it('greets as the settings say', () => {
    useTestHost({ collections: manifest.collections });
    const context = testContext({ config: { audience: 'Köln' }, features: { greetings: { greeting: 'Grüße', batch_size: 1 } } });
    const [change] = source.read(context, 'greetings', null).changes;
    if (change?.tag !== 'upsert') throw new Error('There is no document.');
    expect(new TextDecoder().decode(change.val.content)).toContain('\n\nGrüße, Köln!\n\n');
    expect(change.val).toMatchObject({
      mediaType: 'text/markdown',
      access: { tag: 'everyone' },
      link: 'https://hello.example/guides/first-datasource',
    });
  });

  it('lists the ids that it reads', () => {
    useTestHost({ collections: manifest.collections });
    expect(source.listIds(CONTEXT, 'greetings', null)).toEqual({ ids: run(null).ids, next: null });
  });

  it('names a blank audience', () => {
    useTestHost();
    expect(source.validateConfig(CONTEXT)).toEqual([]);
    expect(source.validateConfig(testContext({ config: { audience: ' ' }, features: { greetings: SETTINGS } }))).toMatchObject([
      { path: '/audience' },
    ]);
  });
});
