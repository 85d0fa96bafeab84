import { createHash } from 'node:crypto';
import type { Access, Principal } from './document.ts';

/** An access in the one form that all that mean the same have: sets and principals in order, each once. */
export interface AccessList {
  kind: Access['kind'];
  /** Every one must be satisfied; an empty one is satisfied by nobody. Empty unless `kind` is `all-of`. */
  sets: readonly (readonly Principal[])[];
  /** The same for the same access: 64 hexadecimal digits. */
  key: string;
  /** Whether who satisfies it depends on what `list-groups` says. */
  namesGroups: boolean;
}

/** E-mails and domains mean the same in upper and lower case, and in every connection of an organisation. */
export function isShared(kind: Principal['kind']): boolean {
  return kind === 'email' || kind === 'domain';
}

/** An e-mail address or a domain as it is compared: the contract wants lower case, and not every source keeps to it. */
export function foldAddress(address: string): string {
  return address.trim().toLowerCase();
}

/** The principal as it is compared with others. */
export function toPrincipal({ kind, id }: Principal): Principal {
  return { kind, id: isShared(kind) ? foldAddress(id) : id };
}

/** Fail-closed: an `all-of` without a set is `admins-only`. */
export function toAccessList(access: Access): AccessList {
  const sets = access.kind === 'all-of' ? distinct(access.allOf.map(toSet)) : [];
  const kind = access.kind === 'all-of' && sets.length === 0 ? 'admins-only' : access.kind;
  const key = createHash('sha256')
    .update(JSON.stringify([kind, sets.map((set) => set.map(({ kind: of, id }) => [of, id]))]))
    .digest('hex');
  return { kind, sets, key, namesGroups: sets.some((set) => set.some((principal) => principal.kind === 'group')) };
}

function toSet(principals: readonly Principal[]): Principal[] {
  return distinct(principals.map(toPrincipal));
}

/** In the order of their JSON. */
function distinct<T>(items: readonly T[]): T[] {
  const byText = new Map(items.map((item) => [JSON.stringify(item), item]));
  return [...byText].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item);
}
