import type { Principal } from '../../domain/document.ts';
import type { Person } from '../../domain/person.ts';
import type { ApiSchemas } from '../../generated/api.ts';
import type { AccessExplanation, ConnectionAccess, ExplainedSet, PersonQuestion } from '../../services/people/people-services.ts';
import { present, toOptionalTimestamp, toTimestamp } from './present.ts';

const MAX_SHOWN_PRINCIPALS = 100;
const HOUR_MS = 3_600_000;

export function toPersonBody({ createdAtMs, updatedAtMs, ...person }: Person): ApiSchemas['Person'] {
  return { ...person, createdAt: toTimestamp(createdAtMs), updatedAt: toTimestamp(updatedAtMs) };
}

export function toPrincipalBody(
  principal: Principal & { connection?: string | undefined; name?: string | undefined },
): ApiSchemas['PersonPrincipal'] {
  const { kind, id, connection, name } = principal;
  return present({ kind, id, connection, name });
}

export function toAccessExplanationBody({ confirmedAtMs, sets, ...explanation }: AccessExplanation): ApiSchemas['AccessExplanation'] {
  return present({ ...explanation, sets: sets.map(toSetBody), confirmedAt: toOptionalTimestamp(confirmedAtMs) });
}

function toSetBody({ satisfied, anyOf, path }: ExplainedSet): ApiSchemas['ExplainedSet'] {
  const more = anyOf.length > MAX_SHOWN_PRINCIPALS ? anyOf.length - MAX_SHOWN_PRINCIPALS : undefined;
  return present({
    satisfied,
    anyOf: anyOf.slice(0, MAX_SHOWN_PRINCIPALS).map(toPrincipalBody),
    more,
    path: path.map(toPrincipalBody),
  });
}

export function toConnectionAccessBody(access: ConnectionAccess): ApiSchemas['ConnectionAccess'] {
  return present({
    documentsReadAt: toOptionalTimestamp(access.readAtMs),
    groupsReadAt: toOptionalTimestamp(access.groupsAtMs),
    groups: access.groups,
    maxAgeHours: access.maxAgeMs / HOUR_MS,
    stale: access.stale,
  });
}

export function toPersonQuestionBody({ atMs, ...question }: PersonQuestion): ApiSchemas['PersonQuestion'] {
  return present({ ...question, at: toTimestamp(atMs) });
}
