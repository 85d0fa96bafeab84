import { openStorage, type Collection, type Connection } from '@lorelai/datasource-sdk';
import { createClient, type Client } from './client.ts';
import { manifest } from './datasource.generated.ts';
import { toSelection, type Selection } from './settings.ts';
import { createWork, type Work } from './work.ts';

export type GithubConnection = Connection<typeof manifest>;
export type FeatureName = 'repository_indexing' | 'issue_tracking' | 'pull_requests';

/** What every part of one call works with. */
export interface Call {
  connection: GithubConnection;
  selection: Selection;
  client: Client;
  work: Work;
  /** Repositories, their files and the lists that a run works through. */
  repositories: Collection;
  /** Issues and pull requests that are in the index, each under `feature/repository/number`. */
  issues: Collection;
  pulls: Collection;
}

export function openCall(connection: GithubConnection): Call {
  const selection = toSelection(connection.config, connection.features.repository_indexing.settings);
  const client = createClient(selection.baseUrl, connection.nowMs);
  const storage = openStorage(manifest);
  return {
    connection,
    selection,
    client,
    work: createWork(client, connection.deadlineMs - connection.nowMs),
    repositories: storage.github_repositories,
    issues: storage.github_issues,
    pulls: storage.github_pull_requests,
  };
}
