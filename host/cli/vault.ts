import type { Command } from 'commander';
import type { VaultStatus } from '../services/vault/vault-service.ts';
import { action, makeCommand, type Cli, type SharedOptions } from './command.ts';
import { EXIT } from './exit.ts';
import { count } from './format.ts';
import { withServices } from './services.ts';

/** The keys that seal what is secret. Works beside running hosts. */
export function vaultCommand(cli: Cli): Command {
  const command = makeCommand('vault', {
    onTheMachine: true,
    summary: 'Look at and change the master keys that seal secrets',
    description: 'Every secret has a key of its own, which a master key wraps. Nothing here shows a key or a secret.',
    examples: [
      ['vault status', 'which keys there are, and how much each of them seals'],
      ['vault rotate', 'makes a new key and wraps everything under it, while hosts go on working'],
      ['vault retire', 'forgets keys that seal nothing any more'],
    ],
  });
  command.enablePositionalOptions();
  for (const make of [statusCommand, rotateCommand, retireCommand]) command.addCommand(make(cli));
  return command;
}

function statusCommand(cli: Cli): Command {
  return makeCommand('status', {
    onTheMachine: true,
    summary: 'Say which master keys there are, and how much each seals',
    description: 'Ends with 1 when something is sealed under a key that is not at hand.',
    examples: [['vault status --json', 'for a program']],
  }).action(
    action(cli, async (options: SharedOptions) =>
      withServices(cli.io, options, async ({ vault }) => {
        const status = await vault.status();
        return { json: status, text: statusText(status), exitCode: status.lost.length === 0 ? EXIT.ok : EXIT.failed };
      }),
    ),
  );
}

function rotateCommand(cli: Cli): Command {
  return makeCommand('rotate', {
    onTheMachine: true,
    summary: 'Wrap every secret under a new master key',
    description:
      'Where the file master.key in the data folder is used, it gets a new first key. Keys that are kept elsewhere are changed there: put the new one before the old one, start the hosts anew, then rotate with --keep-key. Ends with 1 when something could not be opened.',
    examples: [
      ['vault rotate', 'with a new key'],
      ['vault rotate --keep-key', 'under the first key that there is'],
    ],
  })
    .option('--keep-key', 'make no new key')
    .action(
      action(cli, async (options: SharedOptions & { keepKey?: true }) =>
        withServices(cli.io, options, async ({ vault }) => {
          const { rewrapped, failed, status } = await vault.rotate({ newKey: options.keepKey !== true });
          const left = failed === 0 ? [] : [`${count(failed, 'secret')} could not be opened; the log says which.`];
          return {
            json: { rewrapped, failed, status },
            text: [`Wrapped ${count(rewrapped, 'secret')} anew.`, ...left, statusText(status)].join('\n'),
            exitCode: failed === 0 ? EXIT.ok : EXIT.failed,
          };
        }),
      ),
    );
}

function retireCommand(cli: Cli): Command {
  return makeCommand('retire', {
    onTheMachine: true,
    summary: 'Forget master keys that seal nothing any more',
    description: 'Keep them with the backups that were made while they were in use: those do not open without.',
    examples: [['vault retire', 'half a minute after a rotation at the earliest']],
  }).action(
    action(cli, async (options: SharedOptions) =>
      withServices(cli.io, options, async ({ vault }) => {
        const { retired, status } = await vault.retire();
        return { json: { retired, status }, text: [`Forgot ${count(retired.length, 'key')}.`, statusText(status)].join('\n') };
      }),
    ),
  );
}

function statusText({ source, keys, withoutKeyId, lost }: VaultStatus): string {
  return [
    `Master keys come from ${source}.`,
    ...keys.map(({ id, seals, values }) => `  ${id}${seals ? ' (seals)' : ''}: ${count(values, 'secret')}`),
    ...(withoutKeyId === 0 ? [] : [`  as sealed by an older host: ${count(withoutKeyId, 'secret')}; rotate to wrap them anew`]),
    ...lost.map(({ id, values }) => `  ${id} is not at hand: ${count(values, 'secret')} cannot be opened`),
  ].join('\n');
}
