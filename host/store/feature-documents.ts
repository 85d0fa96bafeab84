import type { Database } from './database.ts';
import { defineStatement } from './statement.ts';

/** A condition on the joined tables `documents` and `connections`: false for what a switched off feature hides or is purging. */
export const NOT_HIDDEN = `NOT EXISTS (SELECT 1 FROM datasource_feature_flags AS flags
    WHERE flags.datasource_name = connections.datasource_name AND flags.feature = documents.feature
      AND flags.enabled = 0 AND flags.documents <> 'keep')
  AND NOT EXISTS (SELECT 1 FROM json_each(connections.features) AS setting
    WHERE setting.key = documents.feature AND setting.value ->> 'enabled' = 0 AND setting.value ->> 'documents' IN ('hide', 'purge'))`;

// The text is looked at first, so that nothing is parsed of connections that say nothing of it.
const HIDDEN = defineStatement<{ organisation: string }, string>(
  'connections.hidden-features',
  `SELECT connections.id || '/' || flags.feature AS hidden FROM connections
   JOIN datasource_feature_flags AS flags ON flags.datasource_name = connections.datasource_name
   WHERE connections.organisation_id = :organisation AND flags.enabled = 0 AND flags.documents <> 'keep'
   UNION
   SELECT connections.id || '/' || setting.key FROM connections, json_each(connections.features) AS setting
   WHERE connections.organisation_id = :organisation AND connections.features LIKE '%"documents"%'
     AND setting.value ->> 'enabled' = 0 AND setting.value ->> 'documents' IN ('hide', 'purge')`,
  (row) => row.text('hidden'),
);

/** What a search of an organisation leaves out: `connection/feature` of each that is off and hidden. For `DocumentFilter.hidden`. */
export async function hiddenFeatures(database: Database, organisation: string): Promise<string[]> {
  return database.read(HIDDEN, { organisation });
}
