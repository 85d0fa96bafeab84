/**
 * Each organisation has a search index of its own, made with it. One index for all would mix their
 * statistics: how rare a word is and how long a passage usually is decide every score, so that what one
 * organisation stores would show in the answers of another, and long documents of one would push down
 * short ones of another (nDCG@10 of CoSQA .358 beside two other collections, .400 alone).
 *
 * The index is contentless: its text is in `passages`. It is not made with `contentless_delete`, which
 * never takes a deleted entry out of the count that bm25 divides by (SQLite 3.45): every document that
 * changes would bend the scores a little more. `detail=full`, because bm25 goes silently wrong on a
 * contentless table with less.
 */

/** The tables of one organisation's index, quoted for use in SQL. */
export interface SearchIndex {
  /** Keyed by `passages.id`; columns title, headings, text, identifiers, scope. */
  entries: string;
  /** Every place of every word: columns term, doc, col. */
  places: string;
  /** Where FTS5 keeps how many entries there are. */
  totals: string;
  /** Where FTS5 keeps how long each entry is, by its id. */
  sizes: string;
}

/** Columns that are indexed, by the names that they have in `passages` too. */
export const INDEXED_COLUMNS = 'title, headings, text, identifiers, scope';

/** Names of tables cannot be parameters, so nothing but this goes into one. */
const ORGANISATION_ID = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** Throws `TypeError` for an id that no organisation can have. */
export function searchIndexOf(organisation: string): SearchIndex {
  if (!ORGANISATION_ID.test(organisation)) throw new TypeError('that is no id of an organisation');
  return {
    entries: `"passages_fts_${organisation}"`,
    places: `"passages_places_${organisation}"`,
    totals: `"passages_fts_${organisation}_data"`,
    sizes: `"passages_fts_${organisation}_docsize"`,
  };
}

/**
 * Parts of one size that an index is in before FTS5 merges them while it is written: with its own 4 it copies each entry twice as
 * often, which is a fifth of the time of an insert. `mergeIndex` merges the rest when nobody writes.
 */
const AUTOMERGE = 16;
/** As many are merged at once, however long it takes: never reached, since each commit merges a share of what is over 16. */
const CRISISMERGE = 64;

/** What makes the index of a new organisation, a statement each. */
export function searchIndexTables(organisation: string): string[] {
  const index = searchIndexOf(organisation);
  return [
    `CREATE VIRTUAL TABLE ${index.entries} USING fts5 (${INDEXED_COLUMNS},
       content = '', detail = full, tokenize = 'porter unicode61 remove_diacritics 2')`,
    `INSERT INTO ${index.entries} (${index.entries}, rank) VALUES ('automerge', ${AUTOMERGE}), ('crisismerge', ${CRISISMERGE})`,
    placesTable(organisation),
  ];
}

/** What lets the places of words be read, of an index that is there. */
export function placesTable(organisation: string): string {
  const index = searchIndexOf(organisation);
  return `CREATE VIRTUAL TABLE ${index.places} USING fts5vocab (${index.entries}, instance)`;
}
