import { isIPv4 } from 'node:net';
import { resolve } from 'node:path';
import {
  toAlgorithms,
  toBlocks,
  toClaimPath,
  toOrigins,
  toProviderUrl,
  toScopeMapping,
  toTokenOrganisation,
  toTokenSettings,
} from './config-callers.ts';
import { toEmbeddingSettings, toModelKey, toModelUrl, toPrefix, toRerankSettings, toRerankStyle } from './config-models.ts';
import { toHostUrl } from './config-remote.ts';
import { RequestError, type Problem } from './domain/errors.ts';
import { ISOLATION_SETTINGS, type IsolationSetting } from './domain/isolation-setting.ts';
import type { EmbeddingSettings, RerankSettings } from './domain/model-settings.ts';
import { nearest } from './domain/nearest.ts';
import { DEFAULT_ORGANISATION } from './domain/organisation.ts';
import type { TokenSettings } from './domain/token-settings.ts';
import { LOG_LEVELS, type LogLevel } from './log.ts';
import { toNotifySettings, toNotifyUrl } from './config-notify.ts';
import type { NotifySettings } from './domain/notify-settings.ts';
import { SettingFault } from './setting-fault.ts';

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

/** One environment variable that the host reads. */
export interface Setting {
  name: string;
  fallback: string;
  /** For the documents and `serve --help`. */
  description: string;
}

