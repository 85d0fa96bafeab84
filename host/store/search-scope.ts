import { createHash } from 'node:crypto';

/**
 * What a passage belongs to, as words of its index entry, so that a search for some datasources or
 * features looks only at their entries instead of filtering what it found.
 */
export interface PassageScope {
  datasource: string;
  feature: string;
}

/** The words of one passage. */
export function scopeWords(scope: PassageScope): string {
  return `${datasourceWord(scope.datasource)} ${featureWord(scope.feature)}`;
}

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
