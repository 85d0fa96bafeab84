import { InvalidArgumentError, type Command } from 'commander';
import type { ChainVerdict, RecordedChange } from '../domain/change.ts';
import { toChainVerdictBody, toChangeBody } from '../routes/shapes/change.ts';
import { action, makeCommand, type Cli, type SharedOptions } from './command.ts';
import { EXIT } from './exit.ts';
import { formatTable, oneLine } from './format.ts';
import { withServices } from './services.ts';

interface LogOptions extends SharedOptions {
  organisation?: string;
}

const LOG_OPTION = ['--organisation <id>', 'whose log (default: that of the host itself)'] as const;
const NEWEST = 50;

/** `datasources audit changes` */
export function changesCommand(cli: Cli): Command {
  return makeCommand('changes', {
    summary: `Show the last ${NEWEST} entries of the log of who changed what`,
    description: 'Newest first.',
    examples: [['audit changes --organisation acme', 'what was changed in one organisation']],
  })
    .option(...LOG_OPTION)
    .action(
      action(cli, async (options: LogOptions) =>
        withServices(cli.io, options, async ({ changes }) => {
          const { items } = await changes.list(options.organisation, { limit: NEWEST });
          return { json: { items: items.map(toChangeBody) }, text: changesText(items) };
        }),
      ),
    );
}

/** `datasources audit export` */
export function exportCommand(cli: Cli): Command {
  return makeCommand('export', {
    summary: 'Print a whole log of changes as JSON lines',
    description: 'Oldest first, with the hashes that chain the entries.',
    examples: [['audit export --organisation acme > acme.jsonl', 'a copy that can be verified without this host']],
  })
    .option(...LOG_OPTION)
    .action(async (options: LogOptions) => {
      await withServices(cli.io, options, async ({ changes }) => {
        for await (const lines of changes.exportLines(options.organisation)) cli.io.stdout.write(lines);
      });
      cli.exit(EXIT.ok);
    });
}

/** `datasources audit verify` */
export function verifyCommand(cli: Cli): Command {
  return makeCommand('verify', {
    summary: 'Compute every hash of the logs of changes again',
    description: 'Ends with 1 when an entry was altered, taken out or moved, or when the entry that --head names is not there any more.',
    examples: [
      ['audit verify', 'every log; note its heads down elsewhere'],
      ['audit verify --organisation acme --head 41:9f86d0…', 'also whether the end was cut off since then'],
    ],
  })
    .option(...LOG_OPTION)
    .option('--head <entries:hash>', 'number and hash of an entry as they were printed before', toHead)
    .action(
      action(cli, async (options: LogOptions & { head?: Head }) =>
        withServices(cli.io, options, async ({ changes }) => {
          const { organisation, head } = options;
          const verdicts =
            organisation === undefined && head === undefined ? await changes.verifyAll() : [await changes.verify(organisation)];
          const kept = head === undefined || (await changes.holds(organisation, head));
          const sound = kept && verdicts.every(({ brokenAt }) => brokenAt === undefined);
          const lost = kept ? [] : ['The entry of --head is not in the log any more.'];
          return {
            json: { items: verdicts.map(toChainVerdictBody), headKept: kept },
            text: [...verdicts.map(verdictText), ...lost].join('\n') || 'Nothing is in any log.',
            exitCode: sound ? EXIT.ok : EXIT.failed,
          };
        }),
      ),
    );
}

interface Head {
  sequence: number;
  hash: string;
}

function toHead(text: string): Head {
  const [, sequence, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (sequence === undefined || hash === undefined) throw new InvalidArgumentError('Write it as `audit verify` prints it.');
  return { sequence: Number(sequence), hash };
}

function changesText(changes: readonly RecordedChange[]): string {
  if (changes.length === 0) return 'Nothing is in this log.';
  const rows = changes.map(({ sequence, atMs, actor, action: done, target }) => [
    String(sequence),
    new Date(atMs).toISOString(),
    `${actor.kind} ${oneLine(actor.id)}`,
    oneLine(done),
    oneLine(target),
  ]);
  return formatTable([['ENTRY', 'WHEN', 'WHO', 'WHAT', 'OF'], ...rows]);
}

function verdictText({ organisation, entries, head, brokenAt }: ChainVerdict): string {
  const name = organisation === undefined ? 'the host' : oneLine(organisation);
  return brokenAt === undefined ? `${name}: intact, head ${entries}:${head}` : `${name}: BROKEN at entry ${brokenAt} of ${entries}`;
}
