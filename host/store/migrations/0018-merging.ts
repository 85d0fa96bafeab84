import type { Migration } from './migration.ts';

/** Indexes are merged in larger steps while they are written, and further when nobody writes. */
export const MERGING: Migration = {
  version: 18,
  name: 'merging',
  sql: '',
  perOrganisation: (organisation) => `
INSERT INTO "passages_fts_${organisation}" ("passages_fts_${organisation}", rank) VALUES ('automerge', 16), ('crisismerge', 64);
`,
};