/** Every environment variable that the host reads. */
export const SETTINGS = [
  { name: 'HOST', fallback: '127.0.0.1', description: 'Address to listen on.' },
  { name: 'PORT', fallback: '8787', description: 'Port to listen on; 0 takes any free one.' },
  { name: 'DATA_DIR', fallback: './data', description: 'Folder of the database, the components and the master key.' },
  { name: 'LOG_LEVEL', fallback: 'info', description: `One of ${LOG_LEVELS.join(', ')}.` },
  {
    name: 'LORELAI_ALLOWED_HOSTS',
    fallback: '',
    description: 'Host names, separated by commas, under which it may be called besides loopback and HOST.',
  },
  {
    name: 'LORELAI_ADMIN_KEY_FILE',
    fallback: '',
    description:
      'File with a key, as `datasources keys generate` prints it, that gets the scope admin on the whole host. When empty, the first start makes one and hands it over once.',
  },
  {
    name: 'LORELAI_CALLER_REQUESTS_PER_MINUTE',
    fallback: '6000',
    description: 'The most requests of one key or token subject in a minute, counted by each host for itself, 1 to 1000000.',
  },
  {
    name: 'LORELAI_ADDRESS_REQUESTS_PER_MINUTE',
    fallback: '12000',
    description: 'The most requests from one address in a minute, counted by each host for itself, 1 to 1000000.',
  },
  {
    name: 'LORELAI_TRUSTED_PROXIES',
    fallback: '',
    description: 'Addresses or blocks, separated by commas, of proxies whose X-Forwarded-For is believed, as in 10.0.0.0/8.',
  },
  {
    name: 'LORELAI_CORS_ORIGINS',
    fallback: '',
    description: 'Origins, separated by commas, whose web pages may call the API, as in https://app.example.com. When empty: none.',
  },
  {
    name: 'LORELAI_OIDC_ISSUER',
    fallback: '',
    description: 'The OpenID provider whose tokens are taken besides keys, exactly as its tokens name it in `iss`. When empty: none.',
  },
  { name: 'LORELAI_OIDC_AUDIENCE', fallback: '', description: 'What its tokens must name in `aud`.' },
  { name: 'LORELAI_OIDC_JWKS_URL', fallback: '', description: 'Where its keys are. When empty: where its discovery document says.' },
  { name: 'LORELAI_OIDC_ALGORITHMS', fallback: 'RS256,PS256,ES256,EdDSA', description: 'Signature algorithms that are taken.' },
  {
    name: 'LORELAI_OIDC_SCOPES_CLAIM',
    fallback: 'scope',
    description: 'The claim that says what a caller may do: words with spaces between them, or a list. A path, as in realm_access.roles.',
  },
  {
    name: 'LORELAI_OIDC_SCOPES',
    fallback: '',
    description: 'What values of that claim give, as in assistants=reader+on-behalf-of,staff=operator. All others give nothing.',
  },
  {
    name: 'LORELAI_OIDC_ORGANISATION',
    fallback: DEFAULT_ORGANISATION,
    description: 'Whose its callers are: the id of an organisation, * for the whole host, or claim: and the claim that holds the id.',
  },
  {
    name: 'LORELAI_MASTER_KEY',
    fallback: '',
    description:
      'Base64 of the 32 bytes that seal secrets; several with commas between them: the first seals, all open. When no master key is set, the file master.key in DATA_DIR is made and used.',
  },
  { name: 'LORELAI_MASTER_KEY_FILE', fallback: '', description: 'Instead: a file that holds them, one a line.' },
  {
    name: 'LORELAI_MASTER_KEY_COMMAND',
    fallback: '',
    description:
      'Instead: a program that prints them, as a KMS client does, with its arguments: words with spaces between them, or a JSON array. No shell is used.',
  },
  {
    name: 'LORELAI_PUBLIC_URL',
    fallback: '',
    description:
      'The address under which browsers reach this host, as in https://datasources.example.com: sources send people back there. When empty: the address it listens on.',
  },
  {
    name: 'ISOLATION',
    fallback: 'auto',
    description:
      'What is around a sandbox process: namespace (Linux with bubblewrap), process (Node.js alone), or auto, the strongest that works.',
  },
  { name: 'LORELAI_SANDBOX_PROCESSES', fallback: '8', description: 'The most sandbox processes at one time, 1 to 256.' },
  {
    name: 'LORELAI_PASSAGE_TOKENS',
    fallback: '512',
    description:
      'The size that documents are cut to, in tokens, 64 to 4096. After a change documents are cut anew when their source gives them again.',
  },
  {
    name: 'LORELAI_EMBEDDINGS_URL',
    fallback: '',
    description:
      'An OpenAI-compatible endpoint that embeds, as in http://127.0.0.1:11434/v1; /embeddings is put behind it. When empty: passages are found by their words alone.',
  },
  { name: 'LORELAI_EMBEDDINGS_MODEL', fallback: '', description: 'The model. Another one makes all vectors anew, in the background.' },
  {
    name: 'LORELAI_EMBEDDINGS_DIMENSIONS',
    fallback: '0',
    description: 'Numbers of a vector that the model is asked for, up to 16384; 0 for as many as it gives.',
  },
  { name: 'LORELAI_EMBEDDINGS_KEY', fallback: '', description: 'The key of that endpoint, if it wants one.' },
  { name: 'LORELAI_EMBEDDINGS_KEY_FILE', fallback: '', description: 'Instead: a file that holds it.' },
  { name: 'LORELAI_EMBEDDINGS_BATCH', fallback: '32', description: 'Passages of one request, 1 to 512.' },
  {
    name: 'LORELAI_EMBEDDINGS_DOCUMENT_PREFIX',
    fallback: '',
    description: 'What the model wants before each passage, as in "search_document: "; quotes keep a space at the end.',
  },
  { name: 'LORELAI_EMBEDDINGS_QUERY_PREFIX', fallback: '', description: 'And before each question, as in "search_query: ".' },
  {
    name: 'LORELAI_EMBEDDINGS_QUERY_TIMEOUT_MS',
    fallback: '1500',
    description: 'Milliseconds that a question waits for its vector before it is answered without, 50 to 30000.',
  },
  {
    name: 'LORELAI_RERANK_URL',
    fallback: '',
    description: 'An endpoint that reranks, as in http://127.0.0.1:8080; /rerank is put behind it. When empty: none is asked.',
  },
  { name: 'LORELAI_RERANK_MODEL', fallback: '', description: 'The model, where the endpoint has several.' },
  { name: 'LORELAI_RERANK_KEY', fallback: '', description: 'The key of that endpoint, if it wants one.' },
  { name: 'LORELAI_RERANK_KEY_FILE', fallback: '', description: 'Instead: a file that holds it.' },
  { name: 'LORELAI_RERANK_STYLE', fallback: 'cohere', description: 'How it is asked: cohere (also Jina, vLLM, LiteLLM), or tei.' },
  { name: 'LORELAI_RERANK_TOP', fallback: '30', description: 'Passages that it looks at, 2 to 100.' },
  {
    name: 'LORELAI_RERANK_TIMEOUT_MS',
    fallback: '2000',
    description: 'Milliseconds that a question waits for it before it is answered without, 50 to 30000.',
  },
  {
    name: 'LORELAI_REGISTRY_CONFIG',
    fallback: '',
    description:
      "File in the form of Docker's config.json with `auths` for the registries that datasources come from, or are published to. When empty: none asks for a password.",
  },
  {
    name: 'LORELAI_RUN_LEASE_MS',
    fallback: '15000',
    description: 'Milliseconds of silence after which another host takes a run over, 100 to 3600000.',
  },
  {
    name: 'LORELAI_ACCESS_MAX_AGE_HOURS',
    fallback: '168',
    description:
      'Hours after which what a source said of who may see what is not believed any more, and only admins see it, 1 to 87600. A connection may say otherwise.',
  },
  {
    name: 'LORELAI_NOTIFY_URL',
    fallback: '',
    description:
      'Where a POST tells of each indexing run that has ended, as in https://lorelai.example.com/notifications. When empty: nobody is told.',
  },
  { name: 'LORELAI_NOTIFY_KEY', fallback: '', description: 'What these are signed with: a secret of at least 32 characters.' },
  {
    name: 'LORELAI_AUDIT_DAYS',
    fallback: '90',
    description: 'Days for which requests, denials, kills and grants stay on record, 1 to 3650.',
  },
  {
    name: 'LORELAI_AUDIT_ROWS',
    fallback: '10000',
    description: 'The most events of one kind that are kept of one connection, 100 to 10000000; the oldest go first.',
  },
  {
    name: 'LORELAI_HOST_URL',
    fallback: '',
    description:
      'For commands: the host that they act on over its API instead of opening DATA_DIR, as in https://datasources.example.com; also --url.',
  },
  { name: 'LORELAI_HOST_KEY', fallback: '', description: 'For commands: the key that they send to it.' },
  { name: 'LORELAI_HOST_KEY_FILE', fallback: '', description: 'Instead: a file that holds it; also --key-file.' },
] as const satisfies readonly Setting[];

