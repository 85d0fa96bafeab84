import { ulid } from 'ulid';
import type { Actor } from '../../domain/caller.ts';
import type { Connection, FeatureOverride } from '../../domain/connection.ts';
import type { Failure } from '../../domain/document.ts';
import { RequestError } from '../../domain/errors.ts';
import type { LoggedThing } from '../../domain/expectation.ts';
import type { JsonObject } from '../../domain/json.ts';
import { checkSettings } from '../../domain/settings.ts';
import type { Manifest } from '../../domain/manifest.ts';
import { ContractError } from '../../indexing/contract-fields.ts';
import { toCheckReport, toProblems } from '../../indexing/validate.ts';
import { viewConnection, insertConnection, listConnections, updateConnection } from '../../store/connections.ts';
import { deleteAuthorisation } from '../../store/authorisations.ts';
import type { Operation } from '../../store/database.ts';
import { guardNoPurge, isPurging, wantPurge } from '../../store/feature-purges.ts';
import { resumeConnection } from '../../store/connection-work.ts';
import { recording } from '../../store/changes.ts';
import { removeConnection } from '../../store/removals.ts';
import { type CallTargets, unknownConnection } from './call-targets.ts';
import type { Vault } from './credentials.ts';
import { DatasourceSession, type SessionOptions } from './datasource-session.ts';
import { refuseUnmetOverrides } from '../registry/feature-rules.ts';
import { checkFeatureConfig, invalidConfig, knownFeature, stillPurging } from '../registry/flags.ts';
import type { RunnableDatasource } from '../registry/components.ts';
import type { DatasourceRegistry } from '../registry/registry.ts';
import type { Revoker } from '../authorisations/revocation.ts';
import type { CallResult } from './sandboxed-call.ts';
import type { ConnectionCheck, ConnectionService } from './connection-service.ts';
import type { OrganisationService } from '../people/organisation-service.ts';

export interface ConnectionOptions extends SessionOptions {
  organisations: OrganisationService;
  registry: DatasourceRegistry;
  vault: Vault;
  targets: CallTargets;
  revoker: Pick<Revoker, 'prepare'>;
}

/** A connection may be set up before its host is reachable, so `validate-config` gets a moment and no longer. */
const VALIDATE_TIMEOUT_MS = 15_000;
const CHECK_TIMEOUT_MS = 60_000;

export function createConnections(options: ConnectionOptions): ConnectionService {
  const { database, organisations, registry, vault } = options;

  /** INVALID_CONFIG, UNKNOWN_FEATURE, FEATURE_DEPENDENCY. Gives the config with the schema's defaults in it. */
  async function checked(datasource: RunnableDatasource, connection: Connection, before: Connection['features'] = {}): Promise<JsonObject> {
    const { manifest } = datasource;
    for (const [name, override] of Object.entries(connection.features)) checkOverride(manifest, name, override);
    refuseUnmetOverrides(datasource, before, connection.features);
    const verdict = checkSettings(manifest.configSchema, connection.config);
    if (!verdict.ok) throw invalidConfig('of the connection', verdict.problems, '/config');
    await askDatasource(options, datasource, { ...connection, config: verdict.settings });
    return verdict.settings;
  }

  /** Whoever sets a credential by hand means it: tokens end, and what waited for one goes on. */
  async function takeInsteadOfTokens(organisation: string, connection: string): Promise<void> {
    const revoke = await options.revoker.prepare(organisation, connection);
    await deleteAuthorisation(database, { organisation, connection });
    await database.write([resumeConnection(connection, 'unauthorized')]);
    const { outcome, reason } = await revoke();
    if (outcome === 'failed') options.log.warn('the source may still take the tokens that were replaced', { connection, reason });
  }

  const service: ConnectionService = {
    async create(organisation, input, actor) {
      await organisations.get(organisation);
      const datasource = await registry.runnable(input.datasource);
      const id = ulid();
      const draft = {
        id,
        organisation,
        datasource: input.datasource,
        name: input.name ?? input.datasource,
        config: input.config ?? {},
        features: input.features ?? {},
      };
      const config = await checked(datasource, draft);
      const sealedCredential =
        input.credential === undefined ? undefined : await vault.seal({ organisation, connection: id }, input.credential);
      const made = { ...settingsOf(draft), hasCredential: sealedCredential !== undefined };
      const record = { actor, organisation, action: 'connection.create', target: `connection/${id}`, after: made } as const;
      await insertConnection(recording(database, record), { ...draft, config, sealedCredential, nowMs: Date.now() });
      return service.get(organisation, id);
    },

    async get(organisation, id) {
      await organisations.get(organisation);
      const found = await viewConnection(database, organisation, id);
      if (found === undefined) throw unknownConnection(id);
      return found;
    },

    async list(organisation, page) {
      await organisations.get(organisation);
      return listConnections(database, organisation, page);
    },

    async change(organisation, id, input, actor) {
      const before = await service.get(organisation, id);
      const after = { ...before, config: input.config ?? before.config, features: input.features ?? before.features };
      const config =
        input.config === undefined && input.features === undefined
          ? before.config
          : await checked(await registry.runnable(before.datasource), after, before.features);
      const { name, features, credential } = input;
      const record = {
        actor: expectingState(actor, { organisation, target: `connection/${id}` }, input.ifRevision),
        organisation,
        action: 'connection.change',
        target: `connection/${id}`,
        before: { ...settingsOf(before), hasCredential: before.hasCredential },
        after: {
          ...settingsOf({ ...after, config, name: name ?? before.name }),
          hasCredential: credential === undefined ? before.hasCredential : credential !== null,
          ...(credential === undefined ? {} : { credentialReplaced: true }),
        },
      } as const;
      const store = recording(database, record);
      const alongside = purgesBetween(id, before.features, after.features);
      const change = {
        config,
        ...(name === undefined ? {} : { name }),
        ...(features === undefined ? {} : { features }),
        ...(credential === undefined
          ? {}
          : { sealedCredential: credential === null ? null : await vault.seal({ organisation, connection: id }, credential) }),
        nowMs: Date.now(),
      };
      const changed = await unlessPurging(() => updateConnection(store, organisation, id, change, alongside));
      if (!changed) throw unknownConnection(id);
      if (typeof credential === 'string') await takeInsteadOfTokens(organisation, id);
      return service.get(organisation, id);
    },

    async remove(organisation, id, actor) {
      const before = await service.get(organisation, id);
      const record = { actor, organisation, action: 'connection.remove', target: `connection/${id}`, before: settingsOf(before) } as const;
      const store = recording(database, record);
      const revoke = await options.revoker.prepare(organisation, id);
      await removeConnection(store, organisation, id, Date.now());
      const { outcome, reason } = await revoke();
      if (outcome === 'failed')
        options.log.warn('the source may still take the tokens of a removed connection', { connection: id, reason });
    },

    async check(organisation, id) {
      await organisations.get(organisation);
      const target = await options.targets.load(organisation, id);
      const result = await withSession(options, (session) => session.call(target, 'check', [], AbortSignal.timeout(CHECK_TIMEOUT_MS)));
      return toCheck(result);
    },
  };
  return service;
}

