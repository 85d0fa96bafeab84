import type { ChainVerdict, RecordedChange } from '../../domain/change.ts';
import type { ApiSchemas } from '../../generated/api.ts';
import { present, toTimestamp } from './present.ts';

export function toChangeBody(change: RecordedChange): ApiSchemas['Change'] {
  const { organisation, sequence, action, target, before, after, previous, hash } = change;
  const actor = present({ kind: change.actor.kind, id: change.actor.id, requestId: change.actor.requestId });
  return present({ organisation, sequence, at: toTimestamp(change.atMs), actor, action, target, before, after, previous, hash });
}

export function toChainVerdictBody({ organisation, entries, head, brokenAt }: ChainVerdict): ApiSchemas['ChainVerdict'] {
  return present({ organisation, entries, head, intact: brokenAt === undefined, brokenAt });
}
