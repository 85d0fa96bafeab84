import type { Problem } from './errors.ts';
import type { JsonObject } from './json.ts';
import type { WebhookRules } from './webhook.ts';

/** The custom section of a component that carries its `datasource.yaml`, as UTF-8 text. */
export const MANIFEST_SECTION = 'lorelai:datasource-manifest';

/** One thing that is wrong with a manifest. `path` is a JSON Pointer; line and column count from 1. */
export type ManifestProblem = Problem & { line?: number; column?: number };

/** One origin that a datasource asks to reach, with the reason that an operator reads. */
export type HttpAsk =
  | { kind: 'origin'; origin: string; reason: string }
  /** The origin of the URL that the connection's config holds under this key. */
  | { kind: 'from-config'; configKey: string; reason: string };

/** Where the host puts the credential: only in requests to these origins. */
export interface AttachRule {
  /** The request header, lower-case. */
  header: string;
  /** `Bearer {secret}`: the text with the credential in place of `{secret}`. */
  format: string;
  origins: string[];
  /** Config keys that hold URLs whose origins count too. */
  originsFromConfig: string[];
}

export interface ManifestFeature {
  name: string;
  description: string;
  /** Whether a new connection reads it. */
  enabled: boolean;
  /** The default settings. */
  config: JsonObject;
  /** JSON Schema 2020-12 of the settings. */
  configSchema: JsonObject;
  dependsOn: string[];
}

export interface ManifestMetric {
  name: string;
  type: 'counter' | 'gauge';
  description: string;
}

/** A checked `datasource.yaml`. */
export interface Manifest {
  name: string;
  version: string;
  author: string;
  description: string;
  license: string | undefined;
  homepage: string | undefined;
  /** The framework versions that it works with: a range for npm's `semver` (`>=1.0.0 <2.0.0`). */
  frameworkVersion: string;
  /** JSON Schema 2020-12 of a connection's config. */
  configSchema: JsonObject;
  features: ManifestFeature[];
  auth: {
    type: 'none' | 'api_key' | 'basic' | 'oauth2' | 'app';
    requiredScopes: string[];
    attach: AttachRule[];
  };
  envVars: { name: string; description: string }[];
  capabilities: { http: HttpAsk[]; storage: boolean };
  collections: { name: string; description: string }[];
  metrics: ManifestMetric[];
  /** How the source signs its webhook deliveries; undefined when it sends none. */
  webhook: WebhookRules | undefined;
}
