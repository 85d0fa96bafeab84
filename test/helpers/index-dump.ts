import { join } from 'node:path';
import Libsql from 'libsql';

/**
 * All that an index says, without what may differ between two runs over the same source: ids of the
 * store's own and times of the host's. The database must not be in use.
 */
export function dumpIndex(dataDir: string): {
  documents: unknown[];
  passages: unknown[];
  terms: unknown[];
  features: unknown[];
  integrity: unknown[];
} {
  const database = new Libsql(join(dataDir, 'lorelai.db'), { readonly: true });
  try {
    return {
      documents: database
        .prepare(
          `SELECT feature, source_id, version, hex(content_hash) AS content_hash, title, link, media_type, location, author, created_at_ms,
             updated_at_ms, access, attributes, passage_count FROM documents ORDER BY feature, source_id`,
        )
        .all(),
      passages: database
        .prepare(
          `SELECT documents.feature, documents.source_id, passages.position, passages.headings, passages.text
           FROM passages JOIN documents ON documents.id = passages.document_id ORDER BY 1, 2, 3`,
        )
        .all(),
      terms: database
        .prepare('SELECT term, count(DISTINCT doc) AS doc, count(*) AS cnt FROM passages_places_default GROUP BY term ORDER BY term')
        .all(),
      features: database.prepare('SELECT feature FROM checkpoints ORDER BY feature').all(),
      integrity: database.prepare('PRAGMA integrity_check').all(),
    };
  } finally {
    database.close();
  }
}
