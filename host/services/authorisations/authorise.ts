import { plainText } from '../../capabilities/capability.ts';
import { fillTemplate, type Flow, type Tokens } from '../../domain/authorisation.ts';
import { type Actor, HOST_ITSELF } from '../../domain/caller.ts';
import { isJsonObject } from '../../domain/json.ts';
import { activateAuthorisation, putAuthorisation } from '../../store/authorisations.ts';
import { recording } from '../../store/changes.ts';
import { resumeConnection } from '../../store/connection-work.ts';
import { updateConnection } from '../../store/connections.ts';
import type { Database } from '../../store/database.ts';
import { expecting } from '../../store/expectations.ts';
import type { AuthorisationClient, AuthorisationTarget } from './authorisation-client.ts';
import type { Vault } from '../connections/credentials.ts';
import { tokensHome, tokenTimes } from './token-keeper.ts';
import type { GivenTokens } from './token-outcome.ts';
import { revokeTokens } from './token-revocation.ts';

/** Takes what a source gave: looks whether it is what was asked for, and keeps it. */
export interface Authoriser {
  accept(
    target: AuthorisationTarget,
    client: AuthorisationClient,
    /** `actor` undefined: a browser came back, and `by` is who sent it. `account`: nobody else may have agreed. */
    given: { flow: Flow; given: GivenTokens; by: string; actor: Actor | undefined; account?: string },
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
  async function resume(id: string): Promise<void> {
    await database.write([resumeConnection(id, 'unauthorized')]);
    wake();
  }

  return {
    async accept(target, client, { flow, given, by, actor, account: wanted }) {
      const { organisation, id: connection } = target.connection;
      const unfit = whyUnfit(target, client, given, wanted);
      if (unfit !== undefined) {
        await revokeTokens(client, given);
        return { kind: 'failed', reason: unfit };
      }
      const found = await listChoices(client, given.access);
      if ('reason' in found) return { kind: 'failed', reason: found.reason };
      const { choices } = found;
      const configKey = client.rules.resources?.configKey;
      const [only] = choices.length === 1 ? choices : [];
      const store = actor === undefined ? database : expecting(database, actor);
      if (configKey !== undefined && only !== undefined) await setChoice(store, target, configKey, only.id);
      const scopes = given.scopes ?? client.scopes;
      const recorded = recording(database, {
        actor: actor ?? HOST_ITSELF,
        organisation,
        action: 'authorisation.grant',
        target: `connection/${connection}`,
        after: { flow, by, account: given.account ?? only?.label ?? null, scopes },
      });
      const open = choices.length > 1;
      const tokens: Tokens = { access: given.access, refresh: given.refresh, previousRefresh: undefined };
      const kept = await putAuthorisation(recorded, {
        organisation,
        connection,
        flow,
        pausedFor: open ? 'It is not chosen yet what it is for.' : undefined,
        account: given.account ?? only?.label,
        scopes,
        by,
        sealed: await vault.seal(tokensHome({ organisation, connection }), JSON.stringify(tokens)),
        ...tokenTimes(given.lifetimeMs, Date.now()),
      });
      if (!kept) return { kind: 'failed', reason: 'the connection has been removed meanwhile' };
      if (open) return { kind: 'choosing', choices };
      await resume(connection);
      return { kind: 'done' };
    },

    async choose(target, choice, actor) {
      const { organisation, id: connection } = target.connection;
      const configKey = target.datasource.manifest.auth.oauth?.resources?.configKey;
      const change = {
        actor,
        organisation,
        action: 'authorisation.choose',
        target: `connection/${connection}`,
        after: { choice },
      } as const;
      const recorded = recording(database, change);
      if (configKey !== undefined) await setChoice(recorded, target, configKey, choice);
      await activateAuthorisation(recorded, { organisation, connection });
      await resume(connection);
    },
  };
}

async function setChoice(store: Database, { connection }: AuthorisationTarget, configKey: string, choice: string): Promise<void> {
  const { organisation, id, config } = connection;
  await updateConnection(store, organisation, id, { config: { ...config, [configKey]: choice }, nowMs: Date.now() });
}

/** Undefined when what came is what was asked for. */
function whyUnfit(
  target: AuthorisationTarget,
  client: AuthorisationClient,
  given: GivenTokens,
  wanted: string | undefined,
): string | undefined {
  const missing = missingScopes(target, client, given);
  if (missing.length > 0) return `the source did not grant ${missing.join(', ')}: authorise again and agree to all of it`;
  if (wanted === undefined || given.account === undefined || given.account === wanted) return undefined;
  return `the link was for ${wanted}, and ${given.account} agreed: an operator may authorise another account`;
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
