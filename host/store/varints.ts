/** SQLite's variable-length integers: seven bits a byte, the high bit says that more follow. Ours never need the ninth byte. */
export function varints(block: Uint8Array): number[] {
  const values: number[] = [];
  let value = 0;
  for (const byte of block) {
    value = value * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    values.push(value);
    value = 0;
  }
  return values;
}
