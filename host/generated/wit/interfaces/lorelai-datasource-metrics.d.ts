/** @module Interface lorelai:datasource/metrics@1.0.0 **/
/**
 * Adds to a counter. `amount` is finite and not negative.
 */
export function add(name: string, amount: number): void;
/**
 * Sets a gauge. `value` is finite.
 */
export function set(name: string, value: number): void;
