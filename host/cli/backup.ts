import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Backup } from '../services/backup.ts';
import { action, makeCommand, type Cli, type SharedOptions } from './command.ts';
import { count, formatBytes, oneLine } from './format.ts';
import { settings } from './services.ts';

export function backupCommand(cli: Cli): Command {
  return makeCommand('backup', {
    onTheMachine: true,
    summary: 'Copy the database and the components to a new folder, while hosts work',
    description:
      'All of one moment, checked, for your user only, and there in the end or not at all. The master keys are not in it: keep a copy of them elsewhere. ' +
      'To restore, stop the hosts and put what is in it into an empty data folder, with the master key.',
    examples: [
      ['backup /backups/monday', 'makes that folder'],
      ['backup /backups/monday --json', 'prints {"folder": …, "bytes": …, "components": …, "schemaVersion": …}'],
    ],
  })
    .argument('<folder>', 'a folder that is not there yet')
    .action(
      action(cli, async (folder: string, options: SharedOptions) => {
        const { config } = settings(cli.io, { DATA_DIR: options.dataDir }, 'warn');
        const { backUp } = await import('../services/backup.ts');
        const backup = await backUp(config.dataDir, resolve(folder));
        return { json: backup, text: backupText(backup) };
      }),
    );
}

function backupText({ folder, bytes, components }: Backup): string {
  return [
    `Backed up to ${oneLine(folder)}: a database of ${formatBytes(bytes)} and ${count(components, 'component')}.`,
    'The master keys are not in it: without a copy of them elsewhere every credential has to be given again.',
  ].join('\n');
}
