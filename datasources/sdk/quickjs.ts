/**
 * A type of the contract as it is inside QuickJS: 64-bit integers are plain numbers (a BigInt in a
 * result ends the instance), and an option without a value is `null`.
 */
export type InQuickJs<T> = T extends bigint
  ? number
  : T extends Uint8Array | string | number | boolean | null | undefined
    ? T
    : T extends (infer Item)[]
      ? InQuickJs<Item>[]
      : { [K in keyof T]: undefined extends T[K] ? InQuickJs<Exclude<T[K], undefined>> | null : InQuickJs<T[K]> };
