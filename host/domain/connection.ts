import type { JsonObject } from './json.ts';

/** How an operator set one feature for one connection; what is absent follows the datasource's flag. */
export interface FeatureOverride {
  enabled?: boolean;
  config?: JsonObject;
}

/** A datasource set up for one organisation. The credential lies beside it, sealed. */
export interface Connection {
  id: string;
  organisation: string;
  datasource: string;
  name: string;
  config: JsonObject;
  features: Record<string, FeatureOverride>;
}
