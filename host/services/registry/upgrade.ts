import type { ConformanceResult } from '../../conformance/suite.ts';
import type { Actor } from '../../domain/caller.ts';
import { RequestError } from '../../domain/errors.ts';
import type { Grant } from '../../domain/grant.ts';
import type { Database } from '../../store/database.ts';
import { extendUpgrade, moveVersion, type StoredVersion } from '../../store/versions.ts';
import type { Components } from './components.ts';
import { type ConformanceSubject, refuseNonconforming } from './conformance.ts';
import { grantFor } from './new-asks.ts';
import { known, parseStoredManifest, versionOf } from './registered.ts';
import type { UpgradeStep, VerifyInput } from './version-service.ts';
import { refuseUnsuited, unlessChanged, type VersionSwitch } from './version-switch.ts';

export interface UpgradeOptions {
  database: Database;
  components: Components;
  versionSwitch: VersionSwitch;
  /** Runs the conformance suite against a version in its sandbox. HOST_BUSY. */
  conform(subject: Omit<ConformanceSubject, 'pool'>, how: VerifyInput & { withoutSource?: boolean }): Promise<ConformanceResult>;
}

/** How long a host may be silent before the version that it was upgrading to is given back. */
const UPGRADE_LEASE_MS = 10_000;
const UPGRADE_HEARTBEAT_MS = 2_500;
/** A version that takes as long to be tried is at fault itself. */
const VERIFY_TIMEOUT_MS = 300_000;

/** What the suite says of a version. The codes of a component whose file has changed, HOST_BUSY. */
export async function conform(
  { components, conform: run }: UpgradeOptions,
  { digest, manifest }: StoredVersion,
  { limits, ...how }: VerifyInput & { withoutSource?: boolean; limits: Grant['limits'] },
): Promise<ConformanceResult> {
  return run({ manifest: parseStoredManifest(manifest), digest, folder: await components.folderOf(digest), limits }, how);
}

interface Step {
  step: UpgradeStep;
  approve: boolean;
  afresh: boolean;
  actor: Actor;
}

/** APPROVAL_NEEDED, DATASOURCE_FAULT, and the codes of `VersionSwitch.switchTo`. The version before runs until the last moment. */
export async function takeStep(options: UpgradeOptions, name: string, { step, approve, afresh, actor }: Step): Promise<void> {
  const { database, versionSwitch } = options;
  const running = await known(database, name);
  const target = await versionOf(database, name, step.to);
  refuseUpgrading(target);
  await refuseUnsuited(database, parseStoredManifest(target.manifest));
  const { limits } = await grantFor(database, running, { target, approve, actor });
  const nowMs = Date.now();
  const before = target.state;
  const moves = { name, version: step.to, actor, nowMs };
  const begin = moveVersion({ ...moves, from: before, to: 'upgrading', reason: `from ${running.version}` }, nowMs + UPGRADE_LEASE_MS);
  await unlessChanged(() => database.write(begin));
  const heartbeat = setInterval(() => {
    database.write([extendUpgrade(name, step.to, Date.now() + UPGRADE_LEASE_MS)]).catch(() => undefined);
  }, UPGRADE_HEARTBEAT_MS).unref();
  try {
    const signal = AbortSignal.timeout(VERIFY_TIMEOUT_MS);
    refuseNonconforming(await conform(options, target, { withoutSource: true, signal, limits }));
    const reason = `upgraded from ${running.version}`;
    // As it is given now: somebody may have taken something back while the version was tried.
    const now = await known(database, name);
    const grant = await grantFor(database, now, { target, approve, actor });
    const states = afresh ? 'afresh' : 'go-on';
    await versionSwitch.switchTo({ name, version: step.to, grant, over: now.grant, states, actor, reason });
  } catch (error) {
    const reason = error instanceof RequestError ? error.message : 'the host failed';
    // Whoever took this host for dead has done so already.
    await database.write(moveVersion({ ...moves, from: 'upgrading', to: before, reason, nowMs: Date.now() })).catch(() => undefined);
    throw error;
  } finally {
    clearInterval(heartbeat);
  }
}

/** CONFLICT while a living host is upgrading to the version. */
function refuseUpgrading({ name, version, state }: StoredVersion): void {
  if (state !== 'upgrading') return;
  throw new RequestError('CONFLICT', `A host is upgrading ${name} to ${version} already.`, {
    remedy: `Wait for it; should it be dead, the version is free again after ${UPGRADE_LEASE_MS / 1000} seconds.`,
  });
}
