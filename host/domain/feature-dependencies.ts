/** A feature as far as others depend on it. */
export interface SwitchedFeature {
  name: string;
  enabled: boolean;
  /** Features that must be on as well. */
  dependsOn: readonly string[];
}

/** A feature that is on, and needs one that is off. */
export interface UnmetFeature {
  feature: string;
  needs: string;
}

/** Every feature that is on without one that it needs, in the order in which they stand. */
export function unmetFeatures(features: readonly SwitchedFeature[]): UnmetFeature[] {
  const off = new Set(features.filter(({ enabled }) => !enabled).map(({ name }) => name));
  return features
    .filter(({ enabled }) => enabled)
    .flatMap(({ name, dependsOn }) => dependsOn.filter((needs) => off.has(needs)).map((needs) => ({ feature: name, needs })));
}

/**
 * Those that are on and find all that they need, at any depth. Nobody can switch features so that one lacks what it needs; a new
 * version may ask for more than is on, and then what lacks it rests.
 */
export function satisfiedFeatures(features: readonly SwitchedFeature[]): Set<string> {
  let left = features;
  for (let unmet = unmetFeatures(left); unmet.length > 0; unmet = unmetFeatures(left)) {
    const resting = new Set(unmet.map(({ feature }) => feature));
    left = left.map((feature) => (resting.has(feature.name) ? { ...feature, enabled: false } : feature));
  }
  return new Set(left.filter(({ enabled }) => enabled).map(({ name }) => name));
}

/** A ring of features that need each other; undefined when there is none. */
export function ringOfFeatures(features: readonly Pick<SwitchedFeature, 'name' | 'dependsOn'>[]): string[] | undefined {
  const byName = new Map(features.map((feature) => [feature.name, feature]));
  const settled = new Set<string>();
  const visit = (name: string, way: readonly string[]): string[] | undefined => {
    const at = way.indexOf(name);
    if (at >= 0) return way.slice(at);
    if (settled.has(name)) return undefined;
    for (const needs of byName.get(name)?.dependsOn ?? []) {
      const ring = visit(needs, [...way, name]);
      if (ring !== undefined) return ring;
    }
    settled.add(name);
    return undefined;
  };
  for (const { name } of features) {
    const ring = visit(name, []);
    if (ring !== undefined) return ring;
  }
  return undefined;
}
