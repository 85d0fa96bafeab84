import { RequestError } from '../../domain/errors.ts';
import { GROUPS_STREAM, type ScheduledKind } from '../../domain/run-kind.ts';
import { effectiveFeatures } from '../registry/effective-features.ts';
import type { CallTarget } from '../connections/sandboxed-call.ts';

/** The parts of a run of this kind, in order. INVALID_REQUEST when there is none. */
export function partsOf(
  { datasource, connection }: Pick<CallTarget, 'datasource' | 'connection'>,
  kind: ScheduledKind,
  wanted: readonly string[] | undefined,
): string[] {
  if (kind === 'access') return [GROUPS_STREAM];
  const enabled = effectiveFeatures(datasource.manifest, datasource.flags, connection.features).filter((feature) => feature.enabled);
  const features = enabled.map(({ name }) => name).filter((name) => wanted?.includes(name) ?? true);
  if (features.length > 0) return features;
  throw new RequestError('INVALID_REQUEST', 'There is nothing to read: every feature that was asked for is switched off.', {
    remedy: 'Switch a feature on for the datasource or for the connection.',
  });
}
