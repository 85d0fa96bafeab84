import { log, type Response } from '@lorelai/datasource-sdk';
import type { Call } from './call.ts';
import { Refusal } from './client.ts';
import { fieldsOf, listOf, required } from './fields.ts';
import { toRepository, type Repository } from './objects.ts';
import { toProblem } from './refusals.ts';

/** Where the listing of repositories goes on. */
export interface ListingCursor {
  /** Which entry of the config. */
  entry: number;
  /** Which of the ways to list that entry. */
  way: number;
  /** The next page; the first one when undefined. */
  url?: string | undefined;
}

export interface ListingPage {
  found: { repository: Repository; entry: string }[];
  /** Undefined after the last page. */
  next: ListingCursor | undefined;
  /** Whether GitHub refused to say what there is: what was not found may be there all the same. */
  incomplete: boolean;
}

/** One way to find the repositories of an entry. */
interface Way {
  url: string;
  query: Record<string, string>;
  /** Whether a refusal of the first page means that another way may work. */
  orElse: boolean;
  /** Which of the repositories on the page belong to the entry. */
  keeps(repository: Repository): boolean;
}

const ALL = '*';
// By age: a new repository comes last, so that no page shifts while the next one is read.
const PAGE = { per_page: '100', sort: 'created', direction: 'asc' };
const NOTHING_LISTED = {
  reason: 'GitHub lists no repositories there.',
  remedy: 'Correct the name, or give the credential the scope read:org.',
};
const REACHABLE = { ...PAGE, affiliation: 'owner,collaborator,organization_member' };

/** One page of the repositories that the config asks for; one request. Those that it leaves out are left out here. */
export function listRepositories(call: Call, cursor: ListingCursor = { entry: 0, way: 0 }): ListingPage {
  const entries = call.selection.entries.length === 0 ? [ALL] : call.selection.entries;
  const entry = entries[cursor.entry] ?? ALL;
  const afterEntry = cursor.entry + 1 < entries.length ? { entry: cursor.entry + 1, way: 0 } : undefined;
  if (isName(entry)) return { ...named(call, entry), next: afterEntry };

  const ways = waysOf(entry);
  const way = ways[cursor.way];
  if (way === undefined) return { found: [], next: afterEntry, incomplete: false };
  const afterWay = cursor.way + 1 < ways.length ? { entry: cursor.entry, way: cursor.way + 1 } : afterEntry;
  const page = fetchPage(call, way, cursor.url);
  if (page === 'refused') return { found: [], next: afterEntry, incomplete: true };
  if (page === 'closed') {
    if (afterWay === afterEntry) call.work.skip({ path: entry, ...NOTHING_LISTED });
    return { found: [], next: afterWay, incomplete: false };
  }
  const incomplete = notePartial(call, page, entry);
  const repositories = repositoriesOf(page).filter((repository) => way.keeps(repository) && isWanted(call, repository, entry));
  const url = call.client.next(page);
  // A first way that works stands for the whole entry; the ways after it are for accounts that it does not know.
  const done = way.orElse ? afterEntry : afterWay;
  const next = url === undefined ? done : { ...cursor, url };
  return { found: repositories.map((repository) => ({ repository, entry })), next, incomplete };
}

/**
 * Whether a repository that GitHub still has belongs to an entry of the config. An exact name may be of a
 * repository that has moved since, so its record's entry counts.
 */
export function isSelected(call: Call, repository: { fullName: string; private: boolean; entry: string }): boolean {
  const { entries, isExcluded, includePrivate } = call.selection;
  const asked = entries.length === 0 ? repository.entry === ALL : entries.includes(repository.entry);
  return asked && !isExcluded(repository.fullName) && (includePrivate || !repository.private);
}

function isName(entry: string): boolean {
  return entry !== ALL && !entry.endsWith('/*');
}

function named(call: Call, entry: string): Omit<ListingPage, 'next'> {
  const response = call.client.tryGet(`/repos/${entry}`);
  if (response instanceof Refusal) {
    call.work.skip(toProblem(response, entry));
    return { found: [], incomplete: !response.isMissing };
  }
  const repository = toRepository(required(fieldsOf(response.json()), 'a repository'));
  if (repository.fullName.toLowerCase() !== entry.toLowerCase()) log.info(`${entry} is called ${repository.fullName} now.`);
  if (repository.private && !call.selection.includePrivate) {
    const reason = `${entry} is private, and the connection leaves private repositories out.`;
    call.work.skip({ path: entry, reason, remedy: 'Set include_private of repository_indexing to true, or remove it from repositories.' });
  }
  return { found: isWanted(call, repository, entry) ? [{ repository, entry }] : [], incomplete: false };
}

function waysOf(entry: string): Way[] {
  if (entry === ALL) {
    return [
      { url: '/user/repos', query: REACHABLE, orElse: true, keeps: () => true },
      // What a GitHub App's installation has in place of an account.
      { url: '/installation/repositories', query: { per_page: '100' }, orElse: true, keeps: () => true },
    ];
  }
  const owner = entry.slice(0, -2);
  const isTheirs = (repository: Repository): boolean => repository.owner.toLowerCase() === owner.toLowerCase();
  return [
    { url: `/orgs/${owner}/repos`, query: { ...PAGE, type: 'all' }, orElse: true, keeps: isTheirs },
    // A person's private repositories are listed to those who work on them, the public ones to everyone.
    { url: '/user/repos', query: REACHABLE, orElse: false, keeps: isTheirs },
    { url: `/users/${owner}/repos`, query: { ...PAGE, type: 'owner' }, orElse: false, keeps: isTheirs },
  ];
}

/** The page; `closed` when another way may do, `refused` when none will. */
function fetchPage(call: Call, way: Way, url: string | undefined): Response | 'closed' | 'refused' {
  const page = url === undefined ? call.client.tryGet(way.url, { query: way.query }) : call.client.tryGet(url);
  if (!(page instanceof Refusal)) return page;
  // 404: no such organisation. 403: an endpoint that this kind of credential has not.
  if (page.ssoUrl === undefined && (page.status === 404 || page.status === 403)) return 'closed';
  call.work.skip(toProblem(page, way.url));
  return 'refused';
}

/** With single sign-on GitHub leaves organisations out of a list and says so in a header only. */
function notePartial(call: Call, page: Response, entry: string): boolean {
  const header = page.headers.get('x-github-sso') ?? '';
  if (!header.startsWith('partial-results')) return false;
  const reason = `GitHub left out organisations that ask for single sign-on (${header.replace(/^partial-results;\s*/, '')}).`;
  call.work.skip({ path: entry, reason, remedy: 'Authorise the credential for these organisations in its settings at GitHub.' });
  return true;
}

function repositoriesOf(page: Response): Repository[] {
  const json = page.json<unknown>();
  const list = Array.isArray(json) ? listOf(json) : (fieldsOf(json)?.list('repositories') ?? []);
  return list.map(toRepository);
}

/** Forks repeat what is read elsewhere: they are read when they are named. */
function isWanted(call: Call, repository: Repository, entry: string): boolean {
  if (repository.disabled || (repository.fork && !isName(entry))) return false;
  return isSelected(call, { ...repository, entry });
}