type SettingName = (typeof SETTINGS)[number]['name'];

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

/** Whether only this machine can reach a listener on `host`: `localhost`, `127.*`, `::1`; brackets are allowed. */
export function isLoopbackHost(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  return bare === 'localhost' || bare === '::1' || (isIPv4(bare) && bare.startsWith('127.'));
}

/** Reads one setting; undefined when it is wrong, which is then among the problems. */
type Read = <T>(name: SettingName, parse: (text: string) => T) => T | undefined;

function readHostKey(read: Read): string | undefined {
  const key = read('LORELAI_HOST_KEY', (text) => text) ?? '';
  return read('LORELAI_HOST_KEY_FILE', (file) => toModelKey(key, file));
}

function readNotify(read: Read): NotifySettings | undefined {
  const url = read('LORELAI_NOTIFY_URL', toNotifyUrl);
  return read('LORELAI_NOTIFY_KEY', (key) => toNotifySettings(url, key));
}

function readTokenSettings(read: Read): TokenSettings | undefined {
  const texts = {
    issuer: read('LORELAI_OIDC_ISSUER', toProviderUrl),
    jwksUrl: read('LORELAI_OIDC_JWKS_URL', toProviderUrl),
    algorithms: read('LORELAI_OIDC_ALGORITHMS', toAlgorithms) ?? [],
    scopesClaim: read('LORELAI_OIDC_SCOPES_CLAIM', toClaimPath) ?? [],
    scopesOf: read('LORELAI_OIDC_SCOPES', toScopeMapping) ?? new Map<string, never>(),
    organisation: read('LORELAI_OIDC_ORGANISATION', toTokenOrganisation) ?? { from: 'claim', claim: [] },
  };
  return read('LORELAI_OIDC_AUDIENCE', (audience) => toTokenSettings({ ...texts, audience }));
}

