import type { ApiSchemas } from '../../generated/api.ts';
import type { ApiKey, MadeKey } from '../../services/callers/keys.ts';
import { present, toOptionalTimestamp, toTimestamp } from './present.ts';

export function toKeyBody(key: ApiKey): ApiSchemas['Key'] {
  return present({
    id: key.id,
    organisation: key.organisation,
    name: key.name,
    hint: key.hint,
    scopes: key.scopes,
    createdAt: toTimestamp(key.createdAtMs),
    expiresAt: toOptionalTimestamp(key.expiresAtMs),
    revokedAt: toOptionalTimestamp(key.revokedAtMs),
    lastUsedAt: toOptionalTimestamp(key.lastUsedAtMs),
    replaces: key.replaces,
  });
}

export function toMadeKeyBody({ key, text }: MadeKey): ApiSchemas['MadeKey'] {
  return { key: toKeyBody(key), secret: text };
}
