import type { ApiSchemas } from '../../generated/api.ts';
import type { VectorSetStatus, VectorStatus } from '../../services/vectors/vector-services.ts';
import { present, toOptionalTimestamp, toTimestamp } from './present.ts';

export function toVectorsBody({ embedder, sets, lost }: VectorStatus): ApiSchemas['Vectors'] {
  return present({ embedder: embedder === undefined ? undefined : present(embedder), sets: sets.map(toSetBody), lost });
}

function toSetBody({ waitUntilMs, createdAtMs, readyAtMs, ...set }: VectorSetStatus): ApiSchemas['VectorSet'] {
  return present({
    ...set,
    waitUntil: toOptionalTimestamp(waitUntilMs),
    createdAt: toTimestamp(createdAtMs),
    readyAt: toOptionalTimestamp(readyAtMs),
  });
}
