declare module 'lorelai:datasource/storage@1.0.0' {
  /**
   * Reads one value; none when there is no such key.
   */
  export function get(collection: string, key: string): Uint8Array | undefined;
  /**
   * Writes one value, new or not.
   */
  export function put(collection: string, key: string, value: Uint8Array): void;
  /**
   * Removes one key. No error when there is none.
   */
  export function remove(collection: string, key: string): void;
  /**
   * Entries whose keys are greater than `after`, in byte order, at most `limit` (1 to 1,000). More
   * than 16 MiB at one time are refused with `quota-exceeded`: ask for fewer then.
   */
  export function scan(collection: string, after: string | undefined, limit: number): Array<Entry>;
  /**
   * Why nothing was read or written.
   */
  export type Error = ErrorUnknownCollection | ErrorInvalid | ErrorQuotaExceeded;
  /**
   * The manifest declares no such collection.
   */
  export interface ErrorUnknownCollection {
    tag: 'unknown-collection',
    val: string,
  }
  /**
   * The key is not 1 to 512 bytes, or the value is larger than 1 MiB.
   */
  export interface ErrorInvalid {
    tag: 'invalid',
    val: string,
  }
  /**
   * The grant's quota is spent. The text says which and how much.
   */
  export interface ErrorQuotaExceeded {
    tag: 'quota-exceeded',
    val: string,
  }
  /**
   * A key with its value.
   */
  export interface Entry {
    key: string,
    value: Uint8Array,
  }
}
