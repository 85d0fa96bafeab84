import type { JsonObject } from '../domain/json.ts';
import type { Manifest } from '../domain/manifest.ts';
import { originOf } from '../domain/origin-pattern.ts';

/** What the manifest asks for, with the origins that the connection's config names. */
export function askedOrigins(manifest: Manifest, config: JsonObject): string[] {
  return manifest.capabilities.http.flatMap((ask) => (ask.kind === 'origin' ? [ask.origin] : originsFromConfig([ask.configKey], config)));
}

/** The origins of the URLs that these settings hold. */
export function originsFromConfig(keys: readonly string[], config: JsonObject): string[] {
  return keys.flatMap((key) => {
    const value = config[key];
    const origin = typeof value === 'string' ? originOf(value) : undefined;
    return origin === undefined ? [] : [origin];
  });
}
