const MASK = '[secret]';
/** Shorter values would turn ordinary text into masks; no real credential is as short. */
const MIN_SECRET_LENGTH = 6;

/** Takes a secret out of what goes back to a guest, also where a peer echoes it encoded. */
export class Scrubber {
  readonly #needles: Buffer[];

  constructor(secret: string | undefined) {
    const spellings =
      secret === undefined || secret.length < MIN_SECRET_LENGTH
        ? []
        : [
            secret,
            encodeURIComponent(secret),
            Buffer.from(secret).toString('base64').replace(/=+$/, ''),
            Buffer.from(secret).toString('base64url'),
          ];
    this.#needles = [...new Set(spellings)].map((spelling) => Buffer.from(spelling));
  }

  text(value: string): string {
    return this.#needles.reduce((text, needle) => text.replaceAll(needle.toString(), MASK), value);
  }

  bytes(value: Uint8Array): Uint8Array {
    return this.#needles.reduce<Uint8Array>((bytes, needle) => replaceAll(bytes, needle), value);
  }
}

function replaceAll(bytes: Uint8Array, needle: Buffer): Uint8Array {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Uint8Array[] = [];
  let from = 0;
  for (let at = source.indexOf(needle); at >= 0; at = source.indexOf(needle, from)) {
    parts.push(source.subarray(from, at), Buffer.from(MASK));
    from = at + needle.byteLength;
  }
  if (parts.length === 0) return bytes;
  parts.push(source.subarray(from));
  return new Uint8Array(Buffer.concat(parts));
}
