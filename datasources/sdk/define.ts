import type * as WitSource from 'lorelai:datasource/source@1.0.0';
import type { Context as WitContext } from 'lorelai:datasource/types@1.0.0';
import { fromUtf8 } from './bytes.ts';
import { toFields } from './check-value.ts';
import { setNow } from './clock.ts';
import type { Connection, DatasourceDefinition, DatasourceManifest, Delivery, FeatureName, ManifestTypes, Settings } from './datasource.ts';
import { Failure, failed, unsupported, type FailureCase } from './failure.ts';
import type { InQuickJs } from './quickjs.ts';
import { readHeader } from './response.ts';
import { decodeState, toBatch, toCheckReport, toGroupPage, toHits, toIdPage, toProblems, toReceived } from './wire.ts';

type Context = InQuickJs<WitContext>;
type Checkpoint = Uint8Array | null | undefined;

/** What a component exports as `source`: the contract's functions. Each throws nothing but a failure of the contract. */
export interface Source {
  describe(): InQuickJs<WitSource.Description>;
  validateConfig(context: Context): InQuickJs<WitSource.Problem>[];
  check(context: Context): InQuickJs<WitSource.CheckReport>;
  read(context: Context, feature: string, after: Checkpoint): InQuickJs<WitSource.Batch>;
  listIds(context: Context, feature: string, after: Checkpoint): InQuickJs<WitSource.IdPage>;
  listGroups(context: Context, after: Checkpoint): InQuickJs<WitSource.GroupPage>;
  search(context: Context, query: InQuickJs<WitSource.Query>): InQuickJs<WitSource.Hit>[];
  receive(context: Context, delivery: InQuickJs<WitSource.Delivery>): InQuickJs<WitSource.Received>[];
}

/**
 * Makes a datasource of an author's functions: `export const source = defineDatasource(manifest, { … })`.
 *
 * Whatever the functions throw becomes a failure that the host understands, whatever they return is checked
 * and named when it is wrong, and functions that are left out answer `unsupported`.
 */
export function defineDatasource<Types extends ManifestTypes>(
  manifest: DatasourceManifest<Types>,
  definition: DatasourceDefinition<DatasourceManifest<Types>>,
): Source {
  type M = DatasourceManifest<Types>;
  const isFeature = (name: string): name is FeatureName<M> => Object.hasOwn(definition.features, name);
  const toFeatureName = (name: string): FeatureName<M> => {
    if (!isFeature(name)) throw failed(`There is no feature "${name}".`);
    return name;
  };
  const call = <T>(name: string, context: Context, act: (connection: Connection<M>, at: string) => T): T =>
    withFailures(name, () => {
      setNow(Number(context.nowMs));
      return act(toConnection<M>(context), `${name} returned`);
    });
  return {
    describe: () => describe(manifest),
    validateConfig: (context) =>
      call('validateConfig', context, (connection, at) => toProblems(definition.validateConfig?.(connection) ?? [], at)),
    check: (context) => call('check', context, (connection, at) => toCheckReport(definition.check(connection), at)),
    read: (context, name, after) =>
      call(`read of "${name}"`, context, (connection, at) => {
        const key = toFeatureName(name);
        return toBatch(definition.features[key].read(connection, settingsOf(connection, key), decodeState(after)), at);
      }),
    listIds: (context, name, after) =>
      call(`listIds of "${name}"`, context, (connection, at) => {
        const key = toFeatureName(name);
        const feature = definition.features[key];
        if (feature.listIds === undefined) throw unsupported();
        return toIdPage(feature.listIds(connection, settingsOf(connection, key), decodeState(after)), at);
      }),
    listGroups: (context, after) =>
      call('listGroups', context, (connection, at) => {
        if (definition.listGroups === undefined) throw unsupported();
        return toGroupPage(definition.listGroups(connection, decodeState(after)), at);
      }),
    search: (context, query) =>
      call('search', context, (connection, at) => {
        if (definition.search === undefined) throw unsupported();
        return toHits(definition.search(connection, query), at);
      }),
    receive: (context, delivery) =>
      call('receive', context, (connection, at) => {
        if (definition.receive === undefined) throw unsupported();
        return toReceived(definition.receive(connection, toDelivery(delivery)), at);
      }),
  };
}

function describe(manifest: DatasourceManifest): InQuickJs<WitSource.Description> {
  return {
    name: manifest.name,
    version: manifest.version,
    features: manifest.features.map(({ name, description }) => ({ name, description })),
    configSchema: JSON.stringify(manifest.configSchema),
  };
}

function toConnection<M>(context: Context): Connection<M> {
  const features = context.features.map(({ name, enabled, config }) => [name, { enabled, settings: parseSettings(config) }]);
  const connection: unknown = {
    id: context.connectionId,
    config: parseSettings(context.config),
    features: Object.fromEntries(features),
    nowMs: Number(context.nowMs),
    deadlineMs: Number(context.deadlineMs),
  };
  // The host has checked both against the manifest's schemas, from which the types are made.
  return connection as Connection<M>;
}

function parseSettings(text: string): object {
  return toFields(JSON.parse(text), 'The settings that the host sent');
}

function settingsOf<M, Name extends FeatureName<M>>(connection: Connection<M>, name: Name): Settings<M, Name> {
  const { [name]: feature } = connection.features;
  if (feature === undefined) throw failed(`The host sent no settings for feature "${name}".`);
  return feature.settings;
}

function toDelivery(delivery: InQuickJs<WitSource.Delivery>): Delivery {
  const text = () => fromUtf8(delivery.body);
  return {
    id: delivery.id,
    headers: { get: (name) => readHeader(delivery.headers, name) },
    bytes: () => delivery.body,
    text,
    json: <T>(): T => JSON.parse(text()),
  };
}

/** Anything thrown but a failure of the contract would end the instance. */
function withFailures<T>(name: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw toFailureCase(error, name);
  }
}

function toFailureCase(error: unknown, name: string): FailureCase {
  if (error instanceof Failure) return error.failure;
  if (!(error instanceof Error)) return { tag: 'failed', val: `${name} threw ${String(error)}` };
  const where = error.stack
    ?.split('\n')
    .find((line) => line.trim() !== '' && !line.includes(error.message))
    ?.trim();
  return { tag: 'failed', val: `${name} threw ${error.name}: ${error.message}${where === undefined ? '' : ` (${where})`}` };
}
