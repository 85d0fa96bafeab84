import type { Access, Principal } from '../domain/document.ts';
import { isJsonObject, type Json } from '../domain/json.ts';

export const PRINCIPAL_KINDS: readonly Principal['kind'][] = ['account', 'email', 'group', 'domain'];

/** The access of a document from its column. Throws `TypeError` for what the host would not have stored. */
export function toStoredAccess(value: Json): Access {
  if (isJsonObject(value)) {
    const { kind, allOf } = value;
    if (kind === 'admins-only' || kind === 'everyone') return { kind };
    if (kind === 'all-of' && Array.isArray(allOf)) return { kind, allOf: allOf.map(toSet) };
  }
  throw new TypeError('an access is stored that cannot be read');
}

function toSet(value: Json): Principal[] {
  if (!Array.isArray(value)) throw new TypeError('a set of principals is stored that is no list');
  return value.map((entry) => {
    const { kind, id } = isJsonObject(entry) ? entry : {};
    const known = PRINCIPAL_KINDS.find((candidate) => candidate === kind);
    if (known === undefined || typeof id !== 'string') throw new TypeError('a principal is stored without its kind or id');
    return { kind: known, id };
  });
}
