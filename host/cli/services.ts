import { readConfig, type Config } from '../config.ts';
import { ensureDefaultOrganisation } from '../default-organisation.ts';
import { createLog, type Log } from '../log.ts';
import type { Services } from '../services/services.ts';
import type { SharedOptions } from './command.ts';
import { UsageError } from './exit.ts';
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

/**
 * Lends a command the services that it works with: those of a data folder, which are closed behind it whatever happens, or those
 * of a host elsewhere over its API, when `--url` or LORELAI_HOST_URL names one and no `--data-dir` says otherwise.
 */
export async function withServices<T>(io: CliIo, options: SharedOptions, use: (services: Services) => Promise<T>): Promise<T> {
  const { config, log } = settings(io, overridesOf(options), 'warn');
  if (config.hostUrl !== undefined) return use(await servicesElsewhere(config.hostUrl, config.hostKey, io.signal));
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

function overridesOf({ dataDir, url, keyFile }: SharedOptions): SettingOverrides {
  if (dataDir !== undefined && url !== undefined) throw new UsageError('--data-dir and --url are both given.', 'Give one of them.');
  // As of a variable that a script has not set: not to be taken for the default, which may be another folder or host.
  for (const [option, value] of Object.entries({ '--data-dir': dataDir, '--url': url, '--key-file': keyFile }))
    if (value === '') throw new UsageError(`${option} is empty.`, 'Say what it is, or leave it out.');
  return {
    DATA_DIR: dataDir,
    LORELAI_HOST_URL: dataDir === undefined ? url : '',
    // What is said here counts, whatever the environment holds.
    ...(keyFile === undefined ? {} : { LORELAI_HOST_KEY_FILE: keyFile, LORELAI_HOST_KEY: '' }),
  };
}

async function servicesElsewhere(url: string, key: string | undefined, signal: AbortSignal): Promise<Services> {
  if (key === undefined)
    throw new UsageError(`The host at ${url} wants a key.`, 'Name a file that holds one with --key-file, or set LORELAI_HOST_KEY_FILE.');
  const { remoteServices } = await import('./remote/services.ts');
  return remoteServices({ url, key, signal });
}
