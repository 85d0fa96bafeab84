/** @module Interface lorelai:datasource/log@1.0.0 **/
/**
 * Writes one line. At most 4 KiB; the rest is cut. Control characters are replaced.
 */
export function write(level: Level, message: string): void;
/**
 * How much it matters.
 * # Variants
 * 
 * ## `"debug"`
 * 
 * For the author.
 * ## `"info"`
 * 
 * Normal and worth knowing.
 * ## `"warn"`
 * 
 * Not as it should be, and the call goes on.
 * ## `"error"`
 * 
 * Not as it should be, and something is missing for it.
 */
export type Level = 'debug' | 'info' | 'warn' | 'error';
