import { compare } from 'semver';
import type { ConformanceResult } from '../../conformance/suite.ts';
import type { Actor } from '../../domain/caller.ts';
import { checkDependencies, loadOrder } from '../../domain/dependencies.ts';
import { RequestError } from '../../domain/errors.ts';
import type { Grant } from '../../domain/grant.ts';
import { grantLines, joinGrants, limitLine, newlyAsked } from '../../domain/grant-difference.ts';
import { parseGrant } from '../../domain/grant-parse.ts';
import { FRAMEWORK_VERSION } from '../../domain/host-packages.ts';
import { limitAmount } from '../../domain/limit-amount.ts';
import { manifestDifferences } from '../../domain/manifest-difference.ts';
import { upgradePath } from '../../domain/upgrade-path.ts';
import { isVersion, isWithin } from '../../domain/version-range.ts';
import { insertAuditEvent } from '../../store/audit.ts';
import { recording } from '../../store/changes.ts';
import { expecting } from '../../store/expectations.ts';
import { listConfigs } from '../../store/connections.ts';
import type { Database } from '../../store/database.ts';
import { deleteDatasource, getDatasource, setEnabled, setGrant, type RegisteredDatasource } from '../../store/registry.ts';
import { removeConnections } from '../../store/removals.ts';
import {
  extendUpgrade,
  getVersion,
  listAllVersions,
  listDigests,
  listTransitions,
  listVersions,
  moveVersion,
  type StoredVersion,
} from '../../store/versions.ts';
import { forgetVariables } from '../../store/variables.ts';
import type { AuditRecorder } from '../record/audit-recorder.ts';
import { limitsOf, type Components } from './components.ts';
import { type ConformanceSubject, refuseNonconforming } from './conformance.ts';
import { grantChange } from './grant-change.ts';
import { askedGrant, known, parseRegistered, parseStoredManifest } from './registered.ts';
import type { DatasourceVersion, NewAsk, UpgradeStep, VerifyInput, VersionService } from './version-service.ts';
import { installedNodes, refuseUnsuited, unknownVersion, unlessChanged, versionsAtHand, type VersionSwitch } from './version-switch.ts';
import { releaseLeftBehind } from './version-upkeep.ts';

export interface VersionOptions {
  database: Database;
  components: Components;
  recorder: Pick<AuditRecorder, 'toEvent'>;
  versionSwitch: VersionSwitch;
  /** Runs the conformance suite against a version in its sandbox. HOST_BUSY. */
  conform(subject: Omit<ConformanceSubject, 'pool'>, how: VerifyInput & { withoutSource?: boolean }): Promise<ConformanceResult>;
}

/** How long a host may be silent before the version that it was upgrading to is given back. */
const UPGRADE_LEASE_MS = 10_000;
const UPGRADE_HEARTBEAT_MS = 2_500;
/** A version that takes as long to be tried is at fault itself. */
const VERIFY_TIMEOUT_MS = 300_000;
const MAX_PAGE = 200;

