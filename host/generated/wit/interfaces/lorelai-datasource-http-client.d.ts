/** @module Interface lorelai:datasource/http-client@1.0.0 **/
/**
 * Sends one request and waits for the whole response.
 */
export function send(request: Request): Response;
/**
 * One header. Names are case-insensitive and come back in lower case.
 */
export interface Header {
  /**
   * An RFC 9110 token.
   */
  name: string,
  /**
   * Visible ASCII, spaces and tabs.
   */
  value: string,
}
/**
 * What to send.
 */
export interface Request {
  /**
   * `GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE` or `OPTIONS`.
   */
  method: string,
  /**
   * Absolute, https (or http where the grant says so), without user or password.
   */
  url: string,
  /**
   * The host drops none silently: a header that a datasource may not set is an `invalid-request`.
   */
  headers: Array<Header>,
  body?: Uint8Array,
  /**
   * Milliseconds to the last byte of the response. The host lowers it to what the call has left.
   */
  timeoutMs?: number,
}
/**
 * What came back, whatever the status. Content codings are already undone.
 */
export interface Response {
  /**
   * 100 to 599.
   */
  status: number,
  headers: Array<Header>,
  body: Uint8Array,
}
/**
 * A size that was too large.
 */
export interface SizeLimit {
  /**
   * Bytes that would have been allowed.
   */
  maxBytes: bigint,
}
/**
 * Why no response came.
 */
export type Error = ErrorDenied | ErrorInvalidRequest | ErrorTimedOut | ErrorUnreachable | ErrorTooLarge | ErrorBudgetSpent;
/**
 * The manifest or the grant does not allow it. The text names what would. Do not retry.
 */
export interface ErrorDenied {
  tag: 'denied',
  val: string,
}
/**
 * The request is malformed. The text names the field. Do not retry.
 */
export interface ErrorInvalidRequest {
  tag: 'invalid-request',
  val: string,
}
/**
 * Nothing, or not everything, came in time.
 */
export interface ErrorTimedOut {
  tag: 'timed-out',
}
/**
 * No connection, no name, no valid certificate, or a broken response.
 */
export interface ErrorUnreachable {
  tag: 'unreachable',
  val: string,
}
/**
 * The response is larger than the grant allows.
 */
export interface ErrorTooLarge {
  tag: 'too-large',
  val: SizeLimit,
}
/**
 * The call's or the connection's own budget is spent: milliseconds until there is more.
 */
export interface ErrorBudgetSpent {
  tag: 'budget-spent',
  val: bigint,
}
