import type { Rule } from './rule.ts';
import { conductRules } from './rules/conduct.ts';
import { describeRules } from './rules/describe.ts';
import { faultRules } from './rules/faults.ts';
import { listingRules } from './rules/listing.ts';
import { readingRules } from './rules/reading.ts';
import { settingsRules } from './rules/settings.ts';
import { surfaceRules } from './rules/surface.ts';

/** Everything that a datasource must do, in the order in which it is tried. A new rule is one entry of a file in `rules/`. */
export function conformanceRules(): Rule[] {
  return [
    ...describeRules(),
    ...settingsRules(),
    ...surfaceRules(),
    ...readingRules(),
    ...listingRules(),
    ...faultRules(),
    ...conductRules(),
  ];
}
