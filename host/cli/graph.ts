import type { Command } from 'commander';
import { toDependencyGraphBody } from '../routes/shapes/version.ts';
import type { DependencyGraph } from '../services/registry/version-service.ts';
import { action, makeCommand, type Cli, type SharedOptions } from './command.ts';
import { EXIT } from './exit.ts';
import { oneLine } from './format.ts';
import { withServices } from './services.ts';

export function graphCommand(cli: Cli): Command {
  return makeCommand('graph', {
    summary: 'Show what needs what, and whether all of it fits',
    description: 'Of the versions that run. Nothing is loaded for it. Ends with 1 when something is amiss.',
    examples: [
      ['graph', 'each datasource with what it needs'],
      ['graph --json', 'with the order in which they could be loaded'],
    ],
  }).action(
    action(cli, async (options: SharedOptions) =>
      withServices(cli.io, options, async ({ versions }) => {
        const graph = await versions.graph();
        return { json: toDependencyGraphBody(graph), text: graphText(graph), exitCode: graph.faults.length === 0 ? EXIT.ok : EXIT.failed };
      }),
    ),
  );
}

function graphText({ frameworkVersion, nodes, faults }: DependencyGraph): string {
  const lines = nodes.flatMap(({ name, version, dependencies }) => [
    `${name} ${version}`,
    ...dependencies.map((needed) => `  needs ${oneLine(needed.name)} ${oneLine(needed.range)}`),
  ]);
  const amiss = faults.flatMap(({ kind, reason, remedy }) => [`${kind}: ${oneLine(reason)}`, `  remedy: ${oneLine(remedy)}`]);
  const end = faults.length === 0 ? ['', 'Everything fits.'] : ['', ...amiss];
  return [`framework ${frameworkVersion}`, ...lines, ...end].join('\n');
}
