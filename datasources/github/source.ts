import { defineDatasource, type Feature } from '@lorelai/datasource-sdk';
import type { FeatureName } from './call.ts';
import { checkConnection } from './check.ts';
import { manifest } from './datasource.generated.ts';
import { listGroups } from './groups.ts';
import { listIds, type IdsCursor } from './list-ids.ts';
import { receive } from './receive.ts';
import { readBatch } from './run.ts';
import { configProblems } from './settings.ts';
import type { State } from './state.ts';

/** GitHub: files, issues and pull requests of repositories, through the REST API. */
export const source = defineDatasource(manifest, {
  validateConfig: (connection) => configProblems(connection.config),
  check: checkConnection,
  features: {
    repository_indexing: feature('repository_indexing'),
    issue_tracking: feature('issue_tracking'),
    pull_requests: feature('pull_requests'),
  },
  listGroups,
  receive,
});

function feature<Name extends FeatureName>(name: Name): Feature<typeof manifest, Name, State, IdsCursor> {
  return {
    read: (connection, _settings, state) => readBatch(connection, name, state),
    listIds: (connection, _settings, cursor) => listIds(connection, name, cursor),
  };
}
