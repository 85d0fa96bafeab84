import type { JsonObject } from './json.ts';

/** What becomes of the documents of a feature that is off: still found, kept and not found, or deleted. */
export const OFF_DOCUMENTS = ['keep', 'hide', 'purge'] as const;

export type OffDocuments = (typeof OFF_DOCUMENTS)[number];

/** How an operator set one feature for one connection; what is absent follows the datasource's flag. */
export interface FeatureOverride {
  enabled?: boolean;
  config?: JsonObject;
  /** Of a feature that this connection has switched off; `keep` when left out. */
  documents?: OffDocuments;
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
