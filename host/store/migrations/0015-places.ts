import type { Migration } from './migration.ts';

/** Indexes say where their words stand, in place of how often each comes, which nobody asks any more. */
export const PLACES: Migration = {
  version: 15,
  name: 'places',
  sql: '',
  perOrganisation: (organisation) => `
DROP TABLE IF EXISTS "passages_words_${organisation}";
CREATE VIRTUAL TABLE "passages_places_${organisation}" USING fts5vocab ("passages_fts_${organisation}", instance);
`,
};
