import { resolve } from 'node:path';
import { toHost, toHosts, toHostUrl, toPublicUrl } from './config/addresses.ts';
import { toFolders, toSourceHosts } from './config/sources.ts';
import { readTokenSettings, toBlocks, toOrigins } from './config/callers.ts';
import { SEVERAL_MASTER_KEYS, severalMasterKeys, toCommand, toMasterKeys } from './config/master-keys.ts';
import { readEmbeddings, readRerank, toModelKey } from './config/models.ts';
import { readNotify } from './config/notify.ts';
import { type Read, toInteger } from './config/reading.ts';
import { SETTINGS, type SettingName } from './config/settings.ts';
import { SettingFault } from './config/setting-fault.ts';
import { RequestError, type Problem } from './domain/errors.ts';
import { ISOLATION_SETTINGS, type IsolationSetting } from './domain/isolation-setting.ts';
import type { EmbeddingSettings, RerankSettings } from './domain/model-settings.ts';
import { nearest } from './domain/nearest.ts';
import type { NotifySettings } from './domain/notify-settings.ts';
import type { TokenSettings } from './domain/token-settings.ts';
import { LOG_LEVELS, type LogLevel } from './log.ts';

/** All settings of a host, read once and frozen. */
export interface Config {
  /** The address to listen on: a host name or an IP address without brackets. */
  readonly host: string;
  /** 0 to 65535; 0 takes any free port. */
  readonly port: number;
  /** Absolute path of the folder that holds the database, the components and the master key. */
  readonly dataDir: string;
  readonly logLevel: LogLevel;
  /** Names, lower-case, that a request's Host header may carry besides loopback and `host`. */
  readonly allowedHosts: readonly string[];
  /** Origins whose pages may call the API: none unless named. */
  readonly corsOrigins: readonly string[];
  /** Addresses, and blocks of them, whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[];
  /** The most requests of one caller in a minute, by this host: 1 to 1,000,000. */
  readonly callerRequestsPerMinute: number;
  /** The most requests from one address in a minute, by this host: 1 to 1,000,000. */
  readonly addressRequestsPerMinute: number;
  /** Access that a source confirmed longer ago is not known: 1 to 87,600. */
  readonly accessMaxAgeHours: number;
  /** Absolute path of a file with a key for the whole host that is put in force at the start. */
  readonly adminKeyFile: string | undefined;
  /** The OpenID provider whose tokens are taken besides keys. */
  readonly tokens: TokenSettings | undefined;
  /** Keys of 32 bytes that wrap those of secrets: the first seals, all open. At most one of these three is given; without any, the file `master.key` in `dataDir` holds them. */
  readonly masterKeys: readonly Uint8Array[];
  /** Absolute path of a file with such keys. */
  readonly masterKeyFile: string | undefined;
  /** A program with its arguments that prints such keys. */
  readonly masterKeyCommand: readonly string[] | undefined;
  /** Under which address browsers reach this host, without a slash at the end: sources send people back there. */
  readonly publicUrl: string | undefined;
  /** The most sandbox processes at one time: 1 to 256. */
  readonly maxSandboxProcesses: number;
  /** What is put around sandbox processes. */
  readonly isolation: IsolationSetting;
  /** Size of passages, about: 64 to 4,096. */
  readonly passageTokens: number;
  /** What passages are embedded with; without it they are found by their words alone. */
  readonly embeddings: EmbeddingSettings | undefined;
  /** What looks at the best passages once more. */
  readonly rerank: RerankSettings | undefined;
  /** A file in the form of Docker's config.json, with what registries ask for. */
  readonly registryConfig: string | undefined;
  /** Hosts, with their ports, that callers of the API may name as if they were on the machine. */
  readonly sourceHosts: readonly string[];
  /** Folders; these and those in them may be named by callers of the API. */
  readonly sourceFolders: readonly string[];
  /** How long a host may be silent before another takes its runs over: 100 to 3,600,000. */
  readonly runLeaseMs: number;
  /** Who is told of runs that have ended. */
  readonly notify: NotifySettings | undefined;
  /** How long what is on record is kept: 1 to 3,650. */
  readonly auditDays: number;
  /** How many events of one kind are kept of one connection: 100 to 10,000,000. */
  readonly auditRows: number;
  /** The host that commands act on instead of the data folder; without a slash at the end. */
  readonly hostUrl: string | undefined;
  /** The key that commands send to it. */
  readonly hostKey: string | undefined;
}

const PREFIX = 'LORELAI_';

