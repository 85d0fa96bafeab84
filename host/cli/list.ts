import type { Command } from 'commander';
import { DEFAULT_ORGANISATION } from '../domain/organisation.ts';
import { toConnectionBody } from '../routes/shapes/connection.ts';
import { toDatasourceBody } from '../routes/shapes/datasource.ts';
import type { Connection } from '../services/connections/connection-service.ts';
import type { InstalledDatasource } from '../services/registry/registry-service.ts';
import { allPages } from './all-pages.ts';
import { action, makeCommand, type Cli, type SharedOptions } from './command.ts';
import { formatTable, oneLine } from './format.ts';
import { withServices } from './services.ts';

interface ListOptions extends SharedOptions {
  organisation: string;
}

export function listCommand(cli: Cli): Command {
  return makeCommand('list', {
    summary: 'List installed datasources and the connections of an organisation',
    description: 'The id or the name of a connection is what `datasources index` takes.',
    examples: [
      ['list', 'lists datasources, and the connections of the default organisation'],
      ['list --organisation acme --json', 'the same for another organisation, for programs'],
    ],
  })
    .option('--organisation <id>', 'whose connections', DEFAULT_ORGANISATION)
    .action(
      action(cli, async (options: ListOptions) =>
        withServices(cli.io, options, async ({ registry, connections }) => {
          const datasources = await registry.list();
          const connected = await allPages((page) => connections.list(options.organisation, page));
          return {
            json: { datasources: datasources.map(toDatasourceBody), connections: connected.map(toConnectionBody) },
            text: `${datasourcesText(datasources)}\n\n${connectionsText(connected)}`,
          };
        }),
      ),
    );
}

function datasourcesText(datasources: readonly InstalledDatasource[]): string {
  if (datasources.length === 0) return 'No datasource is installed. Install one with: datasources install FILE';
  const rows = datasources.map(({ name, version, features }) => [
    name,
    version,
    features.map(({ feature, enabled }) => `${feature} ${enabled ? 'on' : 'off'}`).join(', '),
  ]);
  return formatTable([['DATASOURCE', 'VERSION', 'FEATURES'], ...rows]);
}

function connectionsText(connections: readonly Connection[]): string {
  if (connections.length === 0) return 'No connection is set up. Set one up with: datasources connect DATASOURCE';
  const rows = connections.map(({ id, name, datasource, documents, passages }) => [
    id,
    oneLine(name),
    datasource,
    String(documents),
    String(passages),
  ]);
  return formatTable([['CONNECTION', 'NAME', 'DATASOURCE', 'DOCUMENTS', 'PASSAGES'], ...rows]);
}
