import { foldAddress, toAccessList } from '../../domain/access.ts';
import type { Access, Principal } from '../../domain/document.ts';
import type { Database } from '../../store/database.ts';
import { connectionsWithFreshGroups, heldPrincipals, type HeldPrincipal } from '../../store/held-principals.ts';
import type { Sight } from './visibility.ts';

/** Whether what a source answers live may be shown to somebody. */
export type LiveAccess = (connection: string, access: Access) => boolean;

/**
 * The rules of the index for documents that are not in it: everything for those who see everything, else what is public,
 * and for a person what names somebody who that person is. Groups count where they were read lately. Fail-closed.
 */
export async function openLiveAccess(
  database: Database,
  of: { organisation: string; nowMs: number; maxAgeMs: number },
  { visibility, person }: Sight,
): Promise<LiveAccess> {
  if (visibility.kind === 'everything') return () => true;
  if (person === undefined) return (_, access) => access.kind === 'everyone';
  const { organisation } = of;
  const [held, freshGroups] = await Promise.all([
    heldPrincipals(database, { organisation, person: person.id }),
    connectionsWithFreshGroups(database, of),
  ]);
  const addresses = [person.email, ...person.aliases].map(foldAddress);
  const own: HeldPrincipal[] = [
    ...addresses.map((id) => ({ kind: 'email' as const, id, connection: undefined })),
    ...addresses.map((address) => ({ kind: 'domain' as const, id: address.slice(address.indexOf('@') + 1), connection: undefined })),
    ...person.accounts.map(({ connection, account }) => ({ kind: 'account' as const, id: account, connection })),
  ];
  const known = new Set([...held, ...own].map(keyOf));
  const isHeld = (connection: string, principal: Principal): boolean => {
    if (principal.kind === 'group' && !freshGroups.has(connection)) return false;
    const shared = principal.kind === 'email' || principal.kind === 'domain';
    return known.has(keyOf({ ...principal, connection: shared ? undefined : connection }));
  };
  return (connection, access) => {
    const { kind, sets } = toAccessList(access);
    if (kind !== 'all-of') return kind === 'everyone';
    return sets.length > 0 && sets.every((set) => set.some((principal) => isHeld(connection, principal)));
  };
}

function keyOf({ kind, id, connection }: HeldPrincipal): string {
  return JSON.stringify([kind, id, connection ?? '']);
}
