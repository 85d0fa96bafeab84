import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { auditCommand } from './cli/audit.ts';
import { authorizeCommand } from './cli/authorize.ts';
import { backupCommand } from './cli/backup.ts';
import { buildCommand } from './cli/build.ts';
import { callCommand } from './cli/call.ts';
import type { Cli } from './cli/command.ts';
import { connectCommand } from './cli/connect.ts';
import { EXIT, EXIT_CODES, reportFailure } from './cli/exit.ts';
import { importManifestCommand } from './cli/import-manifest.ts';
import { failedCommand } from './cli/failed.ts';
import { heldCommand } from './cli/held.ts';
import { indexCommand } from './cli/index-connections.ts';
import { inspectCommand } from './cli/inspect.ts';
import { installCommand } from './cli/install.ts';
import type { CliIo } from './cli/io.ts';
import { keygenCommand } from './cli/keygen.ts';
import { keysCommand } from './cli/keys.ts';
import { listCommand } from './cli/list.ts';
import { lockCommand } from './cli/lock.ts';
import { marketCommand } from './cli/market.ts';
import { publishCommand } from './cli/publish.ts';
import { signCommand } from './cli/sign.ts';
import { sourcesCommand } from './cli/sources.ts';
import { trustCommand } from './cli/trust.ts';
import { manifestCommand } from './cli/manifest.ts';
import { newCommand } from './cli/new.ts';
import { organisationsCommand } from './cli/organisations.ts';
import { peopleCommand } from './cli/people.ts';
import { disconnectCommand } from './cli/disconnect.ts';
import { grantCommand, revokeCommand } from './cli/grant.ts';
import { runsCommand } from './cli/runs.ts';
import { pauseCommand, resumeCommand, scheduleCommand } from './cli/schedule.ts';
import { testCommand } from './cli/test.ts';
import { verifyCommand } from './cli/verify.ts';
import { searchCommand } from './cli/search.ts';
import { serveCommand } from './cli/serve.ts';
import { variableCommand } from './cli/variable.ts';
import { vaultCommand } from './cli/vault.ts';
import { vectorsCommand } from './cli/vectors.ts';
import { webhookCommand } from './cli/webhook.ts';
import { approveCommand } from './cli/approve.ts';
import { upgradeCommand } from './cli/upgrade.ts';
import { rollbackCommand } from './cli/rollback.ts';
import { removeCommand } from './cli/remove.ts';
import { versionsCommand } from './cli/versions.ts';
import { graphCommand } from './cli/graph.ts';
import { matrixCommand } from './cli/matrix.ts';
import { featureCommand } from './cli/feature.ts';
import { disableCommand, enableCommand } from './cli/enable.ts';

/** Every command: a new one is a file in `cli/` and a line here. */
const COMMANDS: readonly ((cli: Cli) => Command)[] = [
  newCommand,
  buildCommand,
  manifestCommand,
  importManifestCommand,
  inspectCommand,
  callCommand,
  testCommand,
  keygenCommand,
  signCommand,
  publishCommand,
  trustCommand,
  lockCommand,
  sourcesCommand,
  marketCommand,
  installCommand,
  listCommand,
  grantCommand,
  revokeCommand,
  versionsCommand,
  verifyCommand,
  upgradeCommand,
  approveCommand,
  rollbackCommand,
  enableCommand,
  disableCommand,
  featureCommand,
  removeCommand,
  graphCommand,
  matrixCommand,
  connectCommand,
  variableCommand,
  authorizeCommand,
  disconnectCommand,
  indexCommand,
  runsCommand,
  scheduleCommand,
  pauseCommand,
  resumeCommand,
  heldCommand,
  failedCommand,
  searchCommand,
  vectorsCommand,
  webhookCommand,
  auditCommand,
  organisationsCommand,
  peopleCommand,
  keysCommand,
  vaultCommand,
  backupCommand,
  serveCommand,
];

/**
 * Runs one command line.
 * @param args What stands behind `datasources`.
 * @returns The exit code.
 */
export async function runCommand(args: readonly string[], io: CliIo): Promise<number> {
  const words = args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
  const json = words.includes('--json');
  let exitCode: number = EXIT.ok;
  try {
    const program = makeProgram({ io, json, exit: (code) => (exitCode = code) });
    if (args.length === 0) {
      io.stderr.write(program.helpInformation());
      return EXIT.usage;
    }
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (thrown) {
    return reportFailure(thrown, io, { json });
  }
}

function makeProgram(cli: Cli): Command {
  const program = new Command('datasources')
    .description('Builds, installs and runs datasources, and answers questions from what they read.')
    .version(readVersion(), '-V, --version')
    .addHelpText(
      'after',
      `\nBegin with "datasources new mine", or with "datasources serve". Every command has "--help" with examples.\n${EXIT_CODES}`,
    );
  for (const make of COMMANDS) program.addCommand(make(cli));
  for (const command of [program, ...program.commands.flatMap((made) => [made, ...made.commands])]) {
    // What stands behind the name of a command is for that one, and not for the group that it is in.
    command.enablePositionalOptions();
    command.exitOverride().configureOutput({
      writeOut: (text) => void cli.io.stdout.write(text),
      // Help that was asked for goes to stdout; that of a group whose command is missing comes here.
      writeErr: (text) => {
        if (!cli.json) cli.io.stderr.write(text);
      },
      // What commander would print about a mistake is told by `reportFailure`.
      outputError: () => undefined,
    });
  }
  return program;
}

function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : 'unknown';
}

/** Two signals this close are one Ctrl-C: the terminal sends it to all, and npm hands it on once more. */
const SAME_INTERRUPT_MS = 500;

/**
 * Runs the command line of this process and sets its exit code. The second Ctrl-C or SIGTERM ends it at once.
 * @public bin/datasources.js calls it.
 */
export async function runProcess(): Promise<void> {
  const stop = new AbortController();
  let firstMs: number | undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      firstMs ??= performance.now();
      stop.abort();
      if (performance.now() - firstMs > SAME_INTERRUPT_MS) process.exit(EXIT.interrupted);
    });
  }
  const { env, stdin, stdout, stderr } = process;
  // A reader that has gone away (`datasources list | head -1`) is no failure of ours.
  stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.failed));
  process.exitCode = await runCommand(process.argv.slice(2), { env, stdin, stdout, stderr, signal: stop.signal });
}
