declare module 'lorelai:datasource/types@1.0.0' {
  /**
   * A moment, in milliseconds since 1970-01-01T00:00:00Z. Negative before that.
   */
  export type TimestampMs = bigint;
  /**
   * Opaque bytes from the datasource that say where the next `read` of a feature goes on.
   * At most 64 KiB. The host stores them with the batch and never looks inside.
   */
  export type Checkpoint = Uint8Array;
  /**
   * How an operator set one feature of this connection.
   */
  export interface FeatureSetting {
    /**
     * The feature's name as the manifest spells it.
     */
    name: string,
    /**
     * Whether the host will ask for it.
     */
    enabled: boolean,
    /**
     * The feature's settings, a JSON object that satisfies the feature's schema in the
     * manifest. Defaults are already filled in.
     */
    config: string,
  }
  /**
   * What every call is told about the connection that it works for.
   */
  export interface Context {
    /**
     * The connection's id: a ULID. Stable for the life of the connection.
     */
    connectionId: string,
    /**
     * The connection's settings, a JSON object that satisfies the manifest's `config` schema.
     * Never holds a credential: the host attaches those to requests.
     */
    config: string,
    /**
     * Every feature that the manifest declares, in the manifest's order.
     */
    features: Array<FeatureSetting>,
    /**
     * The host's wall clock when the call began, for components without a clock. In `read`: when the host
     * began to read the feature, which it does anew after each `done`. It stays the same until then, through
     * pauses and restarts, so that whatever a checkpoint keeps of it is not later than what was read.
     */
    nowMs: TimestampMs,
    /**
     * The host ends the call at this moment, by the clock of `now-ms`, and throws its result away. A `read` that comes
     * near it should return what it has with `done` false.
     */
    deadlineMs: TimestampMs,
  }
  /**
   * Something that is wrong with one setting or one item, for a person to mend.
   */
  export interface Problem {
    /**
     * Where: a JSON Pointer into the config (`/base_url`), or the id of an item or a scope at
     * the source (`octo-org/private-repo`).
     */
    path: string,
    /**
     * What is wrong, in one sentence.
     */
    reason: string,
    /**
     * What to do about it, in one sentence that begins with a verb.
     */
    remedy: string,
  }
  /**
   * How long a source asked us to wait.
   */
  export interface Throttle {
    /**
     * Milliseconds from now until the next call makes sense; the host caps it at 24 hours.
     */
    retryAfterMs: bigint,
    /**
     * Which limit was met, for the operator.
     */
    reason: string,
  }
  /**
   * Why a call failed: one case for each decision that the host takes.
   */
  export type Failure = FailureInvalidConfig | FailureUnauthorized | FailureForbidden | FailureThrottled | FailureUnavailable | FailureCheckpointExpired | FailureUnsupported | FailureFailed;
  /**
   * The settings cannot work. The host stops the run and shows the problems.
   */
  export interface FailureInvalidConfig {
    tag: 'invalid-config',
    val: Array<Problem>,
  }
  /**
   * The source refused the credential. The host refreshes it once, then pauses the connection.
   */
  export interface FailureUnauthorized {
    tag: 'unauthorized',
    val: string,
  }
  /**
   * The credential is good but not for this. The host records it and goes on with the next feature.
   */
  export interface FailureForbidden {
    tag: 'forbidden',
    val: string,
  }
  /**
   * The source asked for patience. The host parks the run, holds no process, and wakes it on time.
   */
  export interface FailureThrottled {
    tag: 'throttled',
    val: Throttle,
  }
  /**
   * The source or the way to it is down. The host tries again with growing pauses.
   */
  export interface FailureUnavailable {
    tag: 'unavailable',
    val: string,
  }
  /**
   * The source no longer knows this checkpoint. The host starts the feature again without one.
   */
  export interface FailureCheckpointExpired {
    tag: 'checkpoint-expired',
    val: string,
  }
  /**
   * This datasource does not have this function. The host does not ask again.
   */
  export interface FailureUnsupported {
    tag: 'unsupported',
  }
  /**
   * Anything else. The host counts it towards the connection's failure threshold.
   */
  export interface FailureFailed {
    tag: 'failed',
    val: string,
  }
  /**
   * What a principal's id names.
   * # Variants
   * 
   * ## `"account"`
   * 
   * An account at the source, by the source's own id or login.
   * ## `"email"`
   * 
   * A person by e-mail address, lower-cased.
   * ## `"group"`
   * 
   * A group that `list-groups` lists, by the source's own id.
   * ## `"domain"`
   * 
   * Everyone whose e-mail address is in a domain, lower-cased.
   */
  export type PrincipalKind = 'account' | 'email' | 'group' | 'domain';
  /**
   * Who somebody, or some group, is at the source.
   */
  export interface Principal {
    /**
     * What the id names.
     */
    kind: PrincipalKind,
    /**
     * 1 to 512 bytes.
     */
    id: string,
  }
  /**
   * Any one of these principals satisfies the set.
   */
  export interface PrincipalSet {
    /**
     * An empty list is satisfied by nobody.
     */
    anyOf: Array<Principal>,
  }
  /**
   * Who may see a document.
   */
  export type Access = AccessAdminsOnly | AccessEveryone | AccessAllOf;
  /**
   * Not known: nobody but the organisation's admins.
   */
  export interface AccessAdminsOnly {
    tag: 'admins-only',
  }
  /**
   * Everyone in the organisation. Said aloud, never assumed.
   */
  export interface AccessEveryone {
    tag: 'everyone',
  }
  /**
   * Whoever satisfies every one of these sets. An empty list is `admins-only`.
   */
  export interface AccessAllOf {
    tag: 'all-of',
    val: Array<PrincipalSet>,
  }
  /**
   * One fact about a document, kept and returned but not searched.
   */
  export interface Attribute {
    /**
     * 1 to 64 characters of `a-z`, `0-9` and `_`.
     */
    name: string,
    /**
     * At most 1 KiB.
     */
    value: string,
  }
  /**
   * An item at the source, as the index should know it from now on.
   */
  export interface Document {
    /**
     * Stable and unique within the feature and the connection. 1 to 512 bytes.
     */
    id: string,
    /**
     * Changes whenever the content does (a sha, an ETag, a revision). Without one the host
     * compares the content itself.
     */
    version?: string,
    /**
     * What a person would call it. At most 1 KiB.
     */
    title: string,
    /**
     * Where a person reads it: an absolute https or http URL. At most 4 KiB.
     */
    link: string,
    /**
     * An RFC 2046 media type of `content`: `text/markdown`, `text/plain; charset=utf-8`.
     */
    mediaType: string,
    /**
     * The item itself.
     */
    content: Uint8Array,
    /**
     * The names of what contains it, outermost first (`octo-org/hello`, `docs`), for display and search.
     */
    location: Array<string>,
    /**
     * The author as a person would write the name. At most 256 bytes.
     */
    author?: string,
    /**
     * When the source says it was made.
     */
    createdAtMs?: TimestampMs,
    /**
     * When the source says it last changed.
     */
    updatedAtMs?: TimestampMs,
    /**
     * Who may see it.
     */
    access: Access,
    /**
     * At most 32.
     */
    attributes: Array<Attribute>,
  }
  /**
   * One step from the old state of the index to the new one.
   */
  export type Change = ChangeUpsert | ChangeDelete;
  /**
   * Add this document, or replace the one with the same id.
   */
  export interface ChangeUpsert {
    tag: 'upsert',
    val: Document,
  }
  /**
   * The document with this id is gone. Unknown ids are ignored.
   */
  export interface ChangeDelete {
    tag: 'delete',
    val: string,
  }
}
