/** @module Interface lorelai:datasource/source@1.0.0 **/
/**
 * Says what this datasource is. No network, no storage; the same answer every time.
 */
export function describe(): Description;
/**
 * Looks for mistakes that a schema cannot find. No network. An empty list means that it is good.
 */
export function validateConfig(context: Context): Array<Problem>;
/**
 * Tries the connection: reachability, credential, scopes. Cheap: a few requests.
 */
export function check(context: Context): CheckReport;
/**
 * Reads the next batch of a feature: everything when there is no checkpoint, what changed
 * since when there is one.
 */
export function read(context: Context, feature: string, after: Checkpoint | undefined): Batch;
/**
 * Lists every id of a feature that still exists, so that the host can prune what does not.
 * The host prunes only after it has seen the last page.
 */
export function listIds(context: Context, feature: string, after: Checkpoint | undefined): IdPage;
/**
 * Lists who is in which group, so that `access` can name groups.
 */
export function listGroups(context: Context, after: Checkpoint | undefined): GroupPage;
/**
 * Answers live from the source, for sources that must not be indexed. Best first.
 */
export function search(context: Context, query: Query): Array<Hit>;
/**
 * Turns a verified webhook delivery into changes, or a hint to read a feature now. The same
 * delivery may come more than once.
 */
export function receive(context: Context, delivery: Delivery): Array<Received>;
export type Access = import('./lorelai-datasource-types.js').Access;
export type Change = import('./lorelai-datasource-types.js').Change;
export type Checkpoint = import('./lorelai-datasource-types.js').Checkpoint;
export type Context = import('./lorelai-datasource-types.js').Context;
export type Document = import('./lorelai-datasource-types.js').Document;
export type Failure = import('./lorelai-datasource-types.js').Failure;
export type Principal = import('./lorelai-datasource-types.js').Principal;
export type Problem = import('./lorelai-datasource-types.js').Problem;
export type TimestampMs = import('./lorelai-datasource-types.js').TimestampMs;
/**
 * A named part of a datasource that can be switched and configured; each is a stream with its own checkpoint.
 */
export interface Feature {
  /**
   * As in the manifest: a lower-case letter, then `a-z`, `0-9`, `_`; at most 64.
   */
  name: string,
  /**
   * One sentence for the operator.
   */
  description: string,
}
/**
 * What this datasource is. It must agree with the manifest.
 */
export interface Description {
  /**
   * As in the manifest.
   */
  name: string,
  /**
   * As in the manifest: a semantic version.
   */
  version: string,
  /**
   * As in the manifest, in the same order.
   */
  features: Array<Feature>,
  /**
   * JSON Schema 2020-12 of the connection's config, as JSON text.
   */
  configSchema: string,
}
/**
 * What `check` found.
 */
export interface CheckReport {
  /**
   * Who the credential belongs to, as the source says it; none when the source has no such notion.
   */
  account?: string,
  /**
   * What would keep a run from working, or from being complete. Empty means ready.
   */
  problems: Array<Problem>,
}
/**
 * How far a feature has come since its run began.
 */
export interface Progress {
  /**
   * Items looked at in this batch, changed or not.
   */
  seen: bigint,
  /**
   * Items that the whole run will look at, when the source says so.
   */
  expected?: bigint,
}
/**
 * What one `read` call gives back.
 */
export interface Batch {
  /**
   * Applied in order, in one transaction with `next`. At most 1,000.
   */
  changes: Array<Change>,
  /**
   * Where the next `read` goes on. After `done` it is where the next run begins.
   */
  next: Checkpoint,
  /**
   * Whether the feature is up to date. While false the host calls again at once.
   */
  done: boolean,
  /**
   * For the person who watches.
   */
  progress: Progress,
  /**
   * Items or scopes that were left out, each with a reason. The run goes on and is `partial`.
   */
  skipped: Array<Problem>,
}
/**
 * A page of ids.
 */
export interface IdPage {
  /**
   * Ids of documents that exist at the source now. At most 10,000.
   */
  ids: Array<string>,
  /**
   * Hand this back for the next page; none after the last. At most 64 KiB.
   */
  next?: Checkpoint,
}
/**
 * A group at the source.
 * 
 * A group with the id of an account, whose only members are this account and an e-mail address, says whose
 * account it is: the host takes the account for one of the person with this address.
 */
export interface Group {
  /**
   * The id that `access` names it by.
   */
  id: string,
  /**
   * For people.
   */
  name: string,
  /**
   * Who is in it; groups may contain groups.
   */
  members: Array<Principal>,
}
/**
 * A page of groups.
 */
export interface GroupPage {
  /**
   * At most 1,000.
   */
  groups: Array<Group>,
  /**
   * Hand this back for the next page; none after the last. At most 64 KiB.
   */
  next?: Checkpoint,
}
/**
 * A question for the source's own search.
 */
export interface Query {
  /**
   * As a person typed it. At most 4 KiB.
   */
  text: string,
  /**
   * The most hits wanted: 1 to 100.
   */
  limit: number,
}
/**
 * One answer of the source's own search.
 */
export interface Hit {
  /**
   * The item, with the content that answers.
   */
  document: Document,
  /**
   * 0 to 1, better is higher; none when the source only ranks.
   */
  score?: number,
}
/**
 * One header of a webhook delivery; the name is lower-case.
 */
export interface DeliveryHeader {
  name: string,
  value: string,
}
/**
 * A webhook delivery. The host has checked its signature.
 */
export interface Delivery {
  /**
   * The source's own id of the delivery, so that a repeated one can be recognised.
   */
  id: string,
  headers: Array<DeliveryHeader>,
  /**
   * As sent.
   */
  body: Uint8Array,
}
/**
 * What a delivery means for one feature.
 */
export interface Received {
  feature: string,
  /**
   * Applied in order, in one transaction. At most 1,000.
   */
  changes: Array<Change>,
  /**
   * Whether the host should start a run of the feature now.
   */
  readNow: boolean,
}
