import type { Command } from 'commander';
import { toDatasourceVersionBody, toVersionTransitionBody } from '../routes/shapes/version.ts';
import { allPages } from './all-pages.ts';
import { action, makeCommand, type Cli, type SharedOptions } from './command.ts';
import { formatTable, oneLine } from './format.ts';
import { withServices } from './services.ts';

export function versionsCommand(cli: Cli): Command {
  return makeCommand('versions', {
    summary: 'List the versions of a datasource that are at hand',
    description: 'The highest first, with where each came from and who vouches for it. One of them runs.',
    examples: [
      ['versions github', 'which there are, and which one runs'],
      ['versions github --history', 'what became of them: when, by whom and why'],
    ],
  })
    .argument('<datasource>', 'name of a datasource')
    .option('--history', 'list every change of state, newest first')
    .action(
      action(cli, async (name: string, options: SharedOptions & { history?: true }) =>
        withServices(cli.io, options, async ({ versions }) => {
          if (options.history === true) {
            const transitions = await allPages((page) => versions.history(name, page));
            const rows = transitions.map(({ version, from, to, actor, reason, atMs }) => [
              new Date(atMs).toISOString(),
              version,
              `${from ?? '-'} -> ${to}`,
              actor,
              oneLine(reason),
            ]);
            return {
              json: { name, items: transitions.map(toVersionTransitionBody) },
              text: formatTable([['AT', 'VERSION', 'STATE', 'BY', 'WHY'], ...rows]),
            };
          }
          const items = await versions.list(name);
          const rows = items.map((item) => [
            item.version,
            item.state,
            trustText(item.trust),
            oneLine(item.origin),
            item.digest.slice(0, 19),
            oneLine(item.reason ?? ''),
          ]);
          return {
            json: { name, items: items.map(toDatasourceVersionBody) },
            text: formatTable([['VERSION', 'STATE', 'TRUST', 'FROM', 'DIGEST', ''], ...rows]),
          };
        }),
      ),
    );
}

/** A file that nobody has signed is marked as such. */
function trustText(trust: unknown): string {
  if (typeof trust !== 'object' || trust === null || !('kind' in trust)) return '?';
  if (trust.kind === 'signed' && 'publisher' in trust) return oneLine(`signed by ${String(trust.publisher)}`);
  return trust.kind === 'local' ? 'LOCAL, unsigned' : oneLine(String(trust.kind));
}
