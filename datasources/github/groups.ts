import { account, log, type Group, type GroupPage, type Principal } from '@lorelai/datasource-sdk';
import { openCall, type Call, type GithubConnection } from './call.ts';
import { Refusal } from './client.ts';
import { listOf, type Fields } from './fields.ts';
import { groupIdOf } from './job.ts';
import { listRepositories, type ListingCursor } from './listing.ts';

/** Where a listing of groups goes on. */
export interface GroupsCursor {
  listing?: ListingCursor | null | undefined;
  queue: { id: number; fullName: string }[];
}

/** Of one repository: 5,000 accounts. */
const MAX_PAGES = 50;

/** A page of groups: for each private repository those who can read it, as GitHub's collaborators list has them. */
export function listGroups(connection: GithubConnection, before: GroupsCursor | undefined): GroupPage<GroupsCursor> {
  const call = openCall(connection);
  const groups: Group[] = [];
  if (!call.selection.includePrivate) return { groups };
  let cursor: GroupsCursor | undefined = before ?? { queue: [] };
  do {
    const [repository, ...queue]: GroupsCursor['queue'] = cursor.queue;
    if (repository === undefined) cursor = nextRepositories(call, cursor);
    else {
      groups.push({ id: groupIdOf(repository.id), name: repository.fullName, members: membersOf(call, repository.fullName) });
      cursor = { listing: cursor.listing, queue };
    }
  } while (cursor !== undefined && !call.work.isFull());
  return { groups, next: cursor };
}

function nextRepositories(call: Call, cursor: GroupsCursor): GroupsCursor | undefined {
  if (cursor.listing === null) return undefined;
  const page = listRepositories(call, cursor.listing);
  const found = page.found.flatMap(({ repository: { id, fullName, private: isPrivate } }) => (isPrivate ? [{ id, fullName }] : []));
  return { listing: page.next ?? null, queue: found };
}

/** Logins in lower case. Nobody where GitHub does not say: then only the organisation's admins see the repository. */
function membersOf(call: Call, fullName: string): Principal[] {
  const members: Principal[] = [];
  let page = call.client.tryGet(`/repos/${fullName}/collaborators`, { query: { affiliation: 'all', per_page: 100 } });
  for (let pages = 1; ; pages += 1) {
    if (page instanceof Refusal) {
      log.warn(
        `GitHub does not say who can read ${fullName} (${page.message}); only admins see it. The credential needs push access to it.`,
      );
      return [];
    }
    members.push(...listOf(page.json()).flatMap(toMember));
    const url = call.client.next(page);
    if (url === undefined) return members;
    if (pages === MAX_PAGES) {
      log.warn(`${fullName} has more than ${members.length} collaborators; the others do not see it.`);
      return members;
    }
    page = call.client.tryGet(url);
  }
}

/** Every collaborator can read, unless GitHub says otherwise. */
function toMember(fields: Fields): Principal[] {
  const login = fields.text('login');
  const permissions = fields.object('permissions');
  const reads = permissions === undefined || !permissions.has('pull') || permissions.flag('pull');
  return login !== undefined && reads ? [account(login.toLowerCase())] : [];
}
