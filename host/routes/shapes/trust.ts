import type { ApiSchemas } from '../../generated/api.ts';
import { AUTHORITY_KINDS } from '../../domain/sigstore.ts';
import type { BelievedIdentity, BelievedKey, BelievedRoot } from '../../services/sources/source-services.ts';
import { toTimestamp } from './present.ts';

export function toTrustedKeyBody({ publisher, publicKey, names, addedAtMs }: BelievedKey): ApiSchemas['TrustedKey'] {
  return { id: publicKey.id, publisher, publicKey: publicKey.text, names, addedAt: toTimestamp(addedAtMs) };
}

export function toTrustedIdentityBody({ id, publisher, identity, names, addedAtMs }: BelievedIdentity): ApiSchemas['TrustedIdentity'] {
  const { root, issuer, subject, match } = identity;
  return { id, publisher, root, issuer, subject, match, names, addedAt: toTimestamp(addedAtMs) };
}

export function toSigstoreRootBody({ name, digest, witnesses, authorities, ended, addedAtMs }: BelievedRoot): ApiSchemas['SigstoreRoot'] {
  return {
    name,
    digest,
    witnesses,
    authorities: AUTHORITY_KINDS.filter((kind) => authorities[kind].count > 0).map((kind) => {
      const { count, endsAtMs } = authorities[kind];
      return { kind, count, ...(endsAtMs === undefined ? {} : { endsAt: toTimestamp(endsAtMs) }), ended: ended.includes(kind) };
    }),
    addedAt: toTimestamp(addedAtMs),
  };
}
