import type { Schemas } from '../../../clients/typescript/client.ts';
import type { RecordedChange } from '../../domain/change.ts';
import type { Person } from '../../domain/person.ts';
import type { ChangeService } from '../../services/record/changes.ts';
import type { ApiKey, KeyService } from '../../services/callers/keys.ts';
import type { Organisation, OrganisationService } from '../../services/people/organisation-service.ts';
import type { AccessService, PeopleService } from '../../services/people/people-services.ts';
import { oneOf, pageQuery, toMs, toPage, type RemoteHost } from './remote-host.ts';

/** As many people as one request may bring. */
const PEOPLE_AT_ONCE = 1_000;

export function remotePeople({ client, ask }: RemoteHost): PeopleService {
  return {
    create: async (organisation, body) => toPerson(await ask(client.POST('/api/v1/people', { params: { query: { organisation } }, body }))),
    get: async (organisation, id) => toPerson(await ask(client.GET('/api/v1/people/{id}', { params: oneOf(organisation, id) }))),
    list: async (organisation, page) =>
      toPage(await ask(client.GET('/api/v1/people', { params: { query: { organisation, ...pageQuery(page) } } })), toPerson),
    change: async (organisation, id, body) =>
      toPerson(await ask(client.PATCH('/api/v1/people/{id}', { params: oneOf(organisation, id), body }))),
    async remove(organisation, id) {
      await ask(client.DELETE('/api/v1/people/{id}', { params: oneOf(organisation, id) }));
    },
    async import(organisation, people) {
      const sum = { created: 0, changed: 0, unchanged: 0 };
      for (let first = 0; first < people.length; first += PEOPLE_AT_ONCE) {
        const body = { people: people.slice(first, first + PEOPLE_AT_ONCE) };
        const part = await ask(client.POST('/api/v1/people/import', { params: { query: { organisation } }, body }));
        sum.created += part.created;
        sum.changed += part.changed;
        sum.unchanged += part.unchanged;
      }
      return sum;
    },
    async principals(organisation, id) {
      const { items } = await ask(client.GET('/api/v1/people/{id}/principals', { params: oneOf(organisation, id) }));
      return items.map(({ kind, id: principal, connection, name }, row) => ({ kind, id: principal, connection, name, row, by: [] }));
    },
    unmapped: async (organisation, page) =>
      toPage(
        await ask(client.GET('/api/v1/unmapped-accounts', { params: { query: { organisation, ...pageQuery(page) } } })),
        ({ email, ...account }) => ({ ...account, email }),
      ),
  };
}

function toPerson({ createdAt, updatedAt, ...body }: Schemas['Person']): Person {
  return { ...body, createdAtMs: Date.parse(createdAt), updatedAtMs: Date.parse(updatedAt) };
}

export function remoteAccess({ client, ask }: RemoteHost): AccessService {
  return {
    async explain(organisation, id, whom) {
      const asked = 'person' in whom ? whom : { principal: `${whom.principal.kind}:${whom.principal.id}` };
      const { sets, confirmedAt, ...body } = await ask(
        client.GET('/api/v1/documents/{id}/access', { params: { path: { id }, query: { organisation, ...asked } } }),
      );
      return {
        ...body,
        confirmedAtMs: toMs(confirmedAt),
        sets: sets.map(({ anyOf, satisfied, path }) => ({ anyOf, satisfied, path: path.map((step) => ({ ...step, name: step.name })) })),
      };
    },
  };
}

export function remoteOrganisations({ client, ask }: RemoteHost): OrganisationService {
  return {
    create: async (body) => toOrganisation(await ask(client.POST('/api/v1/organisations', { body }))),
    get: async (id) => toOrganisation(await ask(client.GET('/api/v1/organisations/{id}', { params: { path: { id } } }))),
    list: async (_caller, page) =>
      toPage(await ask(client.GET('/api/v1/organisations', { params: { query: pageQuery(page) } })), toOrganisation),
  };
}

function toOrganisation({ createdAt, ...body }: Schemas['Organisation']): Organisation {
  return { ...body, createdAtMs: Date.parse(createdAt) };
}

export function remoteKeys({ client, ask }: RemoteHost): Partial<KeyService> {
  return {
    async create({ organisation, name, scopes, expiresAtMs }) {
      const expiry = expiresAtMs === undefined ? {} : { expiresAt: new Date(expiresAtMs).toISOString() };
      const body = { name, scopes: [...scopes], ...expiry, ...(organisation === undefined ? {} : { organisation }) };
      return toMadeKey(await ask(client.POST('/api/v1/keys', { body })));
    },
    list: async (reach, page) =>
      toPage(await ask(client.GET('/api/v1/keys', { params: { query: { ...reachQuery(reach), ...pageQuery(page) } } })), toKey),
    get: async (reach, id) => toKey(await ask(client.GET('/api/v1/keys/{id}', { params: { path: { id }, query: reachQuery(reach) } }))),
    rotate: async (reach, id, overlapMs) =>
      toMadeKey(
        await ask(client.POST('/api/v1/keys/{id}/rotate', { params: { path: { id }, query: reachQuery(reach) }, body: { overlapMs } })),
      ),
    revoke: async (reach, id) =>
      toKey(await ask(client.POST('/api/v1/keys/{id}/revoke', { params: { path: { id }, query: reachQuery(reach) } }))),
  };
}

function reachQuery({ organisation }: { organisation: string | undefined }): { organisation?: string } {
  return organisation === undefined ? {} : { organisation };
}

function toKey({ organisation, createdAt, expiresAt, revokedAt, lastUsedAt, replaces, ...body }: Schemas['Key']): ApiKey {
  return {
    ...body,
    organisation,
    createdAtMs: Date.parse(createdAt),
    expiresAtMs: toMs(expiresAt),
    revokedAtMs: toMs(revokedAt),
    lastUsedAtMs: toMs(lastUsedAt),
    replaces,
  };
}

function toMadeKey({ key, secret }: Schemas['MadeKey']): { key: ApiKey; text: string } {
  return { key: toKey(key), text: secret };
}

export function remoteChanges({ client, ask }: RemoteHost): Partial<ChangeService> {
  return {
    list: async (organisation, page) =>
      toPage(
        await ask(client.GET('/api/v1/changes', { params: { query: { ...reachQuery({ organisation }), ...pageQuery(page) } } })),
        toChange,
      ),
    async *exportLines(organisation) {
      const lines = await ask(client.GET('/api/v1/changes/export', { params: { query: reachQuery({ organisation }) }, parseAs: 'stream' }));
      if (lines !== null) for await (const piece of lines.pipeThrough(new TextDecoderStream())) yield piece;
    },
    async verify(organisation) {
      const verdict = await ask(client.GET('/api/v1/changes/verification', { params: { query: reachQuery({ organisation }) } }));
      return { organisation, entries: verdict.entries, head: verdict.head, brokenAt: verdict.brokenAt };
    },
  };
}

function toChange({ organisation, at, actor, before, after, ...body }: Schemas['Change']): RecordedChange {
  return {
    ...body,
    organisation,
    atMs: Date.parse(at),
    actor: { kind: actor.kind, id: actor.id, requestId: actor.requestId },
    before,
    after,
    entry: '',
  };
}
