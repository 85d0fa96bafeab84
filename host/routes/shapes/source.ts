import type { ApiSchemas } from '../../generated/api.ts';
import type { FolderSource, FoundInMarket, Market, TakenVersion, TrustService } from '../../services/sources/source-services.ts';
import { toAsksBody, toGrantBody } from './datasource.ts';
import { present, toOptionalTimestamp, toTimestamp } from './present.ts';

export function toTakenVersionBody({ manifest, asked, digest, origin }: TakenVersion): ApiSchemas['TakenVersion'] {
  const { name, version, author, description } = manifest;
  return { name, version, digest, origin, author, description, asks: toAsksBody(manifest), askedGrant: toGrantBody(asked) };
}

export function toSourceFolderBody({ folder, scannedAtMs, problem, files }: FolderSource): ApiSchemas['SourceFolder'] {
  return present({ folder, scannedAt: toOptionalTimestamp(scannedAtMs), problem, files: files.map(toSourceFileBody) });
}

/** What could not be read has no digest. */
function toSourceFileBody({ file, digest, name, version, problem }: FolderSource['files'][number]): ApiSchemas['SourceFile'] {
  return present({ file, digest: digest === '' ? undefined : digest, name, version, problem });
}

export function toMarketBody({ name, url, keyId, indexVersion, expiresAtMs, refreshedAtMs }: Market): ApiSchemas['Market'] {
  return present({
    name,
    url,
    keyId,
    indexVersion,
    expires: toTimestamp(expiresAtMs),
    refreshedAt: toOptionalTimestamp(refreshedAtMs),
  });
}

export function toMarketOfferBody({ market, name, version, description, location, digest }: FoundInMarket): ApiSchemas['MarketOffer'] {
  return { market, name, version, description, location, digest };
}

export function toLockBody(pins: Awaited<ReturnType<TrustService['pins']>>): ApiSchemas['Lock'] {
  return { lockVersion: 1, datasources: pins.map(({ name, version, digest, origin }) => ({ name, version, digest, origin })) };
}
