import { inspect } from 'node:util';
import { toOneLine, toPrintableJson } from './domain/text.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What a line says besides its message. An `Error` is written with its causes. */
type LogFields = Record<string, unknown>;

/** Where the host writes what operators should know. Never give it a secret: keys that name one are blanked, values are not searched. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same log with these fields on every line. */
  child(fields: LogFields): Log;
}

export interface LogOptions {
  level: LogLevel;
  /** Short lines for people instead of JSON lines. */
  pretty: boolean;
  /** Takes one line, its newline included. */
  write(line: string): void;
  /** Milliseconds since 1970. `Date.now` when left out. */
  now?: () => number;
}

/** A log of JSON lines `{"time", "level", "message", ...fields}`, or of short lines for people. */
export function createLog(options: LogOptions): Log {
  return childLog(options, {});
}

function childLog(options: LogOptions, bound: LogFields): Log {
  const now = options.now ?? Date.now;
  const lowest = LOG_LEVELS.indexOf(options.level);
  const at =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}) => {
      if (LOG_LEVELS.indexOf(level) < lowest) return;
      const line = { time: new Date(now()).toISOString(), level, message, fields: { ...bound, ...fields } };
      options.write(options.pretty ? prettyLine(line) : jsonLine(line));
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => childLog(options, { ...bound, ...fields }),
  };
}

interface Line {
  time: string;
  level: LogLevel;
  message: string;
  fields: LogFields;
}

function jsonLine({ time, level, message, fields }: Line): string {
  // Named first for the reader, and again last so that a field cannot pose as one of them.
  const head = { time, level, message };
  const text = stringify({ ...head, ...fields, ...head });
  return `${text}\n`;
}

function prettyLine({ time, level, message, fields }: Line): string {
  const shown = Object.entries(fields).filter(([, value]) => value !== undefined);
  const tail = shown.map(([key, value]) => ` ${toOneLine(key)}=${stringify(blank(key, value))}`).join('');
  return `${time.slice(11, 19)} ${level.toUpperCase().padEnd(5)} ${toOneLine(message)}${tail}\n`;
}

function stringify(value: unknown): string {
  try {
    return toPrintableJson(JSON.stringify(value, (key, inner: unknown) => blank(key, inner)) ?? 'null');
  } catch {
    // Circular, or a getter that throws: a log line must never take its caller down.
    return JSON.stringify({ unprintable: inspect(value, { depth: 1, breakLength: Infinity }).slice(0, 1000) });
  }
}

const SECRET_KEY = /credential|secret|password|passwd|authorization|cookie|api[-_]?key|master[-_]?key|token$/i;

function blank(key: string, value: unknown): unknown {
  if (SECRET_KEY.test(key) && value !== undefined && typeof value !== 'boolean') return '[secret]';
  if (value instanceof Error) return describeError(value);
  if (typeof value === 'bigint') return value.toString();
  return value;
}

/** An error as a log keeps it: its causes, five deep at most, and its stack. */
function describeError(error: Error, depth = 0): Record<string, unknown> {
  const code = 'code' in error ? error.code : undefined;
  const cause = error.cause instanceof Error && depth < 5 ? describeError(error.cause, depth + 1) : error.cause;
  return { name: error.name, message: error.message, code, stack: error.stack, cause };
}
