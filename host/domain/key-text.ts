import { crc32 } from 'node:zlib';

/**
 * A key as its holder has it: `lorelai_`, 43 characters for 256 random bits, 6 for their checksum, all of 0-9, A-Z and a-z.
 * Scanners find leaked keys by this expression, and tell them from look-alikes by the checksum.
 */
export const KEY_PATTERN = /^lorelai_[0-9A-Za-z]{49}$/;

const PREFIX = 'lorelai_';
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const RANDOM_DIGITS = 43;
const CHECKSUM_DIGITS = 6;
/** How much of a key may be shown, so that people can tell keys apart. */
const HINT_LENGTH = PREFIX.length + 5;

/** The key of 32 random bytes. */
export function toKeyText(random: Uint8Array): string {
  const body = toDigits(BigInt(`0x${Buffer.from(random).toString('hex')}`), RANDOM_DIGITS);
  return `${PREFIX}${body}${checksum(body)}`;
}

/** Whether a text is a key that some host may have made. Costs next to nothing, so that nonsense never reaches the store. */
export function isKeyText(text: string): boolean {
  return KEY_PATTERN.test(text) && checksum(text.slice(PREFIX.length, -CHECKSUM_DIGITS)) === text.slice(-CHECKSUM_DIGITS);
}

/** Whether a text means to be a key, be it a good one or not. */
export function looksLikeKey(text: string): boolean {
  return text.startsWith(PREFIX);
}

/** The part of a key that may be shown. */
export function keyHint(text: string): string {
  return `${text.slice(0, HINT_LENGTH)}…`;
}

/** CRC-32 (ISO 3309) of the random part, as text. */
function checksum(body: string): string {
  return toDigits(BigInt(crc32(body)), CHECKSUM_DIGITS);
}

function toDigits(value: bigint, length: number): string {
  let digits = '';
  for (let rest = value; rest > 0n; rest /= 62n) digits = `${DIGITS[Number(rest % 62n)]}${digits}`;
  return digits.padStart(length, '0');
}
