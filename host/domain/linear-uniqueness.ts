import type { Ajv2020 } from 'ajv/dist/2020.js';
import type { Json } from './json.ts';
import { isJsonObject } from './json.ts';

/**
 * Makes `uniqueItems` take time in proportion to the list. Ajv compares every item with every other one unless their type is a simple one,
 * so that a list of a few ten thousand, in a body or under the schema of a stranger's manifest, would hold the host up for minutes.
 */
export function useLinearUniqueness(ajv: Ajv2020): void {
  ajv.removeKeyword('uniqueItems');
  ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    validate: (wanted: boolean, items: Json[]) => !wanted || new Set(items.map(canonical)).size === items.length,
  });
}

/** The same text for values that are equal: the order of keys does not count. */
function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  const keys = Object.keys(value).toSorted();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key] ?? null)}`).join(',')}}`;
}
