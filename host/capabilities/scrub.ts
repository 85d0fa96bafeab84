import { findBytes } from './find-bytes.ts';
import { spellingsOf } from './secret-spellings.ts';

const MASK = '[secret]';
/** Shorter values would turn ordinary text into masks; no real credential is as short. */
const MIN_SECRET_LENGTH = 6;

/** Takes secrets out of what goes back to a guest, also where a peer echoes it encoded. */
export class Scrubber {
  readonly #needles: Buffer[];

  constructor(...secrets: (string | undefined)[]) {
    this.#needles = secrets.flatMap((secret) =>
      secret === undefined || secret.length < MIN_SECRET_LENGTH ? [] : spellingsOf(secret.toWellFormed()),
    );
  }

  text(value: string): string {
    // Headers come as Latin-1, whatever their bytes meant: so they are the bytes that came.
    const encoding = /^[\0-\u00ff]*$/.test(value) ? 'latin1' : 'utf8';
    const before = Buffer.from(value, encoding);
    const after = this.bytes(before);
    return after === before ? value : Buffer.from(after).toString(encoding);
  }

  /** The very same bytes when no secret is in them. */
  bytes(value: Uint8Array): Uint8Array {
    return this.#needles.reduce<Uint8Array>((bytes, needle) => replaceAll(bytes, needle), value);
  }
}

function replaceAll(bytes: Uint8Array, needle: Buffer): Uint8Array {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Uint8Array[] = [];
  let from = 0;
  for (let at = findBytes(source, needle, 0); at >= 0; at = findBytes(source, needle, from)) {
    parts.push(source.subarray(from, at), Buffer.from(MASK));
    from = at + needle.byteLength;
  }
  if (parts.length === 0) return bytes;
  parts.push(source.subarray(from));
  return new Uint8Array(Buffer.concat(parts));
}
