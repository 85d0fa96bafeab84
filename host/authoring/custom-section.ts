const CUSTOM_SECTION = 0;

/** The component with one more custom section at its end (WebAssembly core specification, section 5.5.3). */
export function appendCustomSection(component: Uint8Array, name: string, content: Uint8Array): Uint8Array {
  const nameBytes = Buffer.from(name, 'utf8');
  const nameLength = encodeLeb128(nameBytes.length);
  const sectionLength = encodeLeb128(nameLength.length + nameBytes.length + content.length);
  return Buffer.concat([component, Uint8Array.of(CUSTOM_SECTION), sectionLength, nameLength, nameBytes, content]);
}

function encodeLeb128(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return Uint8Array.from(bytes);
}
