/** What encoders of JSON escape besides what they must: nothing, what is not ASCII, and what means something in a page, too. */
const ESCAPED_IN_JSON = [/(?!)/g, /[^ -~]/g, /[^ -~]|[&<>]/g, /[^ -~]|[&<>'+`]/g];
/** What browsers leave as it is in a part of a URL, and what RFC 3986 does (section 2.3). */
const KEPT_IN_URLS = [/[A-Za-z0-9\-_.!~*'()]/, /[A-Za-z0-9\-_.~]/];
/** As templates write them: quotes have several names, and need none. */
const HTML_NAMES: readonly Readonly<Record<string, string>>[] = [
  { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' },
  { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#x27;' },
  { '&': '&amp;', '<': '&lt;', '>': '&gt;' },
];

/**
 * A secret as peers write back what they were sent, each spelling once: plain, in a URL, a form, JSON or a page, in hexadecimal
 * digits, and in base64 with anything around it. Headers go out in Latin-1, so that a peer may give back those bytes, too.
 */
export function spellingsOf(secret: string): Buffer[] {
  const texts = [
    secret,
    ...jsonSpellings(secret),
    ...HTML_NAMES.map((names) => secret.replaceAll(/[&<>"']/g, (found) => names[found] ?? found)),
  ];
  const forms = bytesOf(secret);
  const ascii = [
    new URLSearchParams([['', secret]]).toString().slice(1),
    ...forms.flatMap((bytes) => [...urlSpellings(bytes), ...binarySpellings(bytes)]),
  ];
  const spellings = [...texts.flatMap(bytesOf), ...ascii.map((text) => Buffer.from(text))];
  return [...new Map(spellings.map((spelling) => [spelling.toString('latin1'), spelling])).values()];
}

/** In UTF-8, and in Latin-1 when that has all its characters. */
function bytesOf(text: string): Buffer[] {
  return [Buffer.from(text), ...(/^[\0-\u00ff]*$/.test(text) ? [Buffer.from(text, 'latin1')] : [])];
}

function jsonSpellings(secret: string): string[] {
  const plain = JSON.stringify(secret).slice(1, -1);
  return ESCAPED_IN_JSON.flatMap((odd) => {
    const lower = plain.replaceAll(odd, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`);
    const upper = lower.replaceAll(/(?<=\\u)[0-9a-f]{4}/g, (digits) => digits.toUpperCase());
    // .NET writes a quote, too, as a number, and PHP a slash with another before it.
    return [lower, upper, upper.replaceAll('\\"', '\\u0022')].flatMap((text) => [text, text.replaceAll('/', '\\/')]);
  });
}

function urlSpellings(bytes: Buffer): string[] {
  const characters = [...bytes.toString('latin1')];
  return KEPT_IN_URLS.flatMap((kept) => {
    const lower = characters.map((one) => (kept.test(one) ? one : `%${one.charCodeAt(0).toString(16).padStart(2, '0')}`)).join('');
    return [lower, lower.replaceAll(/%[0-9a-f]{2}/g, (code) => code.toUpperCase())];
  });
}

function binarySpellings(bytes: Buffer): string[] {
  const hex = bytes.toString('hex');
  return [
    hex,
    hex.toUpperCase(),
    ...[0, 1, 2].flatMap((before) => [base64Within(bytes, before, 'base64'), base64Within(bytes, before, 'base64url')]),
  ];
}

/** The characters that stand for the secret alone when `before` bytes, modulo 3, come before it and anything after it. */
function base64Within(secret: Buffer, before: number, encoding: 'base64' | 'base64url'): string {
  const bytes = Buffer.concat([Buffer.alloc(before), secret]);
  return bytes.toString(encoding).slice(Math.ceil((before * 8) / 6), Math.floor((bytes.byteLength * 8) / 6));
}