/**
 * Reads the environment. INVALID_SETTING with one problem for each variable that is wrong, or
 * unknown although it begins with `LORELAI_`.
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const problems: Problem[] = unknownSettings(env);
  function read<T>(name: SettingName, parse: (text: string) => T): T | undefined {
    const text = env[name]?.trim() || SETTINGS.find((setting) => setting.name === name)?.fallback || '';
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof SettingFault)) throw error;
      problems.push({ path: name, reason: error.message, remedy: error.remedy });
      return undefined;
    }
  }
  const config: { [K in keyof Config]: Config[K] | undefined } = {
    host: read('HOST', toHost),
    port: read('PORT', (text) => toInteger(text, 0, 65_535)),
    dataDir: read('DATA_DIR', (text) => resolve(text)),
    logLevel: read('LOG_LEVEL', toLogLevel),
    allowedHosts: read('LORELAI_ALLOWED_HOSTS', toHosts),
    corsOrigins: read('LORELAI_CORS_ORIGINS', toOrigins),
    trustedProxies: read('LORELAI_TRUSTED_PROXIES', toBlocks),
    callerRequestsPerMinute: read('LORELAI_CALLER_REQUESTS_PER_MINUTE', (text) => toInteger(text, 1, 1_000_000)),
    addressRequestsPerMinute: read('LORELAI_ADDRESS_REQUESTS_PER_MINUTE', (text) => toInteger(text, 1, 1_000_000)),
    adminKeyFile: read('LORELAI_ADMIN_KEY_FILE', (text) => (text === '' ? undefined : resolve(text))),
    tokens: readTokenSettings(read),
    masterKeys: read('LORELAI_MASTER_KEY', toMasterKeys),
    masterKeyFile: read('LORELAI_MASTER_KEY_FILE', (text) => (text === '' ? undefined : resolve(text))),
    masterKeyCommand: read('LORELAI_MASTER_KEY_COMMAND', toCommand),
    publicUrl: read('LORELAI_PUBLIC_URL', toPublicUrl),
    maxSandboxProcesses: read('LORELAI_SANDBOX_PROCESSES', (text) => toInteger(text, 1, 256)),
    isolation: read('ISOLATION', toIsolation),
    passageTokens: read('LORELAI_PASSAGE_TOKENS', (text) => toInteger(text, 64, 4_096)),
    embeddings: readEmbeddings(read),
    rerank: readRerank(read),
    registryConfig: read('LORELAI_REGISTRY_CONFIG', (text) => (text === '' ? undefined : resolve(text))),
    sourceHosts: read('LORELAI_SOURCE_HOSTS', toSourceHosts),
    sourceFolders: read('LORELAI_SOURCE_FOLDERS', toFolders),
    runLeaseMs: read('LORELAI_RUN_LEASE_MS', (text) => toInteger(text, 100, 3_600_000)),
    accessMaxAgeHours: read('LORELAI_ACCESS_MAX_AGE_HOURS', (text) => toInteger(text, 1, 87_600)),
    notify: readNotify(read),
    auditDays: read('LORELAI_AUDIT_DAYS', (text) => toInteger(text, 1, 3_650)),
    auditRows: read('LORELAI_AUDIT_ROWS', (text) => toInteger(text, 100, 10_000_000)),
    hostUrl: read('LORELAI_HOST_URL', toHostUrl),
    hostKey: readHostKey(read),
  };
  if (severalMasterKeys(config)) problems.push(SEVERAL_MASTER_KEYS);
  if (problems.length > 0 || !isComplete(config)) throw invalidSettings(problems);
  return Object.freeze(config);
}

function readHostKey(read: Read): string | undefined {
  const key = read('LORELAI_HOST_KEY', (text) => text) ?? '';
  return read('LORELAI_HOST_KEY_FILE', (file) => toModelKey(key, file));
}

function unknownSettings(env: Readonly<Record<string, string | undefined>>): Problem[] {
  const known = SETTINGS.map((setting) => setting.name).filter((name) => name.startsWith(PREFIX));
  const unknown = Object.keys(env).filter((name) => name.startsWith(PREFIX) && !known.some((candidate) => candidate === name));
  return unknown.map((name) => {
    const candidate = nearest(name, known);
    const remedy = candidate === undefined ? `Unset it. Known are: ${known.join(', ')}.` : `Did you mean ${candidate}? Rename or unset it.`;
    return { path: name, reason: 'No setting has this name.', remedy };
  });
}

function invalidSettings(problems: readonly Problem[]): RequestError {
  const [first] = problems;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  return new RequestError('INVALID_SETTING', `The setting ${first?.path ?? 'of the host'} cannot be used: ${first?.reason ?? ''}${more}`, {
    ...(first === undefined ? {} : { remedy: first.remedy }),
    problems,
  });
}

/** Settings that may be missing. */
const OPTIONAL: readonly (keyof Config)[] = [
  'masterKeyFile',
  'masterKeyCommand',
  'publicUrl',
  'adminKeyFile',
  'registryConfig',
  'tokens',
  'notify',
  'embeddings',
  'rerank',
  'hostUrl',
  'hostKey',
];

function isComplete(config: { [K in keyof Config]: Config[K] | undefined }): config is Config {
  return Object.entries(config).every(([key, value]) => OPTIONAL.some((name) => name === key) || value !== undefined);
}

function toLogLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((candidate) => candidate === text.toLowerCase());
  if (level === undefined) throw new SettingFault(`"${text}" is not a level.`, `Set it to one of: ${LOG_LEVELS.join(', ')}.`);
  return level;
}

function toIsolation(text: string): IsolationSetting {
  const setting = ISOLATION_SETTINGS.find((candidate) => candidate === text.toLowerCase());
  if (setting === undefined) throw new SettingFault(`"${text}" is none of them.`, `Set it to one of: ${ISOLATION_SETTINGS.join(', ')}.`);
  return setting;
}
