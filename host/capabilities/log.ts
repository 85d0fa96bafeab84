import { describeLimit } from '../domain/meter.ts';
import { type CallScope, type OpenCapability, plainText } from './capability.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type WriteLine = (level: LogLevel, message: string) => void;

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];
const MAX_LINE_LENGTH = 4_096;

/** `log`: lines for the operator, as many as the limits allow; then one that says so, then none. */
export function openLog({ meter }: Pick<CallScope, 'meter'>, writeLine: WriteLine): OpenCapability {
  let full = false;
  return {
    write: ([level, message]) => {
      const text = plainText(message, MAX_LINE_LENGTH);
      const breach = meter.charge('logLines', 1) ?? meter.charge('logBytes', Buffer.byteLength(text));
      if (full) return undefined;
      full = breach !== undefined;
      if (breach === undefined) writeLine(LEVELS.find((known) => known === level) ?? 'info', text);
      else writeLine('warn', `more lines than ${describeLimit(breach)}: the rest of this call's is dropped`);
      return undefined;
    },
  };
}
