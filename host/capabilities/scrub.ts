const MASK = '[secret]';
/** Shorter values would turn ordinary text into masks; no real credential is as short. */
const MIN_SECRET_LENGTH = 6;

/** Takes secrets out of what goes back to a guest, also where a peer echoes it encoded. */
export class Scrubber {
  readonly #needles: Buffer[];

  constructor(...secrets: (string | undefined)[]) {
    const spellings = secrets.flatMap((secret) =>
      secret === undefined || secret.length < MIN_SECRET_LENGTH ? [] : spellingsOf(secret.toWellFormed()),
    );
    this.#needles = [...new Set(spellings)].map((spelling) => Buffer.from(spelling));
  }

  text(value: string): string {
    return this.#needles.reduce((text, needle) => text.replaceAll(needle.toString(), MASK), value);
  }

  bytes(value: Uint8Array): Uint8Array {
    return this.#needles.reduce<Uint8Array>((bytes, needle) => replaceAll(bytes, needle), value);
  }
}

/** As peers write back what they were sent: plain, in a URL, a form or JSON, and in base64 with anything around it. */
function spellingsOf(secret: string): string[] {
  const percent = encodeURIComponent(secret);
  const json = JSON.stringify(secret).slice(1, -1);
  return [
    secret,
    percent,
    percent.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    new URLSearchParams([['', secret]]).toString().slice(1),
    json,
    json.replaceAll('/', '\\/'),
    ...[0, 1, 2].flatMap((before) => [base64Within(secret, before, 'base64'), base64Within(secret, before, 'base64url')]),
  ];
}

/** The characters that stand for the secret alone when `before` bytes, modulo 3, come before it and anything after it. */
function base64Within(secret: string, before: number, encoding: 'base64' | 'base64url'): string {
  const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]);
  return bytes.toString(encoding).slice(Math.ceil((before * 8) / 6), Math.floor((bytes.byteLength * 8) / 6));
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
