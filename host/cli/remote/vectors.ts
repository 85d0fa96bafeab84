import type { Schemas } from '../../../clients/typescript/client.ts';
import type { VectorService, VectorStatus } from '../../services/vectors/vector-services.ts';
import { toMs, type RemoteHost } from './remote-host.ts';

/** `make` works where the vectors are. */
export function remoteVectors({ client, ask }: RemoteHost): Partial<VectorService> {
  return {
    status: async () => toStatus(await ask(client.GET('/api/v1/vectors', {}))),
    reembed: async () => toStatus(await ask(client.POST('/api/v1/vectors/reembed', {}))),
  };
}

function toStatus({ embedder, sets, lost }: Schemas['Vectors']): VectorStatus {
  return {
    embedder: embedder === undefined ? undefined : { model: embedder.model, dimensions: embedder.dimensions },
    sets: sets.map(({ trust, fault, waitUntil, createdAt, readyAt, ...set }) => ({
      ...set,
      trust,
      fault,
      waitUntilMs: toMs(waitUntil),
      createdAtMs: Date.parse(createdAt),
      readyAtMs: toMs(readyAt),
    })),
    lost,
  };
}
