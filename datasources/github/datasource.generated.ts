// Generated from datasource.yaml by `datasources build`. Do not edit.
import type { DatasourceManifest } from '@lorelai/datasource-sdk';

/** The settings of a connection. */
export type Config = {
  /** What to read: `owner/name` for one repository, `owner/*` for all of an organisation or a person but forks. Empty means every repository that the credential's account owns, works on, or sees through an organisation. */
  readonly repositories: readonly (string)[];
  /** What to leave out of the above: `owner/name`, where `*` stands for any characters but `/`. */
  readonly exclude_repositories: readonly (string)[];
  /** Where the REST API is. For GitHub Enterprise Server: `https://ghe.example.com/api/v3`. */
  readonly base_url: string;
  /** For a connection by a GitHub App: the number of its installation, from the address of its settings page. */
  readonly installation_id?: string | undefined;
};

/** The settings of each feature. */
export interface Features {
  /** The text files of each repository's default branch, one document per file. */
  repository_indexing: {
    /** What of a repository to read. `markdown`: prose (Markdown, reStructuredText, AsciiDoc, plain text). `code`: source code and configuration. `issues` and `pull_requests`: their titles and descriptions, for connections that switch the feature `issue_tracking` or `pull_requests` off; while it is on, that feature reads them, and nothing is read twice. */
    readonly content_types: readonly ("markdown" | "code" | "issues" | "pull_requests")[];
    /** Files larger than this many mebibytes are left out. At most 20. */
    readonly max_file_size_mb: number;
    /** Whether private and internal repositories are read, by every feature of this connection. Their documents are seen only by people who can read the repository at GitHub. */
    readonly include_private: boolean;
    /** Files to leave out, by path from the root of the repository: `*` stands for any characters but `/`, `**` for any characters. */
    readonly exclude_paths: readonly (string)[];
  };
  /** Issues with their comments, one document per issue. */
  issue_tracking: {
    /** Whether comments are part of the document. */
    readonly include_comments: boolean;
    /** Whether closed issues are kept. */
    readonly include_closed: boolean;
    /** Issues that nobody has touched for more days than this are left out. 0 means no bound. */
    readonly max_age_days: number;
  };
  /** Pull requests with their discussion, one document per pull request. */
  pull_requests: {
    /** Whether reviews and comments on lines of code are part of the document. */
    readonly include_reviews: boolean;
    /** Whether closed and merged pull requests are kept. */
    readonly include_closed: boolean;
    /** Pull requests that nobody has touched for more days than this are left out. 0 means no bound. */
    readonly max_age_days: number;
  };
}

export interface ManifestTypes {
  config: Config;
  features: Features;
  collections: "github_repositories" | "github_issues" | "github_pull_requests";
  counters: "repositories_indexed" | "indexing_errors";
  gauges: "api_rate_limit_remaining";
}

export const manifest: DatasourceManifest<ManifestTypes> = {
  "name": "github",
  "version": "1.0.0",
  "features": [
    {
      "name": "repository_indexing",
      "description": "The text files of each repository's default branch, one document per file."
    },
    {
      "name": "issue_tracking",
      "description": "Issues with their comments, one document per issue."
    },
    {
      "name": "pull_requests",
      "description": "Pull requests with their discussion, one document per pull request."
    }
  ],
  "configSchema": {
    "type": "object",
    "properties": {
      "repositories": {
        "type": "array",
        "description": "What to read: `owner/name` for one repository, `owner/*` for all of an organisation or a person but forks. Empty means every repository that the credential's account owns, works on, or sees through an organisation.",
        "maxItems": 500,
        "uniqueItems": true,
        "items": {
          "type": "string",
          "minLength": 3,
          "maxLength": 140
        },
        "default": [],
        "examples": [
          [
            "octo-org/handbook",
            "octo-org/*"
          ]
        ]
      },
      "exclude_repositories": {
        "type": "array",
        "description": "What to leave out of the above: `owner/name`, where `*` stands for any characters but `/`.",
        "maxItems": 500,
        "uniqueItems": true,
        "items": {
          "type": "string",
          "minLength": 3,
          "maxLength": 140
        },
        "default": [],
        "examples": [
          [
            "octo-org/archive-*"
          ]
        ]
      },
      "base_url": {
        "type": "string",
        "description": "Where the REST API is. For GitHub Enterprise Server: `https://ghe.example.com/api/v3`.",
        "format": "uri",
        "maxLength": 300,
        "default": "https://api.github.com",
        "examples": [
          "https://ghe.example.com/api/v3"
        ]
      },
      "installation_id": {
        "type": "string",
        "description": "For a connection by a GitHub App: the number of its installation, from the address of its settings page.",
        "maxLength": 20,
        "examples": [
          "12345678"
        ]
      }
    },
    "additionalProperties": false
  },
  "collections": [
    "github_repositories",
    "github_issues",
    "github_pull_requests"
  ],
  "counters": [
    "repositories_indexed",
    "indexing_errors"
  ],
  "gauges": [
    "api_rate_limit_remaining"
  ]
};
