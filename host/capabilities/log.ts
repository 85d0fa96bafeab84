import { type CallScope, type OpenCapability, plainText } from './capability.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type WriteLine = (level: LogLevel, message: string) => void;

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];
const MAX_LINE_LENGTH = 4_096;

/** `log`: lines for the operator, as many as the limit allows; then one that says so, then none. */
export function openLog(scope: Pick<CallScope, 'limits'>, writeLine: WriteLine): OpenCapability {
  let lines = 0;
  return {
    write: ([level, message]) => {
      lines += 1;
      if (lines <= scope.limits.maxLogLines) {
        writeLine(LEVELS.find((known) => known === level) ?? 'info', plainText(message, MAX_LINE_LENGTH));
      } else if (lines === scope.limits.maxLogLines + 1) {
        writeLine('warn', `more than ${scope.limits.maxLogLines} lines in one call: the rest is dropped`);
      }
      return undefined;
    },
  };
}
