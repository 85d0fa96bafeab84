import { write } from 'lorelai:datasource/log@1.0.0';

/** Lines for the operator, kept with the run. At most 4 KiB each; the rest is cut. */
export const log = {
  /** For the author. */
  debug: (message: string): void => write('debug', message),
  /** Normal and worth knowing. */
  info: (message: string): void => write('info', message),
  /** Not as it should be, and the call goes on. */
  warn: (message: string): void => write('warn', message),
  /** Not as it should be, and something is missing for it. */
  error: (message: string): void => write('error', message),
};
