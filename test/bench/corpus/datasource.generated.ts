// Generated from datasource.yaml by `datasources build`. Do not edit.
import type { DatasourceManifest } from '@lorelai/datasource-sdk';

/** The settings of a connection. */
export type Config = {};

/** The settings of each feature. */
export interface Features {
  /** Numbered documents; the same number gives the same text. */
  documents: {
    readonly documents: number;
    readonly batch_size: number;
    readonly sentences: number;
  };
}

export interface ManifestTypes {
  config: Config;
  features: Features;
  collections: never;
  counters: never;
  gauges: never;
}

export const manifest: DatasourceManifest<ManifestTypes> = {
  "name": "bench_corpus",
  "version": "1.0.0",
  "features": [
    {
      "name": "documents",
      "description": "Numbered documents; the same number gives the same text."
    }
  ],
  "configSchema": {
    "type": "object",
    "properties": {},
    "additionalProperties": false
  },
  "collections": [],
  "counters": [],
  "gauges": []
};
