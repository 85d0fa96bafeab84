/** `T` with every property that may be undefined made optional. */
export type Present<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** The value without its undefined properties: in our bodies what is not there is absent, never null. */
export function present<T extends object>(value: T): Present<T> {
  // `Object.fromEntries` forgets the keys; what is left is what `Present` says.
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as Present<T>;
}

/** RFC 3339 in UTC with milliseconds. */
export function toTimestamp(ms: number): string {
  return new Date(ms).toISOString();
}

/** The same for a moment that may not have come. */
export function toOptionalTimestamp(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : toTimestamp(ms);
}
