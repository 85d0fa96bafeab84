/** An unsigned LEB128, as WebAssembly writes numbers. */
export function leb128(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    const byte = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? byte | 0x80 : byte);
  } while (rest > 0);
  return Uint8Array.from(bytes);
}

/** A text with its length in front of it. */
export function sized(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([leb128(bytes.byteLength), bytes]);
}

/** A section: its number, its length, its contents. */
export function section(id: number, contents: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(id), leb128(contents.byteLength), contents]);
}
