import type { Actor, Caller } from '../../domain/caller.ts';
import type { Page, PageInput } from '../page.ts';

/** A tenant. */
export interface Organisation {
  /** 1 to 63 of `a-z`, `0-9` and `-`, beginning with a letter or digit. */
  id: string;
  name: string;
  createdAtMs: number;
}

export interface OrganisationService {
  /** CONFLICT when the id is taken, INVALID_REQUEST when it is malformed. */
  create(input: { id: string; name?: string }, actor: Actor): Promise<Organisation>;
  /** UNKNOWN_ORGANISATION. */
  get(id: string): Promise<Organisation>;
  /** By id: those that the caller may know of, which is its own, or all for a caller of the host. */
  list(caller: Pick<Caller, 'organisation'>, page: PageInput): Promise<Page<Organisation>>;
}
