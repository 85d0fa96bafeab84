import type { Command } from 'commander';
import { COMMAND_LINE } from '../domain/caller.ts';
import { toNewAsksBody, toUpgradeStepBody } from '../routes/shapes/version.ts';
import type { NewAsk } from '../services/registry/version-service.ts';
import type { Services } from '../services/services.ts';
import { action, makeCommand, type Cli, type Outcome, type SharedOptions } from './command.ts';
import { UsageError } from './exit.ts';
import { oneLine } from './format.ts';
import { withServices } from './services.ts';
import { stepsText } from './upgrade.ts';

interface ApproveOptions extends SharedOptions {
  show?: true;
}

export function approveCommand(cli: Cli): Command {
  return makeCommand('approve', {
    summary: 'Give a version that waits for approval what it newly asks for, and switch to it',
    description: 'Until then the version before keeps running with what it was given.',
    examples: [
      ['approve github@1.2.0 --show', 'what it newly asks for, with the reasons of its author; nothing is given'],
      ['approve github@1.2.0', 'gives that, and switches to it'],
    ],
  })
    .argument('<datasource@version>', 'a version that `datasources upgrade` left awaiting approval')
    .option('--show', 'show what it newly asks for, and give nothing')
    .action(
      action(cli, async (target: string, options: ApproveOptions) => {
        const [name = '', version = '', ...more] = target.split('@');
        if (name === '' || version === '' || more.length > 0) {
          throw new UsageError(`"${oneLine(target)}" names no version.`, 'Write name@version: github@1.2.0.');
        }
        return withServices(cli.io, options, (services) => approve(services, name, version, options));
      }),
    );
}

async function approve({ versions }: Services, name: string, version: string, { show }: ApproveOptions): Promise<Outcome> {
  const asked = await versions.asks(name, version);
  const lines = [`${name} ${version} newly asks for`, ...askedLines(asked.asks)];
  if (show === true) return { json: { name, version, ...toNewAsksBody(asked) }, text: lines.join('\n') };
  const { steps } = await versions.approve(name, version, { digest: asked.digest }, COMMAND_LINE);
  return {
    json: { name, version, ...toNewAsksBody(asked), steps: steps.map(toUpgradeStepBody) },
    text: [...lines, 'Given.', '', stepsText(name, steps, 'went')].join('\n'),
  };
}

function askedLines(asks: readonly NewAsk[]): string[] {
  if (asks.length === 0) return ['  nothing'];
  return asks.map(({ what, reason, now }) => {
    const before = now === undefined ? '' : ` (${now} now)`;
    return `  ${oneLine(what)}${before}${reason === undefined ? '' : `: ${oneLine(reason)}`}`;
  });
}
