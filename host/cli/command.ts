import { Command } from 'commander';
import { toPlainLines } from '../domain/text.ts';
import { EXIT, EXIT_CODES } from './exit.ts';
import { jsonLine } from './format.ts';
import type { CliIo } from './io.ts';

/** What a command found or did. */
export interface Outcome {
  /** With `--json`: one value on one line, the last of stdout. */
  json: unknown;
  /** Otherwise: lines for people. */
  text: string;
  /** `EXIT.ok` when left out. */
  exitCode?: number;
}

/** Options that every command has. */
export interface SharedOptions {
  dataDir?: string;
  /** The host elsewhere that it acts on. */
  url?: string;
  keyFile?: string;
}

/** What a command needs to be made. */
export interface Cli {
  io: CliIo;
  /** Whether the outcome is printed as JSON. */
  json: boolean;
  /** Takes the exit code of the command that ran. */
  exit(code: number): void;
}

interface CommandText {
  summary: string;
  /** More than the summary, in whole sentences. */
  description: string;
  /** Command lines without `datasources`, each with what it does. */
  examples: readonly (readonly [line: string, what: string])[];
  /** Whether it works with files, sandboxes or settings of the machine that it runs on, and has no `--url`. */
  onTheMachine?: boolean;
}

/** A command with the options that all share and with examples in its help. */
export function makeCommand(name: string, { summary, description, examples, onTheMachine = false }: CommandText): Command {
  const shown = examples.map(([line, what]) => `  $ datasources ${line}\n      ${what}`).join('\n');
  const command = new Command(name)
    .summary(summary)
    .description(`${summary}. ${description}`)
    .option('--json', 'print one JSON value on stdout instead of text; errors are a JSON object on stderr')
    .option('--data-dir <dir>', 'folder of the database and the components (default: DATA_DIR, or ./data)')
    .allowExcessArguments(false)
    .addHelpText('after', `\nExamples:\n${shown}\n\n${EXIT_CODES}`);
  if (onTheMachine) return command;
  return command
    .option('--url <url>', 'act on the host there, over its API, instead of on a data folder (default: LORELAI_HOST_URL)')
    .option('--key-file <file>', 'file that holds the key for that host (default: LORELAI_HOST_KEY_FILE, or LORELAI_HOST_KEY)');
}

/** What commander calls: does the work, prints its outcome and keeps the exit code. */
export function action<A extends unknown[]>(cli: Cli, work: (...args: A) => Promise<Outcome>): (...args: A) => Promise<void> {
  return async (...args) => {
    const outcome = await work(...args);
    // The one place that everything a command found passes, whatever a stranger has written into it.
    cli.io.stdout.write(cli.json ? jsonLine(outcome.json) : `${toPlainLines(outcome.text.trimEnd())}\n`);
    cli.exit(outcome.exitCode ?? EXIT.ok);
  };
}
