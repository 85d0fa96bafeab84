import type { Schemas } from '../../../clients/typescript/client.ts';
import type { AuthorisationService } from '../../services/authorisations/authorisation-service.ts';
import type { Connection, ConnectionCheck, ConnectionService } from '../../services/connections/connection-service.ts';
import type { ConnectionSchedule, KindSchedule, ScheduleService } from '../../services/runs/schedule-service.ts';
import type { Variable, VariableService } from '../../services/connections/variable-service.ts';
import type { Webhook, WebhookService } from '../../services/connections/webhook-service.ts';
import { oneOf, pageQuery, toMs, toPage, type RemoteHost } from './remote-host.ts';

export function remoteConnections({ client, ask }: RemoteHost): Partial<ConnectionService> {
  return {
    create: async (organisation, input) =>
      toConnection(await ask(client.POST('/api/v1/connections', { params: { query: { organisation } }, body: input }))),
    get: async (organisation, id) =>
      toConnection(await ask(client.GET('/api/v1/connections/{id}', { params: { path: { id }, query: { organisation } } }))),
    list: async (organisation, page) =>
      toPage(await ask(client.GET('/api/v1/connections', { params: { query: { organisation, ...pageQuery(page) } } })), toConnection),
    change: async (organisation, id, { ifRevision, ...body }) =>
      toConnection(
        await ask(
          client.PATCH('/api/v1/connections/{id}', { params: { path: { id }, query: { organisation }, ...ifMatch(ifRevision) }, body }),
        ),
      ),
    async remove(organisation, id) {
      await ask(client.DELETE('/api/v1/connections/{id}', { params: { path: { id }, query: { organisation } } }));
    },
    check: async (organisation, id) =>
      toCheck(await ask(client.POST('/api/v1/connections/{id}/check', { params: { path: { id }, query: { organisation } } }))),
  };
}

function ifMatch(revision: number | undefined): { header?: { 'If-Match': string } } {
  return revision === undefined ? {} : { header: { 'If-Match': `"${revision}"` } };
}

function toConnection({ createdAt, updatedAt, revision = 0, ...body }: Schemas['Connection']): Connection {
  return { ...body, revision, createdAtMs: Date.parse(createdAt), updatedAtMs: Date.parse(updatedAt) };
}

function toCheck({ ready, account, problems, failure }: Schemas['ConnectionCheck']): ConnectionCheck {
  return { ready, account, problems, failure: failure === undefined ? undefined : toFailure(failure) };
}

function toFailure({ kind, message, retryAfterMs = 0 }: Schemas['CheckFailure']): NonNullable<ConnectionCheck['failure']> {
  switch (kind) {
    case 'throttled':
      return { kind, message, retryAfterMs };
    case 'invalid-config':
      return { kind, problems: [{ path: '', reason: message, remedy: 'Change the settings of the connection.' }] };
    default:
      return { kind, message };
  }
}

export function remoteAuthorisations({ client, ask }: RemoteHost): Partial<AuthorisationService> {
  return {
    async status(organisation, id) {
      const { state, reason, flows, account, reconnectUrl } = await ask(
        client.GET('/api/v1/connections/{id}/authorisation', { params: oneOf(organisation, id) }),
      );
      return { state, reason, flows, account, reconnectUrl, attempt: undefined };
    },
    async revoke(organisation, id) {
      const { atSource, deleted } = await ask(
        client.POST('/api/v1/connections/{id}/revoke', { params: { path: { id }, query: { organisation } } }),
      );
      return { atSource: { outcome: atSource.outcome, reason: atSource.reason }, ...deleted };
    },
  };
}

export function remoteVariables({ client, ask }: RemoteHost): VariableService {
  return {
    async list(organisation, name) {
      const path = { name };
      if (organisation === undefined)
        return toVariables(await ask(client.GET('/api/v1/datasources/{name}/host-variables', { params: { path } })));
      return toVariables(await ask(client.GET('/api/v1/datasources/{name}/variables', { params: { path, query: { organisation } } })));
    },
    async set(organisation, name, values) {
      const path = { name };
      const body = { values };
      if (organisation === undefined)
        return toVariables(await ask(client.PATCH('/api/v1/datasources/{name}/host-variables', { params: { path }, body })));
      return toVariables(
        await ask(client.PATCH('/api/v1/datasources/{name}/variables', { params: { path, query: { organisation } }, body })),
      );
    },
  };
}

function toVariables({ items }: Schemas['VariableList']): Variable[] {
  return items.map(({ name, description, setFor, updatedAt }) => ({ name, description, setFor, updatedAtMs: toMs(updatedAt) }));
}

export function remoteSchedules({ client, ask }: RemoteHost): ScheduleService {
  return {
    get: async (organisation, id) =>
      toSchedule(await ask(client.GET('/api/v1/connections/{id}/schedule', { params: oneOf(organisation, id) }))),
    change: async (organisation, id, body) =>
      toSchedule(await ask(client.PATCH('/api/v1/connections/{id}/schedule', { params: oneOf(organisation, id), body }))),
    pause: async (organisation, id, reason) =>
      toSchedule(
        await ask(
          client.POST('/api/v1/connections/{id}/pause', { params: oneOf(organisation, id), body: reason === undefined ? {} : { reason } }),
        ),
      ),
    resume: async (organisation, id) =>
      toSchedule(await ask(client.POST('/api/v1/connections/{id}/resume', { params: oneOf(organisation, id) }))),
  };
}

function toSchedule({ paused, content, prune, access, ...body }: Schemas['ConnectionSchedule']): ConnectionSchedule {
  return {
    ...body,
    content: toKind(content),
    prune: toKind(prune),
    access: toKind(access),
    paused: paused === undefined ? undefined : { atMs: Date.parse(paused.at), by: paused.by, cause: paused.cause, reason: paused.reason },
  };
}

function toKind({ dueAt, ...body }: Schemas['KindSchedule']): KindSchedule {
  return { ...body, dueAtMs: toMs(dueAt) };
}

export function remoteWebhooks({ client, ask }: RemoteHost): Partial<WebhookService> {
  return {
    get: async (organisation, id) =>
      toWebhook(await ask(client.GET('/api/v1/connections/{id}/webhook', { params: oneOf(organisation, id) }))),
    async open(organisation, id, secret) {
      const body = secret === undefined ? {} : { secret };
      const opened = await ask(client.POST('/api/v1/connections/{id}/webhook', { params: oneOf(organisation, id), body }));
      return { ...toWebhook(opened.webhook), ...(opened.secret === undefined ? {} : { secret: opened.secret }) };
    },
    close: async (organisation, id) =>
      toWebhook(await ask(client.DELETE('/api/v1/connections/{id}/webhook', { params: oneOf(organisation, id) }))),
  };
}

function toWebhook({ scheme, changedAt, lastReceivedAt, lastReason, ...body }: Schemas['Webhook']): Webhook {
  return { ...body, scheme, changedAtMs: toMs(changedAt), lastReceivedAtMs: toMs(lastReceivedAt), lastReason };
}
