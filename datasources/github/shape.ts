/**
 * A short name for the settings under which something was read: when it differs, the thing is read again. FNV-1a
 * (draft-eastlake-fnv, section 2), 32 bits; a collision means that a change of settings is not seen.
 */
export function shapeOf(settings: readonly unknown[]): string {
  let hash = 0x811c9dc5;
  for (const character of JSON.stringify(settings)) {
    hash ^= character.codePointAt(0) ?? 0;
    hash = Math.imul(hash, 0x01000193) >>> 0;
  }
  return hash.toString(16).padStart(8, '0');
}
