import type { Actor } from '../../domain/caller.ts';

/** A value of a manifest's `env_vars` that the operator holds. It is never shown. */
export interface Variable {
  name: string;
  description: string;
  /** For whom the value that counts was set; undefined when there is none. */
  setFor: 'organisation' | 'host' | undefined;
  updatedAtMs: number | undefined;
}

export interface VariableService {
  /** Every variable of the manifest. `organisation` undefined: as all of the host has them. UNKNOWN_DATASOURCE, UNKNOWN_ORGANISATION. */
  list(organisation: string | undefined, datasource: string): Promise<Variable[]>;
  /** Sets values and, with null, forgets them. UNKNOWN_DATASOURCE, UNKNOWN_ORGANISATION, INVALID_REQUEST for an unknown name. */
  set(organisation: string | undefined, datasource: string, values: Record<string, string | null>, actor: Actor): Promise<Variable[]>;
}
