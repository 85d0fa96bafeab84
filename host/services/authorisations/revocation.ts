import type { Flow } from '../../domain/authorisation.ts';
import type { Actor } from '../../domain/caller.ts';
import { RequestError } from '../../domain/errors.ts';
import type { Log } from '../../log.ts';
import { deleteAuthorisation, getAuthorisation } from '../../store/authorisations.ts';
import { recording } from '../../store/changes.ts';
import type { Database } from '../../store/database.ts';
import { forgetContents } from '../../store/removals.ts';
import type { AuthorisationClient } from './authorisation-client.ts';
import type { Vault } from '../connections/credentials.ts';
import type { Revocation } from './authorisation-view.ts';
import { parseTokens, tokensHome } from './token-keeper.ts';
import { revokeTokens } from './token-revocation.ts';

/** What became of tokens at the source. */
export type SourceRevocation = Revocation['atSource'];

/** Takes access away: at the source as far as it can, and here for certain. */
export interface Revoker {
  /** UNKNOWN_CONNECTION, RUN_IN_PROGRESS. */
  revoke(organisation: string, connection: string, actor: Actor): Promise<Revocation>;
  /** Gets ready to tell the source while the tokens are still here; to be called when they are gone. Never rejects. */
  prepare(organisation: string, connection: string): Promise<() => Promise<SourceRevocation>>;
}

export interface RevokerOptions {
  database: Database;
  vault: Vault;
  log: Log;
  openClient(organisation: string, connection: string, flow: Flow): Promise<AuthorisationClient>;
}

export function createRevoker({ database, vault, log, openClient }: RevokerOptions): Revoker {
  const revoker: Revoker = {
    async prepare(organisation, connection) {
      try {
        const row = await getAuthorisation(database, organisation, connection);
        if (row === undefined) return () => Promise.resolve({ outcome: 'nothing', reason: 'there were no tokens of a source' });
        const tokens = parseTokens(await vault.open(tokensHome(row), row.sealed));
        const client = await openClient(organisation, connection, row.flow);
        return () => tellSource(client, row.flow, tokens);
      } catch (error) {
        log.warn('tokens cannot be revoked at the source', { connection, error });
        const reason = error instanceof RequestError ? error.message : 'the host failed; its log says more';
        return () => Promise.resolve({ outcome: 'failed', reason });
      }
    },

    async revoke(organisation, connection, actor) {
      const tell = await revoker.prepare(organisation, connection);
      const change = { actor, organisation, action: 'connection.revoke', target: `connection/${connection}` } as const;
      const forgotten = await forgetContents(recording(database, change), organisation, connection, Date.now());
      await deleteAuthorisation(database, { organisation, connection });
      return { atSource: await tell(), ...forgotten };
    },
  };
  return revoker;
}

async function tellSource(
  client: AuthorisationClient,
  flow: Flow,
  tokens: { access: string; refresh: string | undefined },
): Promise<SourceRevocation> {
  if (flow === 'installation')
    return { outcome: 'unsupported', reason: 'the token ends by itself within the hour: take the app away there' };
  if (client.server.revocation_endpoint === undefined)
    return { outcome: 'unsupported', reason: 'the source has no address for that: end it there by hand' };
  const reason = await revokeTokens(client, tokens);
  return reason === undefined ? { outcome: 'revoked', reason: undefined } : { outcome: 'failed', reason };
}
