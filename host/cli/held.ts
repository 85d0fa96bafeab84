import type { Command } from 'commander';
import { COMMAND_LINE } from '../domain/caller.ts';
import { DEFAULT_ORGANISATION } from '../domain/organisation.ts';
import { toHeldDocumentBody, toRunBody } from '../routes/shapes/run.ts';
import type { HeldDocument } from '../services/runs/run-service.ts';
import type { Run } from '../services/runs/run-view.ts';
import type { Services } from '../services/services.ts';
import { allPages } from './all-pages.ts';
import { action, makeCommand, type Cli, type Outcome, type SharedOptions } from './command.ts';
import { EXIT, UsageError } from './exit.ts';
import { followRuns } from './follow-runs.ts';
import { formatTable, oneLine } from './format.ts';
import { progressOf } from './progress.ts';
import { runsText } from './runs.ts';
import { withServices } from './services.ts';

interface HeldOptions extends SharedOptions {
  organisation: string;
  approve?: true;
  dismiss?: true;
}

const MAX_SHOWN = 50;

export function heldCommand(cli: Cli): Command {
  return makeCommand('held', {
    summary: 'Show prunes that wait for an operator, and decide on them',
    description:
      'A prune is held when it would remove more than is believed without asking, or when its source was not well. ' +
      'Approved, it asks the source once more and removes what it was held for and is still not listed.',
    examples: [
      ['held', 'lists what is held, with the reason'],
      ['held 01KATM4X7Z6V0R1Q2W3E4R5T6Y', 'shows the documents that it would remove'],
      ['held 01KATM4X7Z6V0R1Q2W3E4R5T6Y --approve', 'removes them'],
      ['held 01KATM4X7Z6V0R1Q2W3E4R5T6Y --dismiss', 'keeps them'],
    ],
  })
    .argument('[run]', 'id of a held run')
    .option('--organisation <id>', 'whose runs', DEFAULT_ORGANISATION)
    .option('--approve', 'let it go on')
    .option('--dismiss', 'end it')
    .action(
      action(cli, async (id: string | undefined, options: HeldOptions) => {
        if (options.approve && options.dismiss) throw new UsageError('--approve and --dismiss exclude each other.', 'Give one of them.');
        if (id === undefined && (options.approve || options.dismiss)) throw new UsageError('It does not say which run.', 'Give its id.');
        return withServices(cli.io, options, (services) =>
          id === undefined ? listHeld(services, options) : decide(cli, services, id, options),
        );
      }),
    );
}

async function listHeld({ runs }: Services, { organisation }: HeldOptions): Promise<Outcome> {
  const held = await allPages((page) => runs.list(organisation, { state: 'held' }, page));
  return { json: { runs: held.map(toRunBody) }, text: held.length === 0 ? 'Nothing is held.' : runsText(held) };
}

async function decide(cli: Cli, services: Services, id: string, options: HeldOptions): Promise<Outcome> {
  const { runs } = services;
  const { organisation } = options;
  if (options.dismiss) return runOutcome(await runs.dismiss(organisation, id, COMMAND_LINE));
  if (!options.approve) {
    const documents = await allPages((page) => runs.held(organisation, id, page));
    return { json: { run: id, items: documents.map(toHeldDocumentBody) }, text: documentsText(documents) };
  }
  await runs.approve(organisation, id, COMMAND_LINE);
  const progress = progressOf(cli);
  try {
    const [run] = await followRuns(runs, [id], { organisation, signal: cli.io.signal, progress });
    return runOutcome(run ?? (await runs.get(organisation, id)));
  } finally {
    progress.end();
  }
}

function runOutcome(run: Run): Outcome {
  return { json: toRunBody(run), text: runsText([run]), exitCode: run.state === 'failed' ? EXIT.failed : EXIT.ok };
}

function documentsText(documents: readonly HeldDocument[]): string {
  const shown = documents.slice(0, MAX_SHOWN).map(({ feature, id, title, link }) => [feature, oneLine(id), oneLine(title), oneLine(link)]);
  const more = documents.length > MAX_SHOWN ? `\nand ${documents.length - MAX_SHOWN} more` : '';
  return documents.length === 0 ? 'It would remove nothing that is still there.' : `${formatTable(shown)}${more}`;
}
