/** Who somebody, or some group, is at the source. */
export interface Principal {
  /**
   * What the id names: an `account` at the source, a person by `email`, a `group` that `listGroups`
   * lists, or everyone whose address is in a `domain`.
   */
  kind: 'account' | 'email' | 'group' | 'domain';
  /** 1 to 512 bytes. E-mail addresses and domains are lower-cased. */
  id: string;
}

/** Who may see a document. Make one with `everyone`, `adminsOnly` or `allOf`. */
export type Access =
  | { readonly tag: 'everyone' }
  | { readonly tag: 'admins-only' }
  | { readonly tag: 'all-of'; readonly val: readonly PrincipalSet[] };

/** Any one of these principals satisfies the set; nobody satisfies an empty one. */
export interface PrincipalSet {
  readonly anyOf: readonly Principal[];
}

/** Everyone in the organisation. */
export function everyone(): Access {
  return { tag: 'everyone' };
}

/** Nobody but the organisation's admins: say this when you do not know. */
export function adminsOnly(): Access {
  return { tag: 'admins-only' };
}

/**
 * Whoever satisfies every one of the sets: `allOf(anyOf(account('ada')), anyOf(group('staff')))`.
 * Without a set, or with an empty one, nobody but the organisation's admins.
 */
export function allOf(...sets: PrincipalSet[]): Access {
  return { tag: 'all-of', val: sets };
}

/** Whoever is one of these. */
export function anyOf(...principals: Principal[]): PrincipalSet {
  return { anyOf: principals };
}

/** An account at the source, by the source's own id or login. */
export function account(id: string): Principal {
  return { kind: 'account', id };
}

/** A person by e-mail address. */
export function email(address: string): Principal {
  return { kind: 'email', id: address.toLowerCase() };
}

/** A group that `listGroups` lists, by the source's own id. */
export function group(id: string): Principal {
  return { kind: 'group', id };
}

/** Everyone whose e-mail address is in this domain. */
export function domain(name: string): Principal {
  return { kind: 'domain', id: name.toLowerCase() };
}
