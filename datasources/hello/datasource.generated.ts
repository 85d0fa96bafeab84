// Generated from datasource.yaml by `datasources build`. Do not edit.
import type { DatasourceManifest } from '@lorelai/datasource-sdk';

/** The settings of a connection. */
export type Config = {
  /** Whom the guides speak to. */
  readonly audience: string;
};

/** The settings of each feature. */
export interface Features {
  /** Short guides, each with a greeting above it. */
  greetings: {
    /** The word that begins each guide. */
    readonly greeting: string;
    /** How many guides one read gives back. */
    readonly batch_size: number;
  };
}

export interface ManifestTypes {
  config: Config;
  features: Features;
  collections: "greeted";
  counters: "greetings_written";
  gauges: "guides_known";
}

export const manifest: DatasourceManifest<ManifestTypes> = {
  "name": "hello",
  "version": "1.0.0",
  "features": [
    {
      "name": "greetings",
      "description": "Short guides, each with a greeting above it."
    }
  ],
  "configSchema": {
    "type": "object",
    "properties": {
      "audience": {
        "description": "Whom the guides speak to.",
        "type": "string",
        "minLength": 1,
        "maxLength": 80,
        "default": "author"
      }
    },
    "additionalProperties": false
  },
  "collections": [
    "greeted"
  ],
  "counters": [
    "greetings_written"
  ],
  "gauges": [
    "guides_known"
  ]
};
