import { createHash } from 'node:crypto';

/**
 * What a passage belongs to, as words of its index entry, so that a search for some datasources or
 * features looks only at their entries instead of filtering what it found.
 */
export interface PassageScope {
  datasource: string;
  feature: string;
}

/** The words of one passage; that of its access list follows. */
export function scopeWords(scope: PassageScope): string {
  return `${datasourceWord(scope.datasource)} ${featureWord(scope.feature)}`;
}

/** The word of an access list, by its key, which is a hash already. Lists of two connections may have the same word. */
export function accessWord(key: string): string {
  return `${key.slice(0, 16)}0`;
}

/** `accessWord` in SQL, of a column that holds a key. */
export const ACCESS_WORD_OF_KEY = (column: string): string => `substr(${column}, 1, 16) || '0'`;

export function datasourceWord(datasource: string): string {
  return word('datasource', datasource);
}

export function featureWord(feature: string): string {
  return word('feature', feature);
}

/**
 * A hash, because names hold hyphens and underscores, at which the tokeniser splits, and because it would stem them:
 * `tests` and `tested` are one word to it. The digit at the end keeps the stemmer away.
 */
function word(...parts: string[]): string {
  return `${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16)}0`;
}
