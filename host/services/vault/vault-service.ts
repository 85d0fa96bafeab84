export interface VaultStatus {
  /** Where the master keys come from. */
  source: string;
  /** Those at hand, with how many values each of them seals. */
  keys: { id: string; seals: boolean; values: number }[];
  /** Values that do not name their key: sealed by an older host. */
  withoutKeyId: number;
  /** Keys that seal values and are not at hand. */
  lost: { id: string; values: number }[];
  /** When sealed values were last looked through. */
  finishedAtMs: number | undefined;
}

export interface VaultService {
  /** INVALID_SETTING when the keys cannot be read. */
  status(): Promise<VaultStatus>;
  /** Makes a new first key, if that is wanted, and wraps every sealed value under the first key. INVALID_SETTING where the operator keeps the keys. */
  rotate(input: { newKey: boolean }): Promise<{ rewrapped: number; failed: number; status: VaultStatus }>;
  /** Forgets keys that seal nothing any more. INVALID_SETTING where the operator keeps the keys, CONFLICT right after a change. */
  retire(): Promise<{ retired: string[]; status: VaultStatus }>;
}
