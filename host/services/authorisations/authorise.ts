import { plainText } from '../../capabilities/capability.ts';
import { fillTemplate, type Flow, type Tokens } from '../../domain/authorisation.ts';
import { type Actor, HOST_ITSELF } from '../../domain/caller.ts';
import { isJsonObject } from '../../domain/json.ts';
import { activateAuthorisation, putAuthorisation } from '../../store/authorisations.ts';
import { recordChange } from '../../store/changes.ts';
import { resumeConnection } from '../../store/connection-work.ts';
import { updateConnection } from '../../store/connections.ts';
import type { Database } from '../../store/database.ts';
import type { AuthorisationClient, AuthorisationTarget } from './authorisation-client.ts';
import type { Vault } from '../connections/credentials.ts';
import { tokensHome, tokenTimes } from './token-keeper.ts';
import { revokeToken, type GivenTokens } from './token-requests.ts';

/** Takes what a source gave: looks whether it is what was asked for, and keeps it. */
export interface Authoriser {
  accept(
    target: AuthorisationTarget,
    client: AuthorisationClient,
    /** `actor` undefined: a browser came back, and `by` is who sent it. */
    given: { flow: Flow; given: GivenTokens; by: string; actor: Actor | undefined },
  ): Promise<AuthorisationEnd>;
  /** What the token is for, of several. */
  choose(target: AuthorisationTarget, choice: string, actor: Actor): Promise<void>;
}

export type AuthorisationEnd =
  | { kind: 'done' }
  | { kind: 'choosing'; choices: { id: string; label: string }[] }
  /** Nothing is kept. */
  | { kind: 'failed'; reason: string };

/** More than a person could choose from. */
const MAX_CHOICES = 200;

export function createAuthoriser({ database, vault, wake }: { database: Database; vault: Vault; wake(): void }): Authoriser {
  async function setChoice({ connection }: AuthorisationTarget, configKey: string, choice: string): Promise<void> {
    const { organisation, id, config } = connection;
    await updateConnection(database, organisation, id, { config: { ...config, [configKey]: choice }, nowMs: Date.now() });
  }

  async function resume(id: string): Promise<void> {
    await database.write([resumeConnection(id, 'unauthorized')]);
    wake();
  }

  return {
    async accept(target, client, { flow, given, by, actor }) {
      const { organisation, id: connection } = target.connection;
      const missing = missingScopes(target, client, given);
      if (missing.length > 0) {
        await revokeToken(client, given.refresh ?? given.access, given.refresh === undefined ? 'access_token' : 'refresh_token');
        return { kind: 'failed', reason: `the source did not grant ${missing.join(', ')}: authorise again and agree to all of it` };
      }
      const found = await listChoices(client, given.access);
      if ('reason' in found) return { kind: 'failed', reason: found.reason };
      const { choices } = found;
      const configKey = client.rules.resources?.configKey;
      const [only] = choices.length === 1 ? choices : [];
      if (configKey !== undefined && only !== undefined) await setChoice(target, configKey, only.id);
      const open = choices.length > 1;
      const tokens: Tokens = { access: given.access, refresh: given.refresh, previousRefresh: undefined };
      const kept = await putAuthorisation(database, {
        organisation,
        connection,
        flow,
        pausedFor: open ? 'It is not chosen yet what it is for.' : undefined,
        account: given.account ?? only?.label,
        scopes: given.scopes ?? client.scopes,
        by,
        sealed: await vault.seal(tokensHome({ organisation, connection }), JSON.stringify(tokens)),
        ...tokenTimes(given.lifetimeMs, Date.now()),
      });
      if (!kept) return { kind: 'failed', reason: 'the connection has been removed meanwhile' };
      const after = { flow, by, account: given.account ?? only?.label ?? null, scopes: given.scopes ?? client.scopes };
      await recordChange(database, {
        actor: actor ?? HOST_ITSELF,
        organisation,
        action: 'authorisation.grant',
        target: `connection/${connection}`,
        after,
      });
      if (open) return { kind: 'choosing', choices };
      await resume(connection);
      return { kind: 'done' };
    },

    async choose(target, choice, actor) {
      const { organisation, id: connection } = target.connection;
      const configKey = target.datasource.manifest.auth.oauth?.resources?.configKey;
      if (configKey !== undefined) await setChoice(target, configKey, choice);
      await activateAuthorisation(database, { organisation, connection });
      await recordChange(database, {
        actor,
        organisation,
        action: 'authorisation.choose',
        target: `connection/${connection}`,
        after: { choice },
      });
      await resume(connection);
    },
  };
}

/** A person may have unticked some. Those of `extraScopes` are of the protocol and are not always named again. */
function missingScopes({ datasource }: AuthorisationTarget, { rules }: AuthorisationClient, { scopes }: GivenTokens): string[] {
  if (!rules.checkScopes || scopes === undefined) return [];
  return datasource.manifest.auth.requiredScopes.filter((scope) => !scopes.includes(scope));
}

/** None when the datasource has nothing to choose. */
async function listChoices(
  client: AuthorisationClient,
  token: string,
): Promise<{ choices: { id: string; label: string }[] } | { reason: string }> {
  const { resources } = client.rules;
  if (resources === undefined) return { choices: [] };
  const endpoint = fillTemplate(resources.endpoint, client.config);
  try {
    const response = await client.fetch(endpoint, {
      method: 'GET',
      headers: { accept: 'application/json', authorization: `Bearer ${token}` },
    });
    const body: unknown = response.ok ? await response.json() : undefined;
    if (!Array.isArray(body)) return { reason: `the source does not say what the token is for (${response.status})` };
    const choices = body.slice(0, MAX_CHOICES).flatMap((item: unknown) => {
      const id = isJsonObject(item) ? item[resources.id] : undefined;
      const label = isJsonObject(item) ? item[resources.label] : undefined;
      return typeof id === 'string' && id !== '' ? [{ id: plainText(id, 200), label: plainText(label ?? id, 200) }] : [];
    });
    return choices.length === 0 ? { reason: 'the token is good for nothing at the source: nobody gave it a site' } : { choices };
  } catch (error) {
    if (error instanceof Error && error.name.startsWith('Authorisation')) return { reason: error.message };
    return { reason: 'the source does not say in JSON what the token is for' };
  }
}
