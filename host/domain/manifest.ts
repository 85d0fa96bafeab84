import type { AuthorisationRules } from './authorisation.ts';
import type { Problem } from './errors.ts';
import type { JsonObject } from './json.ts';
import type { LimitName } from './limits.ts';
import type { ScheduledKind } from './run-kind.ts';
import type { WebhookRules } from './webhook.ts';

/** The custom section of a component that carries its `datasource.yaml`, as UTF-8 text. */
export const MANIFEST_SECTION = 'lorelai:datasource-manifest';

/** One thing that is wrong with a manifest. `path` is a JSON Pointer; line and column count from 1. */
export type ManifestProblem = Problem & { line?: number; column?: number };

/** Something that a manifest says and that has no effect here, with what takes its place. */
export interface ManifestNotice {
  /** A JSON Pointer. */
  path: string;
  text: string;
  line?: number;
  column?: number;
}

/** One origin that a datasource asks to reach, with the reason that an operator reads. */
export type HttpAsk =
  | { kind: 'origin'; origin: string; reason: string }
  /** The origin of the URL that the connection's config holds under this key. */
  | { kind: 'from-config'; configKey: string; reason: string };

/** What a datasource would have a limit set to, with the reason that an operator reads. */
export interface LimitAsk {
  limit: LimitName;
  /** In the unit of the limit's name. */
  value: number;
  reason: string;
}

/** Where the host puts the credential: only in requests to these origins. */
export interface AttachRule {
  /** The request header, lower-case. */
  header: string;
  /** `Bearer {secret}`: the text with the credential in place of `{secret}`. */
  format: string;
  /** How the credential is written there; `plain` when left out. */
  encoding?: 'base64';
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
  /** The versions of itself whose checkpoints and collections it goes on with; undefined: those that semver calls compatible. */
  upgradeFrom: string | undefined;
  /**
   * What it needs besides, each with a range of versions for npm's `semver`: a WIT package of the host
   * (`wasi:http`) or another datasource by its name.
   */
  dependencies: { name: string; range: string }[];
  /** JSON Schema 2020-12 of a connection's config. */
  configSchema: JsonObject;
  features: ManifestFeature[];
  auth: {
    type: 'none' | 'api_key' | 'basic' | 'oauth2' | 'app';
    requiredScopes: string[];
    attach: AttachRule[];
    /** How tokens are obtained; none when a credential is set by hand. */
    oauth?: AuthorisationRules;
  };
  envVars: { name: string; description: string }[];
  capabilities: { http: HttpAsk[]; storage: boolean; limits: LimitAsk[] };
  collections: { name: string; description: string }[];
  metrics: ManifestMetric[];
  /** When the author would have runs come: cron in UTC, or `off`. Manifests that were registered long ago have none. */
  schedule?: Partial<Record<ScheduledKind, string>>;
  /** How the source signs its webhook deliveries; undefined when it sends none. */
  webhook: WebhookRules | undefined;
}
