import type { Command } from 'commander';
import { COMMAND_LINE } from '../domain/caller.ts';
import type { Grant } from '../domain/grant.ts';
import { grantLines } from '../domain/grant-difference.ts';
import { toDatasourceBody } from '../routes/shapes/datasource.ts';
import { action, makeCommand, type Cli, type SharedOptions } from './command.ts';
import { addGrantOptions, withOptions, withoutOptions, type GrantOptions } from './grant-options.ts';
import { withServices } from './services.ts';

export function grantCommand(cli: Cli): Command {
  return changeCommand(cli, {
    name: 'grant',
    summary: 'Give an installed datasource more, or show what it has',
    description: 'It holds from the next call on. Without options it shows what the datasource was given.',
    examples: [
      ['grant github', 'what it was given'],
      ['grant github --allow https://ghe.example.com --limit callTimeoutMs=60000', 'one more origin, and a limit'],
    ],
    change: withOptions,
  });
}

export function revokeCommand(cli: Cli): Command {
  return changeCommand(cli, {
    name: 'revoke',
    summary: 'Take back what an installed datasource was given',
    description: 'It holds from the next call on. A limit goes back to its default.',
    examples: [
      ['revoke github --allow https://ghe.example.com', 'that origin is denied from now on'],
      ['revoke github --storage --limit callTimeoutMs', 'it keeps nothing any more, and has the default limit'],
    ],
    change: withoutOptions,
  });
}

interface Change {
  name: string;
  summary: string;
  description: string;
  examples: readonly (readonly [string, string])[];
  change(base: Readonly<Grant>, options: GrantOptions): Grant;
}

function changeCommand(cli: Cli, { name: verb, change, ...text }: Change): Command {
  return addGrantOptions(makeCommand(verb, text).argument('<datasource>', 'name of an installed datasource')).action(
    action(cli, async (name: string, options: SharedOptions & GrantOptions) =>
      withServices(cli.io, options, async ({ registry, versions }) => {
        const { grant } = await registry.get(name);
        await versions.setGrant(name, change(grant, options), COMMAND_LINE);
        const now = await registry.get(name);
        const lines = grantLines(now.grant).map((line) => `  ${line}`);
        return { json: toDatasourceBody(now), text: [`${name} is given`, ...(lines.length === 0 ? ['  nothing'] : lines)].join('\n') };
      }),
    ),
  );
}
