import type { DatasourceManifest } from '../index.ts';

/** A manifest as `datasource.generated.ts` would have it. */
export interface ExampleTypes {
  config: { readonly base_url: string; readonly token_name?: string | undefined };
  features: { issues: { readonly max_age_days: number }; files: { readonly kinds: readonly ('text' | 'code')[] } };
  collections: 'seen' | 'etags';
  counters: 'items_read';
  gauges: 'requests_left';
}

export const manifest: DatasourceManifest<ExampleTypes> = {
  name: 'example',
  version: '1.2.3',
  features: [
    { name: 'issues', description: 'Issues.' },
    { name: 'files', description: 'Files.' },
  ],
  configSchema: { type: 'object' },
  collections: ['seen', 'etags'],
  counters: ['items_read'],
  gauges: ['requests_left'],
};

export const FEATURES = { issues: { max_age_days: 30 }, files: { kinds: ['text'] } };
