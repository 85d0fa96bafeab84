import type { Command } from 'commander';
import { action, makeCommand, type Cli, type SharedOptions } from './command.ts';
import { conformanceJson, conformanceText, ruleProgress } from './conformance.ts';
import { EXIT, UsageError } from './exit.ts';
import { withServices } from './services.ts';

export function verifyCommand(cli: Cli): Command {
  return makeCommand('verify', {
    summary: 'Try whether a version at hand does what every datasource must',
    description:
      'Runs the conformance suite against it in its sandbox: what needs no source of it, for nothing is asked of any network. An upgrade does the same before it ' +
      'switches. With a source: `datasources test`. Ends with 1 when a rule fails.',
    examples: [
      ['verify github@1.2.0', 'tries a version before an upgrade'],
      ['verify github --json', 'the one that runs, with every rule and its verdict'],
    ],
  })
    .argument('<name@version>', 'a datasource, and one of its versions (default: the one that runs)')
    .action(
      action(cli, async (named: string, options: SharedOptions) => {
        const [name = '', version, ...rest] = named.split('@');
        if (name === '' || version === '' || rest.length > 0)
          throw new UsageError(
            `"${named.slice(0, 80)}" names no version.`,
            'Write github@1.2.0; `datasources versions github` lists them.',
          );
        const progress = ruleProgress(cli.io.stderr);
        try {
          const how = { signal: cli.io.signal, onRule: progress.onRule };
          const result = await withServices(cli.io, options, ({ versions }) => versions.verify(name, version, how));
          return { json: conformanceJson(result), text: conformanceText(result), exitCode: result.passed ? EXIT.ok : EXIT.failed };
        } finally {
          progress.end();
        }
      }),
    );
}
