import { readConfig, type Config } from '../config.ts';
import { ensureDefaultOrganisation } from '../default-organisation.ts';
import { createLog, type Log } from '../log.ts';
import type { Services } from '../services/services.ts';
import type { SharedOptions } from './command.ts';
import type { CliIo } from './io.ts';

/** Settings that the command line gives over those of the environment, by the environment's names. */
export type SettingOverrides = Readonly<Record<string, string | undefined>>;

/** The config and the log of a command. A command speaks for itself: below warnings it logs only what LOG_LEVEL asks for. */
export function settings(io: CliIo, overrides: SettingOverrides, quietLevel: 'warn' | 'info'): { config: Config; log: Log } {
  const given = Object.fromEntries(Object.entries(overrides).filter(([, value]) => value !== undefined));
  const config = readConfig({ ...io.env, LOG_LEVEL: io.env.LOG_LEVEL ?? quietLevel, ...given });
  const log = createLog({ level: config.logLevel, pretty: io.stderr.isTTY === true, write: (line) => void io.stderr.write(line) });
  return { config, log };
}

/** Opens the services of a data folder for one command and closes them behind it, whatever happens. */
export async function withServices<T>(io: CliIo, options: SharedOptions, use: (services: Services) => Promise<T>): Promise<T> {
  const { config, log } = settings(io, { DATA_DIR: options.dataDir }, 'warn');
  // Loaded late: `--help` and mistakes in the command line need no database.
  const { openServices } = await import('../services/open.ts');
  const { services, close } = await openServices(config, log);
  try {
    await ensureDefaultOrganisation(services);
    return await use(services);
  } finally {
    await close();
  }
}
