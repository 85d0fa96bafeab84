import type { ApiSchemas } from '../../generated/api.ts';
import type { Connection, ConnectionCheck } from '../../services/connections/connection-service.ts';
import { present, toTimestamp } from './present.ts';

/** Names each field: what a service may add one day is not shown by accident. */
export function toConnectionBody(connection: Connection): ApiSchemas['Connection'] {
  const { id, organisation, datasource, name, config, features, hasCredential, documents, passages, metrics, revision } = connection;
  return {
    id,
    organisation,
    datasource,
    name,
    config,
    features,
    hasCredential,
    documents,
    passages,
    metrics,
    createdAt: toTimestamp(connection.createdAtMs),
    updatedAt: toTimestamp(connection.updatedAtMs),
    revision,
  };
}

export function toConnectionCheckBody({ ready, account, problems, failure }: ConnectionCheck): ApiSchemas['ConnectionCheck'] {
  return present({
    ready,
    account,
    problems: problems.map(({ path, reason, remedy }) => ({ path, reason, remedy })),
    failure: failure === undefined ? undefined : toFailureBody(failure),
  });
}

function toFailureBody(failure: NonNullable<ConnectionCheck['failure']>): ApiSchemas['CheckFailure'] {
  switch (failure.kind) {
    case 'invalid-config':
      return { kind: failure.kind, message: failure.problems.map(({ path, reason }) => `${path}: ${reason}`).join(' ') };
    case 'throttled':
      return { kind: failure.kind, message: failure.message, retryAfterMs: failure.retryAfterMs };
    default:
      return { kind: failure.kind, message: failure.message };
  }
}