export function createVersions(options: VersionOptions): VersionService {
  const { database, components, versionSwitch } = options;
  const self: VersionService = {
    async list(name) {
      await known(database, name);
      return (await listVersions(database, name)).toSorted((a, b) => compare(b.version, a.version)).map(toVersion);
    },

    async history(name, { limit, after }) {
      const before = after === undefined ? Number.MAX_SAFE_INTEGER : Number(after);
      const rows = await listTransitions(database, name, Number.isSafeInteger(before) ? before : 0, Math.min(limit, MAX_PAGE) + 1);
      const items = rows.slice(0, limit);
      return { items, next: rows.length > limit ? String(items.at(-1)?.id) : undefined };
    },

    async add(component, origin, actor) {
      const grant = parseGrant({});
      const admitted = await components.admit(component, grant);
      await versionSwitch.add({ admitted, origin, trust: { kind: 'local' } }, actor);
      const { name, version } = admitted.manifest;
      return toVersion(await versionOf(database, name, version));
    },

    path: (name, to) => stepsTo(database, name, to),

    async verify(name, version, how) {
      const wanted = version ?? (await known(database, name)).version;
      const running = await getDatasource(database, name);
      const limits = running === undefined ? {} : parseRegistered(running).grant.limits;
      return conform(options, await versionOf(database, name, wanted), { ...how, limits });
    },

    async upgrade(name, { version, approve = false, afresh = false }, actor) {
      await releaseLeftBehind(database);
      const target = version ?? (await highestAtHand(database, name));
      const steps = afresh ? [await stepAfresh(database, name, target)] : await stepsTo(database, name, target);
      for (const step of steps) await takeStep(options, name, { step, approve, afresh, actor });
      return { steps };
    },

    async asks(name, version) {
      const [running, target] = await Promise.all([known(database, name), versionOf(database, name, version)]);
      return { digest: target.digest, asks: newAsks(running, target) };
    },

    async approve(name, version, { digest }, actor) {
      const target = await versionOf(database, name, version);
      if (digest !== undefined && digest !== target.digest) {
        throw new RequestError('DIGEST_CHANGED', `${name} ${version} has other bytes than those that were looked at.`, {
          remedy: 'Look at what it asks for once more, and approve that.',
        });
      }
      if (target.state !== 'awaiting-approval') {
        throw new RequestError('CONFLICT', `${name} ${version} is ${target.state}, and waits for no approval.`, {
          remedy: 'Switch to it with `datasources upgrade`; what it newly asks for then waits.',
        });
      }
      return self.upgrade(name, { version, approve: true }, actor);
    },

    async rollback(name, actor) {
      const running = await known(database, name);
      if (running.previousVersion === undefined) {
        throw new RequestError('NOTHING_TO_ROLL_BACK', `No version of ${name} ran before ${running.version}, or the way back was used.`, {
          remedy: 'Switch to a version with `datasources upgrade`, or install one.',
        });
      }
      const { grant } = parseRegistered(running);
      const reason = `rolled back from ${running.version}`;
      const over = running.grant;
      await versionSwitch.switchTo({ name, version: running.previousVersion, grant, over, states: 'back', actor, reason });
    },

    async setEnabled(name, enabled, reason, actor) {
      const { version, enabled: was } = await known(database, name);
      if (was === enabled) return;
      const [from, to] = enabled ? (['disabled', 'enabled'] as const) : (['enabled', 'disabled'] as const);
      const nowMs = Date.now();
      const change = {
        actor,
        organisation: undefined,
        action: `datasource.${enabled ? 'enable' : 'disable'}`,
        target: `datasource/${name}`,
      } as const;
      const moves = [...moveVersion({ name, version, from, to, actor, reason, nowMs }), setEnabled({ name, enabled, nowMs })];
      await unlessChanged(() => recording(database, { ...change, after: { reason } }).write(moves));
    },

    setGrant: (name, grant, actor) => changeGrant(options, name, parseGrant(grant), actor),

    remove: (name, { connections }, actor) => removeDatasource(options, name, { connections, actor }),

    async graph() {
      const nodes = await installedNodes(database);
      const faults = checkDependencies(nodes, { frameworkVersion: FRAMEWORK_VERSION, atHand: await versionsAtHand(database) });
      return { frameworkVersion: FRAMEWORK_VERSION, nodes, faults, order: loadOrder(nodes) };
    },

    async matrix(name, other) {
      if (other !== undefined && !isVersion(other)) throw noVersion('framework');
      const frameworks = [...new Set([FRAMEWORK_VERSION, other ?? FRAMEWORK_VERSION])];
      const versions = (await listAllVersions(database)).filter((version) => name === undefined || version.name === name);
      const rows = versions.map(({ name: of, version, state, manifest }) => {
        const { frameworkVersion } = parseStoredManifest(manifest);
        return {
          name: of,
          version,
          state,
          frameworkVersion,
          fits: frameworks.map((framework) => ({ framework, fits: isWithin(framework, frameworkVersion) })),
        };
      });
      return rows.toSorted((a, b) => (a.name === b.name ? compare(b.version, a.version) : a.name < b.name ? -1 : 1));
    },
  };
  return self;
}

function noVersion(parameter: string): RequestError {
  return new RequestError('INVALID_REQUEST', `${parameter}: It is no semantic version.`, { remedy: 'Write three numbers: 2.0.0.' });
}

async function versionOf(database: Database, name: string, version: string): Promise<StoredVersion> {
  const found = await getVersion(database, name, version);
  if (found === undefined || found.state === 'removed') throw unknownVersion(name, version);
  return found;
}

async function highestAtHand(database: Database, name: string): Promise<string> {
  const running = await known(database, name);
  const versions = (await versionsAtHand(database)).get(name) ?? [];
  return versions.toSorted(compare).at(-1) ?? running.version;
}

