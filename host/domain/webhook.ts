/**
 * How a source proves that a webhook delivery is its own. Schemes are data, so that a datasource
 * names what its source does and the host does the checking; the secret is held by the host.
 */

/** The manifest's `webhook`, with every default filled in. */
export interface WebhookRules {
  proof: WebhookProof;
  /** The request header, lower-case, with the source's own id of a delivery. */
  deliveryIdHeader: string | undefined;
  /** How the source makes sure that the address is ours, before it sends anything. */
  handshake: WebhookHandshake;
}

export type WebhookProof =
  /** A keyed hash (HMAC-SHA-256, RFC 2104) over a text made of the body and, where the source sends one, a timestamp. */
  | {
      scheme: 'hmac';
      /** The request header, lower-case, that holds `prefix` and the hash. */
      header: string;
      prefix: string;
      encoding: 'hex' | 'base64';
      /** What is hashed: a text with `{body}`, and `{timestamp}` when there is a header of it. */
      signs: string;
      /** The request header, lower-case, with seconds since 1970; a delivery older or newer than `maxAgeMs` is refused. */
      timestampHeader: string | undefined;
      maxAgeMs: number;
    }
  /** The secret itself, in a request header. */
  | { scheme: 'header_token'; header: string }
  /** The secret itself, at every place of the JSON body that the path names: a JSON Pointer in which `*` means each item. */
  | { scheme: 'body_token'; path: string }
  /** A JSON Web Token signed with the secret (HS256, RFC 7519), in a request header behind `prefix`. Says nothing of the body. */
  | { scheme: 'jwt'; header: string; prefix: string; maxAgeMs: number };

/** What is given back as it came, as plain text or in JSON, when a source asks for it. */
export type WebhookHandshake =
  | { kind: 'none' }
  /** The value of this query parameter, as plain text. It is asked without proof, and nothing else is done. */
  | { kind: 'query_parameter'; parameter: string }
  /** This member of the JSON body, in JSON, when the body's `type` is the given word. Proved like every delivery. */
  | { kind: 'body_member'; member: string; type: string };

/** A delivery as it came in. */
export interface IncomingDelivery {
  /** Upper-case. */
  method: string;
  /** The path of the address, percent-encoded as it was sent. */
  path: string;
  query: URLSearchParams;
  /** Names lower-case. */
  headers: ReadonlyMap<string, string>;
  body: Uint8Array;
}
