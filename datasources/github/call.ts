import { openStorage, type Connection } from '@lorelai/datasource-sdk';
import { cached, type Shelf } from './cached.ts';
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
  repositories: Shelf;
  /** Issues and pull requests that are in the index, each under `feature/repository/number`. */
  issues: Shelf;
  pulls: Shelf;
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
    repositories: cached(storage.github_repositories),
    issues: cached(storage.github_issues),
    pulls: cached(storage.github_pull_requests),
  };
}
