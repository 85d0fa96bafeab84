import { adminsOnly, allOf, anyOf, defineDatasource, everyone, http, type Access, type Principal } from '@lorelai/datasource-sdk';
import { manifest } from './datasource.generated.ts';

/** The first line of a page; the contents of its documents follow it, one behind the other. */
interface PageHead {
  pages: number;
  documents: number;
  items: PageItem[];
}

interface PageItem {
  id: string;
  title: string;
  bytes: number;
  updatedAtMs?: number;
  /** Whoever is one of these may see it; everyone when it is missing. */
  access?: Principal[];
}

export const source = defineDatasource(manifest, {
  check: () => ({}),
  features: {
    documents: {
      read: ({ config }, _settings, state: { page: number } | undefined) => {
        const page = state?.page ?? 0;
        const body = http.get(`${config.base_url}/pages/${page}`).bytes();
        const headEnd = body.indexOf(10);
        const head: PageHead = JSON.parse(textOf(body.subarray(0, headEnd)));
        let at = headEnd + 1;
        return {
          upserts: head.items.map(({ id, title, bytes, updatedAtMs, access }) => {
            const content = body.subarray(at, at + bytes);
            at += bytes;
            return {
              id,
              title,
              link: `${config.base_url}/documents/${encodeURIComponent(id)}`,
              mediaType: 'text/plain',
              content,
              updatedAtMs,
              access: toAccess(access),
            };
          }),
          state: { page: page + 1 },
          done: page + 1 >= head.pages,
          expected: head.documents,
        };
      },
    },
  },
  listGroups: ({ config }) => ({
    groups: http.get(`${config.base_url}/groups`).json<{ id: string; name: string; members: Principal[] }[]>(),
  }),
});

function toAccess(principals: Principal[] | undefined): Access {
  if (principals === undefined) return everyone();
  return principals.length === 0 ? adminsOnly() : allOf(anyOf(...principals));
}

/** The head is ASCII: what is not is escaped in its JSON. */
function textOf(bytes: Uint8Array): string {
  return atob(bytes.toBase64());
}
