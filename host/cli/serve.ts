import type { Command } from 'commander';
import { SETTINGS } from '../config/settings.ts';
import { makeCommand, type Cli, type SharedOptions } from './command.ts';
import { EXIT } from './exit.ts';
import { settings } from './services.ts';

interface ServeOptions extends SharedOptions {
  host?: string;
  port?: string;
}

export function serveCommand(cli: Cli): Command {
  const variables = SETTINGS.map(
    ({ name, fallback, description }) => `  ${name}${fallback === '' ? '' : ` (${fallback})`}\n      ${description}`,
  );
  return makeCommand('serve', {
    onTheMachine: true,
    summary: 'Serve the HTTP API and work on runs',
    description: 'Runs until Ctrl-C or SIGTERM, then lets requests and calls end, and ends with 0.',
    examples: [
      ['serve', 'listens on http://127.0.0.1:8787'],
      ['serve --port 0 --json', 'takes any free port and prints {"url": …, "isolation": …} once it listens'],
    ],
  })
    .addHelpText('after', `\nEnvironment:\n${variables.join('\n')}`)
    .option('--host <address>', 'address to listen on, over HOST')
    .option('--port <number>', 'port to listen on, over PORT')
    .action(async (options: ServeOptions) => {
      const { io } = cli;
      const { config, log } = settings(io, { HOST: options.host, PORT: options.port, DATA_DIR: options.dataDir }, 'info');
      const { serve } = await import('../main.ts');
      const print = ({ url, isolation }: { url: string; isolation: string }) =>
        io.stdout.write(
          cli.json
            ? `${JSON.stringify({ url, isolation })}\n`
            : `Listening on ${url} (reference: ${url}/reference), sandbox isolation: ${isolation}\n`,
        );
      const showPerson = io.stderr.isTTY === true ? (text: string) => void io.stderr.write(text) : undefined;
      await serve(config, { log, print, showPerson, signal: io.signal });
      cli.exit(EXIT.ok);
    });
}
