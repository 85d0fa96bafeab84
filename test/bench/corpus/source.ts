import { defineDatasource, everyone } from '@lorelai/datasource-sdk';
import { manifest } from './datasource.generated.ts';
import { textOf } from './words.ts';

export const source = defineDatasource(manifest, {
  check: () => ({}),
  features: {
    documents: {
      read: (_connection, settings, state: { next: number } | undefined) => {
        const from = state?.next ?? 0;
        const count = Math.min(settings.batch_size, settings.documents - from);
        return {
          upserts: Array.from({ length: count }, (_, index) => ({
            id: `document-${from + index}`,
            title: textOf(from + index + 1_000_000, 6),
            link: `https://corpus.example/${from + index}`,
            mediaType: 'text/plain',
            content: textOf(from + index, settings.words),
            access: everyone(),
          })),
          state: { next: from + count },
          done: from + count >= settings.documents,
          expected: settings.documents,
        };
      },
    },
  },
});
