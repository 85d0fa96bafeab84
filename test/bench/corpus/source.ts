import { defineDatasource, everyone } from '@lorelai/datasource-sdk';
import { manifest } from './datasource.generated.ts';
import { sentences } from './words.ts';

/** Made when the component is built, so that a call does not spend its time on inventing words. */
const SENTENCES = sentences(1_000, 25);

function textFrom(document: number, count: number): string {
  return Array.from({ length: count }, (_, index) => SENTENCES[(document * 131 + index * 37) % SENTENCES.length]).join(' ');
}

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
            title: `Document ${from + index}: ${textFrom(from + index, 1).slice(0, 40)}`,
            link: `https://corpus.example/${from + index}`,
            mediaType: 'text/plain',
            content: textFrom(from + index, settings.sentences),
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
