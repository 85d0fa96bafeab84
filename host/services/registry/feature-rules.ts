import type { FeatureOverride } from '../../domain/connection.ts';
import { RequestError, type Problem } from '../../domain/errors.ts';
import { unmetFeatures, type SwitchedFeature, type UnmetFeature } from '../../domain/feature-dependencies.ts';
import type { Manifest } from '../../domain/manifest.ts';
import type { StoredFlag } from '../../store/flags.ts';
import { switchedFeatures } from './effective-features.ts';

/** Features of one connection, or of a datasource for all of its connections, before and after a change. */
export interface FeatureChange {
  /** In words, for a message: `for the datasource`. */
  where: string;
  /** For a program: the id of the connection. */
  path: string;
  before: readonly SwitchedFeature[];
  after: readonly SwitchedFeature[];
}

/** FEATURE_DEPENDENCY when a change would leave a feature on without one that it needs. What was so before is no reason. */
export function refuseUnmetFeatures(changes: readonly FeatureChange[]): void {
  const problems = changes.flatMap((change) => newlyUnmet(change).map((unmet) => toProblem(change, unmet)));
  const [first] = problems;
  if (first === undefined) return;
  throw new RequestError('FEATURE_DEPENDENCY', first.reason, { remedy: first.remedy, problems });
}

/** The same for the settings of one connection. */
export function refuseUnmetOverrides(
  { manifest, flags }: { manifest: Manifest; flags: readonly StoredFlag[] },
  before: Readonly<Record<string, FeatureOverride>>,
  after: Readonly<Record<string, FeatureOverride>>,
): void {
  const [was, is] = [before, after].map((overrides) => switchedFeatures(manifest, flags, overrides));
  refuseUnmetFeatures([{ where: 'for the connection', path: '/features', before: was ?? [], after: is ?? [] }]);
}

function newlyUnmet({ before, after }: FeatureChange): UnmetFeature[] {
  const known = new Set(unmetFeatures(before).map(({ feature, needs }) => `${feature} ${needs}`));
  return unmetFeatures(after).filter(({ feature, needs }) => !known.has(`${feature} ${needs}`));
}

/** What else must change is what stays as it was. */
function toProblem({ where, path, before }: FeatureChange, { feature, needs }: UnmetFeature): Problem {
  const wasOn = before.some(({ name, enabled }) => name === needs && enabled);
  const reason = wasOn ? `${feature} needs ${needs}, and is on ${where}.` : `${feature} needs ${needs}, which is off ${where}.`;
  const remedy = wasOn
    ? `Switch ${feature} off ${where} first, or together with it.`
    : `Switch ${needs} on ${where} first, or together with it.`;
  return { path: path.startsWith('/') ? `${path}/${feature}` : path, reason, remedy };
}
