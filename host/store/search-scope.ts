import { createHash } from 'node:crypto';

/**
 * What a passage belongs to, as words of its index entry, so that a search looks only at entries of
 * one organisation (and of some datasources or features) instead of filtering what it found.
 */
export interface PassageScope {
  organisation: string;
  datasource: string;
  feature: string;
}

/** The words of one passage. */
export function scopeWords(scope: PassageScope): string {
  return [
    organisationWord(scope.organisation),
    datasourceWord(scope.organisation, scope.datasource),
    featureWord(scope.organisation, scope.feature),
  ].join(' ');
}

export function organisationWord(organisation: string): string {
  return word('organisation', organisation);
}

/** Implies the organisation. */
export function datasourceWord(organisation: string, datasource: string): string {
  return word('datasource', organisation, datasource);
}

/** Implies the organisation. */
export function featureWord(organisation: string, feature: string): string {
  return word('feature', organisation, feature);
}

/**
 * A hash, because names hold hyphens, at which the tokeniser splits, and because it would stem them:
 * `tests` and `tested` are one word to it. The digit at the end keeps the stemmer away.
 */
function word(...parts: string[]): string {
  return `${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 24)}0`;
}