function readEmbeddings(read: Read): EmbeddingSettings | undefined {
  const url = read('LORELAI_EMBEDDINGS_URL', toModelUrl);
  const key = read('LORELAI_EMBEDDINGS_KEY', (text) => text) ?? '';
  const settings = {
    key: read('LORELAI_EMBEDDINGS_KEY_FILE', (file) => toModelKey(key, file)),
    dimensions: read('LORELAI_EMBEDDINGS_DIMENSIONS', (text) => toInteger(text, 0, 16_384)) || undefined,
    batch: read('LORELAI_EMBEDDINGS_BATCH', (text) => toInteger(text, 1, 512)) ?? 0,
    documentPrefix: read('LORELAI_EMBEDDINGS_DOCUMENT_PREFIX', toPrefix) ?? '',
    queryPrefix: read('LORELAI_EMBEDDINGS_QUERY_PREFIX', toPrefix) ?? '',
    queryTimeoutMs: read('LORELAI_EMBEDDINGS_QUERY_TIMEOUT_MS', (text) => toInteger(text, 50, 30_000)) ?? 0,
  };
  return read('LORELAI_EMBEDDINGS_MODEL', (model) => toEmbeddingSettings(url, { ...settings, model }));
}

function readRerank(read: Read): RerankSettings | undefined {
  const key = read('LORELAI_RERANK_KEY', (text) => text) ?? '';
  const settings = {
    model: read('LORELAI_RERANK_MODEL', (text) => text) ?? '',
    key: read('LORELAI_RERANK_KEY_FILE', (file) => toModelKey(key, file)),
    style: read('LORELAI_RERANK_STYLE', toRerankStyle) ?? 'cohere',
    top: read('LORELAI_RERANK_TOP', (text) => toInteger(text, 2, 100)) ?? 0,
    timeoutMs: read('LORELAI_RERANK_TIMEOUT_MS', (text) => toInteger(text, 50, 30_000)) ?? 0,
  };
  return read('LORELAI_RERANK_URL', (text) => toRerankSettings(toModelUrl(text), settings));
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

function toHost(text: string): string {
  const bare = text.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  if (!/^[a-z0-9.:_-]{1,253}$/.test(bare))
    throw new SettingFault(
      'It is not a host name or an IP address.',
      'Set it to an address such as 127.0.0.1, without a scheme or a port.',
    );
  return bare;
}

function toHosts(text: string): readonly string[] {
  return Object.freeze(text === '' ? [] : text.split(',').map((name) => toHost(name.trim())));
}

function toInteger(text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^\d{1,10}$/.test(text) || value < least || value > most) {
    throw new SettingFault(
      `"${text}" is not a whole number from ${least} to ${most}.`,
      `Set it to a whole number from ${least} to ${most}.`,
    );
  }
  return value;
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

/** The value itself is never repeated: it is a secret. */
function toMasterKeys(text: string): readonly Uint8Array[] {
  const words = text.split(',').flatMap((word) => word.trim() || []);
  const keys = words.map((word) => new Uint8Array(Buffer.from(word, 'base64')));
  if (keys.some((key, at) => key.length !== 32 || Buffer.from(key).toString('base64') !== words[at])) {
    throw new SettingFault('It is not the base64 of exactly 32 bytes.', 'Make one with: openssl rand -base64 32');
  }
  return Object.freeze(keys);
}

const SEVERAL_MASTER_KEYS: Problem = {
  path: 'LORELAI_MASTER_KEY',
  reason: 'Master keys are given in more than one way.',
  remedy: 'Set one of LORELAI_MASTER_KEY, LORELAI_MASTER_KEY_FILE and LORELAI_MASTER_KEY_COMMAND.',
};

function severalMasterKeys({
  masterKeys = [],
  masterKeyFile,
  masterKeyCommand,
}: Partial<{ [K in keyof Config]: Config[K] | undefined }>): boolean {
  return [masterKeys.length > 0, masterKeyFile !== undefined, masterKeyCommand !== undefined].filter(Boolean).length > 1;
}

function toCommand(text: string): readonly string[] | undefined {
  if (text === '') return undefined;
  const words: unknown = text.startsWith('[') ? parseArray(text) : text.split(/\s+/);
  if (Array.isArray(words) && words.length > 0 && words.every((word) => typeof word === 'string' && word !== ''))
    return Object.freeze(words);
  throw new SettingFault('It names no program.', 'Write it as in: ["/usr/bin/print-key", "--name", "lorelai"]');
}

function parseArray(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function toPublicUrl(text: string): string | undefined {
  if (text === '') return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain = url !== undefined && url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  if (url === undefined || !plain || (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopbackHost(url.hostname)))) {
    throw new SettingFault(
      'It is not an https address without a query; http is for loopback only.',
      'Set it to an address such as https://datasources.example.com.',
    );
  }
  return url.href.replace(/\/+$/, '');
}
