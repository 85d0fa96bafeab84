import { parseManifest } from '../../host/domain/manifest-parse.ts';
import type { Manifest } from '../../host/domain/manifest.ts';
import { SMALL_MANIFEST } from './wat-component.ts';

/** A manifest that asks for nothing, but for what a test gives. */
export function manifestWith(parts: Partial<Manifest> = {}): Manifest {
  const parsed = parseManifest(SMALL_MANIFEST);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return { ...parsed.manifest, ...parts };
}
