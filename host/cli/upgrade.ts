import type { Command } from 'commander';
import { COMMAND_LINE } from '../domain/caller.ts';
import { toUpgradeStepBody } from '../routes/shapes/version.ts';
import type { Services } from '../services/services.ts';
import type { UpgradeStep } from '../services/registry/version-service.ts';
import { action, makeCommand, type Cli, type Outcome, type SharedOptions } from './command.ts';
import { UsageError } from './exit.ts';
import { readNamedFile } from './files.ts';
import { oneLine } from './format.ts';
import { MAX_READ_BYTES } from './inspect.ts';
import { withServices } from './services.ts';

interface UpgradeOptions extends SharedOptions {
  to?: string;
  file?: string;
  from?: string;
  grantAsked?: true;
  fresh?: true;
  dryRun?: true;
}

export function upgradeCommand(cli: Cli): Command {
  return makeCommand('upgrade', {
    summary: 'Switch a datasource to a higher version',
    description:
      'Goes to a version at hand, step by step, each tried in its sandbox before the switch. One that asks for more waits for approval while the version before keeps running. Runs go on with the new version from their next batch on.',
    examples: [
      ['upgrade github', 'goes to the highest version at hand'],
      ['upgrade github --file github-1.2.0.wasm', 'takes the version of a file in and goes to it'],
      ['upgrade github --from oci://registry.example.com/acme/github:1.2.0', 'takes it from a registry and goes to it'],
      ['upgrade github --to 2.0.0 --dry-run', 'shows the way and what changes'],
      ['upgrade github --grant-asked', 'gives what the version newly asks for'],
      ['upgrade github --to 3.0.0 --fresh', 'needs no way there: everything is read again'],
    ],
  })
    .argument('<datasource>', 'name of an installed datasource')
    .option('--to <version>', 'the version to get to (default: the highest at hand)')
    .option('--file <file>', 'a component (.wasm) to take in first')
    .option('--from <address>', 'oci://…, https://…#sha256:… or a name in a market to take in first')
    .option('--grant-asked', 'approve: give what it newly asks for by fixed origin')
    .option('--fresh', 'forget where runs stopped and read everything again')
    .option('--dry-run', 'show the steps and switch nothing')
    .action(
      action(cli, async (name: string, options: UpgradeOptions) =>
        withServices(cli.io, options, (services) => upgrade(services, name, options)),
      ),
    );
}

async function upgrade({ versions, sources }: Services, name: string, options: UpgradeOptions): Promise<Outcome> {
  const { file, from } = options;
  const taken = from === undefined ? undefined : (await sources.take(from, COMMAND_LINE)).manifest;
  if (taken !== undefined && taken.name !== name)
    throw new UsageError(`${from} is ${taken.name}, not ${name}.`, `Upgrade ${taken.name}, or name an address of ${name}.`);
  const added =
    file === undefined
      ? undefined
      : await versions.add(await readNamedFile(file, { maxBytes: MAX_READ_BYTES }), `the file ${file}`, COMMAND_LINE);
  const to = options.to ?? taken?.version ?? added?.version;
  if (options.dryRun === true) {
    const target = to ?? (await versions.list(name))[0]?.version ?? '';
    const steps = await versions.path(name, target);
    return { json: { name, dryRun: true, steps: steps.map(toUpgradeStepBody) }, text: stepsText(name, steps, 'would go') };
  }
  const input = { ...(to === undefined ? {} : { version: to }), approve: options.grantAsked === true, afresh: options.fresh === true };
  const { steps } = await versions.upgrade(name, input, COMMAND_LINE);
  return {
    json: { name, steps: steps.map(toUpgradeStepBody) },
    text: `${stepsText(name, steps, 'went')}\nGo back with: datasources rollback ${name}`,
  };
}

/** Lines for people: each step with what changes. */
export function stepsText(name: string, steps: readonly UpgradeStep[], verb: string): string {
  return steps
    .flatMap(({ from, to, differences, checkpoints }) => [
      `${name} ${verb} from ${from} to ${to}${checkpoints === 'afresh' ? ', afresh' : ''}.`,
      ...differences.map(({ area, change, what }) => `  ${area}: ${change} ${oneLine(what)}`),
    ])
    .join('\n');
}
