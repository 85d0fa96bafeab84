import type { Actor } from '../../domain/caller.ts';
import type { FeatureOverride } from '../../domain/connection.ts';
import type { Failure } from '../../domain/document.ts';
import type { Problem } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { StoredConnection } from '../../store/connections.ts';
import type { Page, PageInput } from '../page.ts';

/** A datasource set up for one organisation. The credential is never shown. */
export type Connection = StoredConnection;

export interface ConnectionInput {
  datasource: string;
  name?: string;
  config?: JsonObject;
  features?: Record<string, FeatureOverride>;
  /** The secret that the broker attaches; write-only. */
  credential?: string;
}

export interface ConnectionCheck {
  ready: boolean;
  account: string | undefined;
  problems: Problem[];
  failure: Failure | undefined;
}

export interface ConnectionService {
  /** UNKNOWN_ORGANISATION, UNKNOWN_DATASOURCE, UNKNOWN_FEATURE, INVALID_CONFIG. */
  create(organisation: string, input: ConnectionInput, actor: Actor): Promise<Connection>;
  /** UNKNOWN_CONNECTION, also when it belongs to another organisation. */
  get(organisation: string, id: string): Promise<Connection>;
  list(organisation: string, page: PageInput): Promise<Page<Connection>>;
  /** UNKNOWN_CONNECTION, UNKNOWN_FEATURE, INVALID_CONFIG. `credential: null` forgets it. CHANGED_MEANWHILE unless it has the revision that is given. */
  change(
    organisation: string,
    id: string,
    input: Partial<Omit<ConnectionInput, 'datasource' | 'credential'>> & { credential?: string | null; ifRevision?: number },
    actor: Actor,
  ): Promise<Connection>;
  /** Removes it with its documents, passages, checkpoints, collections and runs. UNKNOWN_CONNECTION, RUN_IN_PROGRESS. */
  remove(organisation: string, id: string, actor: Actor): Promise<void>;
  /** Asks the datasource, in its sandbox, whether the connection can work. */
  check(organisation: string, id: string): Promise<ConnectionCheck>;
}
