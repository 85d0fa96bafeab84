import { compare } from 'semver';
import type { Actor } from '../../domain/caller.ts';
import { checkDependencies, loadOrder } from '../../domain/dependencies.ts';
import { RequestError } from '../../domain/errors.ts';
import type { Grant } from '../../domain/grant.ts';
import { parseGrant } from '../../domain/grant-parse.ts';
import { FRAMEWORK_VERSION } from '../../domain/host-packages.ts';
import { isVersion, isWithin } from '../../domain/version-range.ts';
import { insertAuditEvent } from '../../store/audit.ts';
import { recording } from '../../store/changes.ts';
import { getDatasource, setEnabled, setGrant } from '../../store/registry.ts';
import { listAllVersions, listTransitions, listVersions, moveVersion, type StoredVersion } from '../../store/versions.ts';
import type { AuditRecorder } from '../record/audit-recorder.ts';
import { grantChange } from './grant-change.ts';
import { newAsks } from './new-asks.ts';
import { known, parseRegistered, parseStoredManifest, versionOf } from './registered.ts';
import { removeDatasource } from './removal.ts';
import { conform, takeStep, type UpgradeOptions } from './upgrade.ts';
import { highestAtHand, stepAfresh, stepsTo } from './upgrade-steps.ts';
import type { DatasourceVersion, VersionService } from './version-service.ts';
import { installedNodes, unlessChanged, versionsAtHand } from './version-switch.ts';
import { releaseLeftBehind } from './version-upkeep.ts';

export interface VersionOptions extends UpgradeOptions {
  recorder: Pick<AuditRecorder, 'toEvent'>;
}

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

function toVersion({ version, digest, manifest, origin, trust, state, reason, addedAtMs, updatedAtMs }: StoredVersion): DatasourceVersion {
  const { frameworkVersion } = parseStoredManifest(manifest);
  return { version, digest, frameworkVersion, origin, trust, state, reason, addedAtMs, updatedAtMs };
}
