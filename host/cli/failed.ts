import type { Command } from 'commander';
import { COMMAND_LINE } from '../domain/caller.ts';
import { DEFAULT_ORGANISATION } from '../domain/organisation.ts';
import { toFailedItemBody, toRunBody } from '../routes/shapes/run.ts';
import type { FailedItem } from '../services/runs/run-service.ts';
import type { Services } from '../services/services.ts';
import { allPages } from './all-pages.ts';
import { chooseConnection } from './choose-connection.ts';
import { action, makeCommand, type Cli, type Outcome, type SharedOptions } from './command.ts';
import { EXIT } from './exit.ts';
import { followRuns } from './follow-runs.ts';
import { oneLine } from './format.ts';
import { progressOf } from './progress.ts';
import { runsText } from './runs.ts';
import { withServices } from './services.ts';

interface FailedOptions extends SharedOptions {
  organisation: string;
  retry?: true;
}

const MAX_SHOWN = 100;

export function failedCommand(cli: Cli): Command {
  return makeCommand('failed', {
    summary: 'Show items that are not, or not wholly, in the index, and take them up again',
    description:
      'Each with its reason and remedy. What the host could not use it has kept, and --retry takes up nothing but that; ' +
      'what the datasource left out is read again with `datasources index --full`.',
    examples: [
      ['failed handbook', 'lists failed items of a connection'],
      ['failed handbook --retry', 'takes up again what was kept, without asking the source'],
    ],
  })
    .argument('<connection>', 'id or name of a connection')
    .option('--organisation <id>', 'whose connection', DEFAULT_ORGANISATION)
    .option('--retry', 'take up again what was kept')
    .action(
      action(cli, async (name: string, options: FailedOptions) =>
        withServices(cli.io, options, async (services) => {
          const { id } = await chooseConnection(services, options.organisation, name);
          if (options.retry) return retry(cli, services, id, options);
          const items = await allPages((page) => services.runs.failedItems(options.organisation, id, page));
          return { json: { connection: id, items: items.map(toFailedItemBody) }, text: itemsText(items) };
        }),
      ),
    );
}

async function retry(cli: Cli, { runs }: Services, connection: string, { organisation }: FailedOptions): Promise<Outcome> {
  const started = await runs.retryFailed(organisation, connection, COMMAND_LINE);
  const progress = progressOf(cli);
  try {
    const [run = started] = await followRuns(runs, [started.id], { organisation, signal: cli.io.signal, progress });
    return { json: toRunBody(run), text: runsText([run]), exitCode: run.state === 'succeeded' ? EXIT.ok : EXIT.failed };
  } finally {
    progress.end();
  }
}

function itemsText(items: readonly FailedItem[]): string {
  if (items.length === 0) return 'No item has failed.';
  const shown = items
    .slice(0, MAX_SHOWN)
    .flatMap(({ feature, path, reason, remedy, kept, times }) => [
      `${feature}  ${oneLine(path)}: ${oneLine(reason)}${kept ? ' (kept)' : ''}${times === 1 ? '' : `, ${times} times`}`,
      `  remedy: ${oneLine(remedy)}`,
    ]);
  return [...shown, ...(items.length > MAX_SHOWN ? [`and ${items.length - MAX_SHOWN} more`] : [])].join('\n');
}
