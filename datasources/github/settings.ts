import type { Problem } from '@lorelai/datasource-sdk';
import { matcherOf } from './globs.ts';

/** A connection's config, read once per call. */
export interface Selection {
  baseUrl: string;
  /** `owner/name` or `owner/*`, as written; empty means all that the credential's account reaches. */
  entries: readonly string[];
  isExcluded(fullName: string): boolean;
  includePrivate: boolean;
}

export interface ConnectionConfig {
  repositories?: readonly string[] | undefined;
  exclude_repositories?: readonly string[] | undefined;
  base_url?: string | undefined;
}

const PUBLIC_API = 'https://api.github.com';
/** What GitHub allows in the names of owners and repositories. */
const OWNER = /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,99})$/;
const NAME = /^[A-Za-z0-9._-]{1,100}$/;
const NAME_PATTERN = /^[A-Za-z0-9._*-]{1,100}$/;

export function toSelection(config: ConnectionConfig, settings: { include_private?: boolean | undefined }): Selection {
  return {
    baseUrl: (config.base_url ?? PUBLIC_API).replace(/\/+$/, ''),
    entries: config.repositories ?? [],
    isExcluded: matcherOf(config.exclude_repositories ?? []),
    includePrivate: settings.include_private === true,
  };
}

/** What is wrong with a config that its schema accepts. */
export function configProblems(config: ConnectionConfig): Problem[] {
  const repositories = (config.repositories ?? []).flatMap((entry, index) => entryProblems(`/repositories/${index}`, entry, NAME));
  const excluded = (config.exclude_repositories ?? []).flatMap((entry, index) =>
    entryProblems(`/exclude_repositories/${index}`, entry, NAME_PATTERN),
  );
  return [...repositories, ...excluded, ...baseUrlProblems(config.base_url ?? PUBLIC_API)];
}

function entryProblems(path: string, entry: string, names: RegExp): Problem[] {
  const [owner = '', name = '', ...rest] = entry.split('/');
  if (rest.length === 0 && OWNER.test(owner) && (name === '*' || (names.test(name) && name !== '.' && name !== '..'))) return [];
  const example = entry.includes('github.com/')
    ? entry
        .split('github.com/')[1]
        ?.split('/')
        .slice(0, 2)
        .join('/')
        .replace(/\.git$/, '')
    : undefined;
  const remedy = example === undefined ? 'Write owner/name, or owner/* for all of an owner.' : `Write it without the address: ${example}.`;
  return [{ path, reason: `"${entry}" is no repository's name.`, remedy }];
}

function baseUrlProblems(baseUrl: string): Problem[] {
  const path = '/base_url';
  const url = URL.parse(baseUrl);
  const problem = (reason: string, remedy: string): Problem[] => [{ path, reason: `"${baseUrl}" ${reason}.`, remedy }];
  if (url === null) return problem('is no URL', `Write ${PUBLIC_API}, or https://HOST/api/v3 for GitHub Enterprise Server.`);
  if (url.username !== '' || url.password !== '')
    return problem('holds a user or a password', 'Remove it; the credential is set on the connection.');
  if (url.search !== '' || url.hash !== '') return problem('has a query or a fragment', 'Remove what comes after the path.');
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname))) {
    return problem('would send the credential without encryption', 'Write https:// in place of http://.');
  }
  if (url.hostname === 'github.com' || url.hostname === 'www.github.com')
    return problem('is the website, not the API', `Write ${PUBLIC_API}.`);
  return [];
}

/** Where an emulator listens: nothing leaves the machine. */
function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}
