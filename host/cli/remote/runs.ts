import type { Schemas } from '../../../clients/typescript/client.ts';
import type { AuditEvent } from '../../domain/audit.ts';
import type { AuditService } from '../../services/record/record-services.ts';
import type { FailedItem, RunService } from '../../services/runs/run-service.ts';
import type { RetrievalInput, RetrievalService } from '../../services/retrieval/retrieval-service.ts';
import type { Run } from '../../services/runs/run-view.ts';
import { present } from '../../routes/shapes/present.ts';
import { oneOf, pageQuery, toMs, toPage, type RemoteHost } from './remote-host.ts';

export function remoteRuns({ client, ask }: RemoteHost): Partial<RunService> {
  return {
    start: async (organisation, id, body) =>
      toRun(await ask(client.POST('/api/v1/connections/{id}/runs', { params: oneOf(organisation, id), body }))),
    get: async (organisation, id) => toRun(await ask(client.GET('/api/v1/runs/{id}', { params: oneOf(organisation, id) }))),
    list: async (organisation, filter, page) =>
      toPage(await ask(client.GET('/api/v1/runs', { params: { query: { organisation, ...filter, ...pageQuery(page) } } })), toRun),
    cancel: async (organisation, id) => toRun(await ask(client.POST('/api/v1/runs/{id}/cancel', { params: oneOf(organisation, id) }))),
    approve: async (organisation, id) => toRun(await ask(client.POST('/api/v1/runs/{id}/approve', { params: oneOf(organisation, id) }))),
    dismiss: async (organisation, id) => toRun(await ask(client.POST('/api/v1/runs/{id}/dismiss', { params: oneOf(organisation, id) }))),
    held: async (organisation, id, page) =>
      toPage(
        await ask(client.GET('/api/v1/runs/{id}/held', { params: { path: { id }, query: { organisation, ...pageQuery(page) } } })),
        (held) => held,
      ),
    failedItems: async (organisation, id, page) =>
      toPage(
        await ask(
          client.GET('/api/v1/connections/{id}/failed-items', { params: { path: { id }, query: { organisation, ...pageQuery(page) } } }),
        ),
        toFailedItem,
      ),
    retryFailed: async (organisation, id) =>
      toRun(await ask(client.POST('/api/v1/connections/{id}/failed-items/retry', { params: oneOf(organisation, id) }))),
    // The host works by itself.
    work: async () => undefined,
  };
}

function toRun({ progress, features, reason, wakeAt, createdAt, startedAt, finishedAt, ...body }: Schemas['Run']): Run {
  // So that the rate of the host is the rate that is shown.
  const { seen, itemsPerSecond } = progress;
  return {
    ...body,
    reason,
    features: features.map((feature) => ({ ...feature, reason: feature.reason, expected: feature.expected })),
    workedMs: itemsPerSecond === undefined || itemsPerSecond === 0 ? 0 : (seen / itemsPerSecond) * 1_000,
    workedSinceMs: undefined,
    wakeAtMs: toMs(wakeAt),
    createdAtMs: Date.parse(createdAt),
    startedAtMs: toMs(startedAt),
    finishedAtMs: toMs(finishedAt),
  };
}

function toFailedItem({ item, firstAt, lastAt, ...body }: Schemas['FailedItem']): FailedItem {
  return { ...body, path: item, firstAtMs: Date.parse(firstAt), lastAtMs: Date.parse(lastAt) };
}

export function remoteAudit({ client, ask }: RemoteHost): AuditService {
  return {
    list: async (organisation, id, filter, page) =>
      toPage(
        await ask(
          client.GET('/api/v1/connections/{id}/audit', {
            params: { path: { id }, query: { organisation, ...filter, ...pageQuery(page) } },
          }),
        ),
        toEvent,
      ),
  };
}

function toEvent({ at, request, cause, reason, grant, missing, ...body }: Schemas['AuditEvent']): AuditEvent {
  return { ...body, atMs: Date.parse(at), home: undefined, request, cause, reason, grant, missing };
}

export function remoteRetrieval({ client, ask }: RemoteHost): RetrievalService {
  return {
    async retrieve(input) {
      const { hits, ...found } = await ask(client.POST('/api/v1/retrieve', { body: toQuestion(input) }));
      return {
        ...found,
        hits: hits.map(({ createdAt, updatedAt, ...hit }) => ({
          ...hit,
          feature: hit.feature,
          author: hit.author,
          highlights: hit.highlights.map(([start = 0, end = 0]): [number, number] => [start, end]),
          explanation: undefined,
          createdAtMs: toMs(createdAt),
          updatedAtMs: toMs(updatedAt),
        })),
      };
    },
  };
}

/** What commands ask for. */
function toQuestion({ organisation, question, k, datasources, features, connections, asker }: RetrievalInput): Schemas['RetrievalInput'] {
  return present({ organisation, question, k, datasources, features, connections, person: asker?.person });
}