/** What a caller has read of the connection itself counts where its request says nothing of that. */
function expectingState(actor: Actor, thing: LoggedThing, state: number | undefined): Actor {
  if (state === undefined || actor.expects?.state !== undefined) return actor;
  return { ...actor, expects: { thing, state, made: undefined } };
}

/** What people set, without the credential. */
function settingsOf({ datasource, name, config, features }: Connection): object {
  return { datasource, name, config, features };
}

function purges(override: FeatureOverride | undefined): boolean {
  return override?.enabled === false && override.documents === 'purge';
}

/** What a change of the features means for documents: some are purged from now on, others must not be any more. */
function purgesBetween(id: string, before: Connection['features'], after: Connection['features']): Operation[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.flatMap((name) => {
    const [was, is] = [before[name], after[name]];
    if (purges(is)) return purges(was) ? [] : [wantPurge(id, name, Date.now())];
    return was?.enabled === false && is?.enabled !== false ? [guardNoPurge(id, name)] : [];
  });
}

/** CONFLICT. */
async function unlessPurging<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isPurging(error) ? stillPurging('a feature that is switched on', error) : error;
  }
}

function checkOverride(manifest: Manifest, name: string, override: FeatureOverride): void {
  const feature = knownFeature(manifest, name);
  if (override.documents !== undefined && override.enabled !== false) {
    const reason = 'What becomes of documents can be said of a feature that is off only.';
    const remedy = 'Leave it out, or set `enabled` to false.';
    throw new RequestError('INVALID_CONFIG', reason, { remedy, problems: [{ path: `/features/${name}/documents`, reason, remedy }] });
  }
  if (override.config !== undefined) checkFeatureConfig(feature, override.config, `/features/${name}/config`);
}

/** Has the datasource look for mistakes that a schema cannot find. INVALID_CONFIG, DATASOURCE_FAULT. */
async function askDatasource(options: ConnectionOptions, datasource: RunnableDatasource, connection: Connection): Promise<void> {
  const result = await withSession(options, (session) =>
    session.call({ connection, datasource, secret: undefined }, 'validate-config', [], AbortSignal.timeout(VALIDATE_TIMEOUT_MS)),
  );
  if (!result.ok) {
    if (result.failure?.kind === 'unsupported') return;
    if (result.failure?.kind === 'invalid-config') throw invalidConfig('of the connection', result.failure.problems, '/config');
    throw new RequestError(
      'DATASOURCE_FAULT',
      `The datasource ${datasource.name} could not check the config: ${describeFailure(result.failure)}.`,
      {
        remedy: 'Tell its author, or install another version.',
      },
    );
  }
  const problems = toProblems(result.value);
  if (problems.length > 0) throw invalidConfig('of the connection', problems, '/config');
}

async function withSession<T>(options: SessionOptions, work: (session: DatasourceSession) => Promise<T>): Promise<T> {
  const session = new DatasourceSession(options);
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

function toCheck(result: CallResult): ConnectionCheck {
  if (!result.ok) {
    const failure: Failure = result.failure ?? { kind: 'unavailable', message: `no answer within ${CHECK_TIMEOUT_MS} ms` };
    return { ready: false, account: undefined, problems: failure.kind === 'invalid-config' ? failure.problems : [], failure };
  }
  try {
    const { account, problems } = toCheckReport(result.value);
    return { ready: problems.length === 0, account, problems, failure: undefined };
  } catch (error) {
    if (!(error instanceof ContractError)) throw error;
    return { ready: false, account: undefined, problems: [], failure: { kind: 'failed', message: error.message } };
  }
}

/** One line for people. */
export function describeFailure(failure: Failure | undefined): string {
  if (failure === undefined) return 'it was cancelled';
  if (failure.kind === 'invalid-config') return failure.problems.map((problem) => `${problem.path}: ${problem.reason}`).join('; ');
  return `${failure.kind}: ${failure.message}`;
}