/** The versions on the way, each with what changes. UNKNOWN_DATASOURCE, UNKNOWN_VERSION, NO_UPGRADE_PATH. */
async function stepsTo(database: Database, name: string, to: string): Promise<UpgradeStep[]> {
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

async function stepAfresh(database: Database, name: string, to: string): Promise<UpgradeStep> {
  const running = await known(database, name);
  const { manifest } = await versionOf(database, name, to);
  const differences = manifestDifferences(parseRegistered(running).manifest, parseStoredManifest(manifest));
  return { from: running.version, to, differences, checkpoints: 'afresh' };
}

/** What the suite says of a version. The codes of a component whose file has changed, HOST_BUSY. */
async function conform(
  { components, conform: run }: VersionOptions,
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
async function takeStep(options: VersionOptions, name: string, { step, approve, afresh, actor }: Step): Promise<void> {
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

/** What a version asks for that the one that runs does not, and nobody has given. */
function newGrant(running: RegisteredDatasource, { manifest }: StoredVersion): Grant {
  const { manifest: before, grant: given } = parseRegistered(running);
  return newlyAsked({ before: askedGrant(before), now: askedGrant(parseStoredManifest(manifest)) }, given);
}

/** The same for a person who decides about it. */
function newAsks(running: RegisteredDatasource, target: StoredVersion): NewAsk[] {
  const { http, limits } = parseStoredManifest(target.manifest).capabilities;
  const inForce = limitsOf(parseRegistered(running).grant);
  const known = new Map<string, Pick<NewAsk, 'reason' | 'now'>>([
    ...http.flatMap((ask) => (ask.kind === 'origin' ? [[`http ${ask.origin}`, { reason: ask.reason }] as const] : [])),
    ...limits.flatMap(({ limit, value, reason }) =>
      limitLine(limit, value).map((line) => [line, { reason, now: limitAmount(limit, inForce[limit]) }] as const),
    ),
  ]);
  return grantLines(newGrant(running, target)).map((what) => ({ what, reason: undefined, ...known.get(what) }));
}

/** What the version is given: what the one before had, and what it newly asks for once that is approved. APPROVAL_NEEDED. */
async function grantFor(
  database: Database,
  running: RegisteredDatasource,
  { target, approve, actor }: { target: StoredVersion; approve: boolean; actor: Actor },
): Promise<Grant> {
  const { grant: given } = parseRegistered(running);
  const asks = newAsks(running, target);
  const extra = asks.map(({ what }) => what);
  if (extra.length === 0) return given;
  // Only that: what was asked for before and not given stays so.
  if (approve) return joinGrants(given, newGrant(running, target));
  const { name, version } = target;
  const reason = `it asks for ${extra.join(', ')}`;
  if (target.state !== 'awaiting-approval') {
    const move = { name, version, from: target.state, to: 'awaiting-approval', actor, reason, nowMs: Date.now() } as const;
    await database.write(moveVersion(move));
  }
  throw new RequestError('APPROVAL_NEEDED', `${name} ${version} asks for more than ${running.version} did: ${extra.join(', ')}.`, {
    remedy: `Approve it with \`datasources approve ${name}@${version}\` once you have read what changes; until then the version before keeps running.`,
    problems: asks.map(({ what, reason: why, now }) => ({
      path: what,
      reason: `${why ?? 'It is new in this version.'}${now === undefined ? '' : ` It is ${now} now.`}`,
      remedy: 'Grant it, or stay with the version that runs.',
    })),
  });
}

async function changeGrant({ database, recorder }: VersionOptions, name: string, grant: Grant, actor: Actor): Promise<void> {
  const running = await known(database, name);
  const before = parseRegistered(running);
  const granted = grantChange(before, { version: running.version, digest: running.digest, grant });
  if (granted === undefined) return;
  const change = {
    actor,
    organisation: undefined,
    action: 'datasource.grant',
    target: `datasource/${name}`,
    before: before.grant,
    after: grant,
  } as const;
  const event = insertAuditEvent(recorder.toEvent({ ...granted, reason: 'the grant was changed', datasource: name }));
  await recording(database, change).write([setGrant({ name, grant, nowMs: Date.now() }), event]);
}

/** DATASOURCE_IN_USE unless its connections go with it; RUN_IN_PROGRESS. */
async function removeDatasource(
  { database, components }: VersionOptions,
  name: string,
  { connections, actor }: { connections: boolean; actor: Actor },
): Promise<{ versions: number; connections: number }> {
  const running = await known(database, name);
  const used = await listConfigs(database, name);
  if (used.length > 0 && !connections) {
    throw new RequestError('DATASOURCE_IN_USE', `${used.length} connections use ${name}.`, {
      remedy: 'Remove them first, or have them removed with it (`--with-connections`): their documents go too.',
      problems: used.slice(0, 20).map(({ id, organisation }) => ({ path: id, reason: `It is of ${organisation}.`, remedy: 'Remove it.' })),
    });
  }
  if (used.length > 0) await removeConnections(expecting(database, actor), used, Date.now());
  const versions = await listVersions(database, name);
  const nowMs = Date.now();
  const moves = versions.flatMap(({ version, state }) =>
    moveVersion({ name, version, from: state, to: 'removed', actor, reason: 'the datasource was removed', nowMs }),
  );
  const change = {
    actor,
    organisation: undefined,
    action: 'datasource.remove',
    target: `datasource/${name}`,
    before: { versions: versions.map(({ version }) => version) },
  } as const;
  const digests = new Set([running.digest, ...versions.map(({ digest }) => digest)]);
  await unlessChanged(() => recording(database, change).write([...moves, forgetVariables(name), deleteDatasource(name)]));
  const kept = new Set(await listDigests(database));
  for (const digest of digests) if (!kept.has(digest)) await components.forget(digest);
  return { versions: versions.length, connections: used.length };
}

function toVersion({ version, digest, manifest, origin, trust, state, reason, addedAtMs, updatedAtMs }: StoredVersion): DatasourceVersion {
  const { frameworkVersion } = parseStoredManifest(manifest);
  return { version, digest, frameworkVersion, origin, trust, state, reason, addedAtMs, updatedAtMs };
}
