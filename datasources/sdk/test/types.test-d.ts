// Checked by `tsc` alone: a line under `@ts-expect-error` that is no error fails the check.
import { adminsOnly, defineDatasource, openMetrics, openStorage, type Feature } from '../index.ts';
import { manifest } from './example.ts';

interface Page {
  token: string;
}

const files: Feature<typeof manifest, 'files', Page> = {
  read(connection, settings, state) {
    const kinds: readonly ('text' | 'code')[] = settings.kinds;
    const url: string = connection.config.base_url;
    const days: number = connection.features.issues.settings.max_age_days;
    return { state: { token: `${state?.token ?? ''}${kinds.length}${url}${days}` }, done: true };
  },
  // @ts-expect-error -- ids are text
  listIds: () => ({ ids: [1] }),
};

const issues: Feature<typeof manifest, 'issues', Page> = {
  // @ts-expect-error -- the state that comes back is the state that goes out
  read: () => ({ state: { page: 1 }, done: true }),
};

export const complete = defineDatasource(manifest, {
  check: () => ({}),
  features: {
    issues: {
      read(_connection, settings, state: Page | undefined) {
        // @ts-expect-error -- the setting is max_age_days
        const days: number = settings.max_age_day;
        return { state: { token: `${state?.token ?? ''}${days}` }, done: true };
      },
    },
    files,
  },
});

export const missing = defineDatasource(manifest, {
  check: () => ({}),
  // @ts-expect-error -- the manifest has issues, too
  features: { files },
});

export const unknown = defineDatasource(manifest, {
  check: () => ({}),
  // @ts-expect-error -- the manifest has no wiki
  features: { files, issues, wiki: files },
});

// @ts-expect-error -- check is not optional
export const unchecked = defineDatasource(manifest, { features: { files, issues } });

export const unconfigured = defineDatasource(manifest, {
  // @ts-expect-error -- the setting is base_url
  check: ({ config }) => ({ account: config.base_uri }),
  features: { files, issues },
});

export const undocumented = defineDatasource(manifest, {
  check: () => ({}),
  features: {
    files,
    issues: {
      read: () => ({
        // @ts-expect-error -- a document says who may see it
        upserts: [{ id: '1', title: 'One', link: 'https://example.com', mediaType: 'text/plain', content: '' }],
        deletes: ['2'],
        state: 1,
        done: true,
      }),
    },
  },
});

// @ts-expect-error -- reading is synchronous
export const asynchronous: Feature<typeof manifest, 'files'> = { read: async () => ({ state: 1, done: true }) };

const storage = openStorage(manifest);
storage.seen.put('a', 1);
// @ts-expect-error -- the manifest has no such table
storage.sean.put('a', 1);

const metrics = openMetrics(manifest);
metrics.items_read.add();
metrics.requests_left.set(4);
// @ts-expect-error -- a counter is not set
metrics.items_read.set(1);
// @ts-expect-error -- the manifest has no such metric
metrics.items_lost.add(1);

export const access = adminsOnly();
