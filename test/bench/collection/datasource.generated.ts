// Generated from datasource.yaml by `datasources build`. Do not edit.
import type { DatasourceManifest } from '@lorelai/datasource-sdk';

/** The settings of a connection. */
export type Config = {
  /** Where the collection is served. */
  readonly base_url: string;
};

/** The settings of each feature. */
export interface Features {
  /** All documents, a page a batch. */
  documents: {};
}

export interface ManifestTypes {
  config: Config;
  features: Features;
  collections: never;
  counters: never;
  gauges: never;
}

export const manifest: DatasourceManifest<ManifestTypes> = {
  "name": "bench_collection",
  "version": "1.0.0",
  "features": [
    {
      "name": "documents",
      "description": "All documents, a page a batch."
    }
  ],
  "configSchema": {
    "type": "object",
    "required": [
      "base_url"
    ],
    "properties": {
      "base_url": {
        "description": "Where the collection is served.",
        "type": "string",
        "format": "uri"
      }
    },
    "additionalProperties": false
  },
  "collections": [],
  "counters": [],
  "gauges": []
};
