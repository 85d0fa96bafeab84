import type { Schemas } from '../../../clients/typescript/client.ts';
import { toLimitAsks } from '../../domain/manifest-limits.ts';
import type { Manifest } from '../../domain/manifest.ts';
import { parsePublicKey } from '../../domain/signing-key.ts';
import type {
  BelievedKey,
  FolderService,
  FolderSource,
  GrantFor,
  Market,
  MarketService,
  SourceService,
  TakenVersion,
  TrustService,
} from '../../services/sources/source-services.ts';
import { allPages } from '../all-pages.ts';
import { pageQuery, toMs, toPage, type RemoteHost } from './remote-host.ts';

/** Publishing is done where the keys are. */
export function remoteSources({ client, ask }: RemoteHost): Partial<SourceService> {
  const take: SourceService['take'] = async (source) =>
    toTaken(await ask(client.POST('/api/v1/datasource-versions', { body: { source } })));
  const atHand: SourceService['atHand'] = async ({ name, version }) => {
    const query = version === undefined ? {} : { version };
    return toTaken(await ask(client.GET('/api/v1/datasource-versions/{name}', { params: { path: { name }, query } })));
  };
  // With the digest of what was looked at: nothing else is given what was worked out for it.
  const run = async (found: TakenVersion, grantFor: GrantFor): Promise<TakenVersion> => {
    const { name, version } = found.manifest;
    const body = { grant: grantFor(found.asked) as Schemas['GrantInput'], digest: found.digest };
    await ask(client.POST('/api/v1/datasources/{name}/versions/{version}/install', { params: { path: { name, version } }, body }));
    return found;
  };
  return {
    take,
    atHand,
    install: async (source, grantFor, actor) => run(await take(source, actor), grantFor),
    installFound: async (wanted, grantFor) => run(await atHand(wanted), grantFor),
  };
}

export function remoteFolders({ client, ask }: RemoteHost): Partial<FolderService> {
  return {
    list: async () => (await ask(client.GET('/api/v1/source-folders', {}))).items.map(toFolder),
    add: async (folder) => toFolder(await ask(client.POST('/api/v1/source-folders', { body: { folder } }))),
    remove: async (folder) => ask(client.DELETE('/api/v1/source-folders', { params: { query: { folder } } })),
    scan: async (folder) =>
      (await ask(client.POST('/api/v1/source-folders/scan', { body: folder === undefined ? {} : { folder } }))).items.map(toFolder),
  };
}

export function remoteMarkets({ client, ask }: RemoteHost): Partial<MarketService> {
  return {
    list: async () => (await ask(client.GET('/api/v1/markets', {}))).items.map(toMarket),
    add: async (body) => toMarket(await ask(client.POST('/api/v1/markets', { body }))),
    refresh: async (name) => toMarket(await ask(client.POST('/api/v1/markets/{name}/refresh', { params: { path: { name } } }))),
    remove: async (name) => ask(client.DELETE('/api/v1/markets/{name}', { params: { path: { name } } })),
    search: (text) =>
      allPages(async (page) => {
        const query = { ...pageQuery(page), ...(text === '' ? {} : { text }) };
        return toPage(await ask(client.GET('/api/v1/market-offers', { params: { query } })), (offer) => offer);
      }),
  };
}

export function remoteTrust({ client, ask }: RemoteHost): Partial<TrustService> {
  return {
    list: async () => (await ask(client.GET('/api/v1/trusted-keys', {}))).items.map(toBelieved),
    add: async ({ names, ...input }) =>
      toBelieved(await ask(client.POST('/api/v1/trusted-keys', { body: { ...input, names: [...names] } }))),
    remove: async (id) => ask(client.DELETE('/api/v1/trusted-keys/{id}', { params: { path: { id } } })),
    pins: async () => (await ask(client.GET('/api/v1/lock', {}))).datasources,
    async pin(pins) {
      await ask(client.POST('/api/v1/lock', { body: { lockVersion: 1, datasources: [...pins] } }));
    },
    release: async (name, version) => ask(client.DELETE('/api/v1/lock/{name}/{version}', { params: { path: { name, version } } })),
  };
}

function toTaken({ digest, origin, askedGrant, ...body }: Schemas['TakenVersion']): TakenVersion {
  const { name, version, author, description, asks } = body;
  return { manifest: { name, version, author, description, capabilities: toCapabilities(asks) }, asked: askedGrant, digest, origin };
}

/** What a manifest asks for, as the API tells of it. */
export function toCapabilities({ http, storage, limits }: Schemas['Asks']): Manifest['capabilities'] {
  return {
    http: http.map(({ origin, configKey = '', reason }) =>
      origin === undefined ? { kind: 'from-config', configKey, reason } : { kind: 'origin', origin, reason },
    ),
    storage,
    limits: toLimitAsks(Object.fromEntries(limits.map(({ limit, ...ask }) => [limit, ask]))),
  };
}

function toFolder({ folder, scannedAt, problem, files }: Schemas['SourceFolder']): FolderSource {
  return {
    folder,
    nextScanAtMs: 0,
    scannedAtMs: toMs(scannedAt),
    problem,
    files: files.map(({ digest = '', name, version, problem: why, file }) => ({ folder, file, digest, name, version, problem: why })),
  };
}

function toMarket({ expires, refreshedAt, ...market }: Schemas['Market']): Market {
  return { ...market, expiresAtMs: Date.parse(expires), refreshedAtMs: toMs(refreshedAt) };
}

function toBelieved({ publisher, publicKey: text, names, addedAt }: Schemas['TrustedKey']): BelievedKey {
  const publicKey = parsePublicKey(text);
  if (publicKey === undefined) throw new TypeError('a host gives keys as they were given to it');
  return { publisher, publicKey, names, addedAtMs: Date.parse(addedAt) };
}
