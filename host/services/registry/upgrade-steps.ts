import { compare } from 'semver';
import { RequestError } from '../../domain/errors.ts';
import { FRAMEWORK_VERSION } from '../../domain/host-packages.ts';
import { manifestDifferences } from '../../domain/manifest-difference.ts';
import { upgradePath } from '../../domain/upgrade-path.ts';
import type { Database } from '../../store/database.ts';
import { listVersions } from '../../store/versions.ts';
import { known, parseRegistered, parseStoredManifest, versionOf } from './registered.ts';
import type { UpgradeStep } from './version-service.ts';
import { versionsAtHand } from './version-switch.ts';

/** The highest version at hand, or the one that runs. UNKNOWN_DATASOURCE. */
export async function highestAtHand(database: Database, name: string): Promise<string> {
  const running = await known(database, name);
  const versions = (await versionsAtHand(database)).get(name) ?? [];
  return versions.toSorted(compare).at(-1) ?? running.version;
}

/** The versions on the way, each with what changes. UNKNOWN_DATASOURCE, UNKNOWN_VERSION, NO_UPGRADE_PATH. */
export async function stepsTo(database: Database, name: string, to: string): Promise<UpgradeStep[]> {
  const running = await known(database, name);
  await versionOf(database, name, to);
  const versions = new Map((await listVersions(database, name)).map((version) => [version.version, parseStoredManifest(version.manifest)]));
  const candidates = [...versions.values()].map(({ version, frameworkVersion, upgradeFrom }) => ({
    version,
    frameworkVersion,
    upgradeFrom,
  }));
  const path = upgradePath(running.version, to, candidates, FRAMEWORK_VERSION);
  if (!path.ok) throw new RequestError('NO_UPGRADE_PATH', path.reason, { remedy: path.remedy });
  return path.steps.map((version, index) => stepBetween(versions, path.steps[index - 1] ?? running.version, version));
}

function stepBetween(versions: ReadonlyMap<string, ReturnType<typeof parseStoredManifest>>, from: string, to: string): UpgradeStep {
  const [before, after] = [versions.get(from), versions.get(to)];
  if (after === undefined) throw new TypeError(`version ${to} is at hand`);
  return {
    from,
    to,
    // The one that runs may have been registered by a host that kept no versions.
    differences: before === undefined ? [] : manifestDifferences(before, after),
    checkpoints: 'go-on',
  };
}

/** Straight to a version, whatever lies between, without what the one before kept. UNKNOWN_DATASOURCE, UNKNOWN_VERSION. */
export async function stepAfresh(database: Database, name: string, to: string): Promise<UpgradeStep> {
  const running = await known(database, name);
  const { manifest } = await versionOf(database, name, to);
  const differences = manifestDifferences(parseRegistered(running).manifest, parseStoredManifest(manifest));
  return { from: running.version, to, differences, checkpoints: 'afresh' };
}
