import { CommanderError } from 'commander';
import { RequestError } from '../domain/errors.ts';
import { toPlainLines } from '../domain/text.ts';
import { PROBLEM_KINDS, toRequestError } from '../middleware/problem.ts';
import { jsonLine, oneLine } from './format.ts';
import type { CliIo } from './io.ts';

/** What a command ends with. */
export const EXIT = {
  ok: 0,
  /** It was asked well and could not be done, or was done and found something wrong. */
  failed: 1,
  /** The command line itself is wrong. */
  usage: 2,
  /** Stopped by Ctrl-C, as shells expect. */
  interrupted: 130,
} as const;

/** The same, for help. */
export const EXIT_CODES = `Exit codes: ${EXIT.ok} done, ${EXIT.failed} failed, ${EXIT.usage} the command line is wrong, ${EXIT.interrupted} stopped by Ctrl-C.`;

/** A command line that cannot be understood. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly remedy: string;

  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}

/** The person at the keyboard, or the system, ended the command. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/**
 * Tells why a command failed, on stderr: `error: …` and `remedy: …` for people, one JSON object
 * `{code, title, detail, remedy?, errors?}` with `json`. A stack is shown only with LOG_LEVEL=debug.
 * @returns The exit code.
 */
export function reportFailure(thrown: unknown, io: CliIo, { json }: { json: boolean }): number {
  // Commander has said what is to be said: help and version are no failures.
  if (thrown instanceof CommanderError && thrown.exitCode === 0) return EXIT.ok;
  if (isMissingCommand(thrown) && !json) return EXIT.usage;
  if (thrown instanceof Interrupted) {
    io.stderr.write(
      json ? jsonLine({ code: 'INTERRUPTED', title: 'The command was stopped', detail: thrown.message }) : `${thrown.message}\n`,
    );
    return EXIT.interrupted;
  }
  const failure = toFailure(thrown);
  if (io.env.LOG_LEVEL === 'debug' && thrown instanceof Error) io.stderr.write(`${toPlainLines(thrown.stack ?? '')}\n`);
  io.stderr.write(json ? jsonLine(failure.body) : failureText(failure.body));
  return failure.exitCode;
}

/** A group was named without a command of it: its help was shown. */
function isMissingCommand(thrown: unknown): boolean {
  return thrown instanceof CommanderError && thrown.code === 'commander.help';
}

interface FailureBody {
  code: string;
  title: string;
  detail: string;
  remedy?: string;
  errors?: readonly { path: string; reason: string; remedy: string }[];
}

function toFailure(thrown: unknown): { body: FailureBody; exitCode: number } {
  if (isMissingCommand(thrown)) return usage('It is not said which command of the group.', 'See `--help` behind the name of the group.');
  if (thrown instanceof CommanderError) {
    const detail = thrown.message
      .replace(/^error: /, '')
      .split('\n')
      .filter((line) => line !== '')
      .join(' ');
    return usage(detail, 'See `datasources --help`, or `--help` behind the name of a command.');
  }
  if (thrown instanceof UsageError) return usage(thrown.message, thrown.remedy);
  const error = toRequestError(thrown);
  const unexpected = error.code === 'INTERNAL' && thrown instanceof Error && !(thrown instanceof RequestError);
  const body: FailureBody = {
    code: error.code,
    title: PROBLEM_KINDS[error.code].title,
    // Whoever types the command runs the host: an unexpected error may speak, in one line.
    detail: unexpected ? `Something went wrong: ${thrown.message.split('\n')[0] ?? ''}` : error.message,
    ...(unexpected ? { remedy: 'Set LOG_LEVEL=debug to see where it happened.' } : {}),
    ...(unexpected || error.remedy === undefined ? {} : { remedy: error.remedy }),
    ...(error.problems.length === 0 ? {} : { errors: error.problems }),
  };
  return { body, exitCode: EXIT.failed };
}

/** Of what never got as far as to be refused. */
const USAGE = 'USAGE';

function usage(detail: string, remedy: string): { body: FailureBody; exitCode: number } {
  return { body: { code: USAGE, title: 'The command line cannot be understood', detail, remedy }, exitCode: EXIT.usage };
}

function failureText({ code, detail, remedy, errors = [] }: FailureBody): string {
  // By its code it is found in the guides.
  const lines = [`error: ${detail}${code === USAGE ? '' : ` [${code}]`}`];
  // A single problem has usually said all of it in `detail` already.
  const [only] = errors;
  const repeated = errors.length === 1 && only !== undefined && detail.includes(only.reason);
  if (!repeated) {
    for (const { path, reason, remedy: mend } of errors) lines.push(`  ${path === '' ? '' : `${path}: `}${reason}`, `    remedy: ${mend}`);
  }
  if (remedy !== undefined && (repeated || errors.length === 0)) lines.push(`  remedy: ${remedy}`);
  return `${lines.map(unforged).join('\n')}\n`;
}

/** Reasons come from datasources, sources and other hosts as well: none may write to the terminal, or begin a line as if it were ours. */
function unforged(line: string): string {
  const indent = /^ */.exec(line)?.[0] ?? '';
  return indent + oneLine(line);
}
