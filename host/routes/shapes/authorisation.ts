import type { ApiSchemas } from '../../generated/api.ts';
import type { Attempt, AuthorisationStatus, Revocation } from '../../services/authorisations/authorisation-view.ts';
import type { Variable } from '../../services/connections/variable-service.ts';
import { present, toOptionalTimestamp, toTimestamp } from './present.ts';

export function toAuthorisationBody(
  home: { organisation: string; connection: string },
  status: AuthorisationStatus,
  begun?: Attempt,
): ApiSchemas['Authorisation'] {
  const attempt = begun ?? status.attempt;
  return present({
    state: status.state,
    reason: status.reason,
    flow: status.flow,
    flows: status.flows,
    account: status.account,
    scopes: status.scopes,
    authorisedAt: toOptionalTimestamp(status.authorisedAtMs),
    expiresAt: toOptionalTimestamp(status.expiresAtMs),
    refreshDueAt: toOptionalTimestamp(status.refreshDueMs),
    attempt: attempt === undefined ? undefined : toAttemptBody(attempt),
    reconnectUrl: status.reconnectUrl,
    reconnect: `/api/v1/connections/${home.connection}/authorisation?organisation=${home.organisation}`,
  });
}

function toAttemptBody(attempt: Attempt): ApiSchemas['AuthorisationAttempt'] {
  const { id, flow, state, reason, authorizationUrl, verificationUri, verificationUriComplete, userCode, choices } = attempt;
  return present({
    id,
    flow,
    state,
    reason,
    authorizationUrl,
    verificationUri,
    verificationUriComplete,
    userCode,
    choices: choices.length === 0 ? undefined : choices,
    createdAt: toTimestamp(attempt.createdAtMs),
    expiresAt: toTimestamp(attempt.expiresAtMs),
  });
}

export function toRevocationBody({ atSource, documents, passages, accessEntries }: Revocation): ApiSchemas['Revocation'] {
  return { atSource: present({ outcome: atSource.outcome, reason: atSource.reason }), deleted: { documents, passages, accessEntries } };
}

export function toVariableListBody(variables: readonly Variable[]): ApiSchemas['VariableList'] {
  return {
    items: variables.map(({ name, description, setFor, updatedAtMs }) =>
      present({ name, description, set: setFor !== undefined, setFor, updatedAt: toOptionalTimestamp(updatedAtMs) }),
    ),
  };
}
