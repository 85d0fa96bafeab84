import type { ApiSchemas } from '../../generated/api.ts';
import type { BelievedKey } from '../../services/sources/source-services.ts';
import { toTimestamp } from './present.ts';

export function toTrustedKeyBody({ publisher, publicKey, names, addedAtMs }: BelievedKey): ApiSchemas['TrustedKey'] {
  return { id: publicKey.id, publisher, publicKey: publicKey.text, names, addedAt: toTimestamp(addedAtMs) };
}
