import { defineDatasource, everyone, openMetrics, openStorage, timeMs, type Document, type Problem } from '@lorelai/datasource-sdk';
import { manifest } from './datasource.generated.ts';
import { GUIDES, type Guide } from './guides.ts';

const storage = openStorage(manifest);
const metrics = openMetrics(manifest);

/**
 * Where `greetings` goes on: after the guides that had changed by then. No two guides change at the same moment; a
 * source where that happens keeps a page token besides, or it would lose one of them between two batches.
 */
interface GreetingsState {
  readUpToMs: number;
  /** How many guides this run reads; there only while it goes on. */
  expected?: number;
}

export const source = defineDatasource(manifest, {
  validateConfig: ({ config }): Problem[] => {
    if (config.audience.trim() !== '') return [];
    return [{ path: '/audience', reason: 'It is blank.', remedy: 'Name whom the guides speak to.' }];
  },

  // A datasource with a network asks the source who the credential belongs to, and whether it may read.
  check: () => ({ account: 'nobody in particular' }),

  features: {
    greetings: {
      read: (connection, settings, state: GreetingsState | undefined) => {
        const newer = GUIDES.filter((guide) => changedAtMs(guide) > (state?.readUpToMs ?? 0));
        const batch = newer.slice(0, settings.batch_size);
        const done = batch.length === newer.length;
        const expected = state?.expected ?? newer.length;
        const readUpToMs = batch.map(changedAtMs).at(-1) ?? state?.readUpToMs ?? 0;
        for (const guide of batch) storage.greeted.put(guide.id, { atMs: connection.nowMs });
        metrics.greetings_written.add(batch.length);
        metrics.guides_known.set(GUIDES.length);
        return {
          upserts: batch.map((guide) => toDocument(guide, `${settings.greeting}, ${connection.config.audience}!`)),
          state: done ? { readUpToMs } : { readUpToMs, expected },
          done,
          expected,
        };
      },
      listIds: () => ({ ids: GUIDES.map(({ id }) => id) }),
    },
  },
});

function toDocument(guide: Guide, greeting: string): Document {
  return {
    id: guide.id,
    version: guide.changed,
    title: guide.title,
    link: `https://hello.example/guides/${guide.id}`,
    mediaType: 'text/markdown',
    content: `# ${guide.title}\n\n${greeting}\n\n${guide.text}`,
    location: ['Guides'],
    author: 'Lorelai',
    updatedAtMs: changedAtMs(guide),
    access: everyone(),
    attributes: { words: guide.text.split(/\s+/).length },
  };
}

function changedAtMs(guide: Guide): number {
  return timeMs(guide.changed) ?? 0;
}
