import type { Actor } from '../../domain/caller.ts';
import { checkDependencies, type DependencyNode } from '../../domain/dependencies.ts';
import { RequestError, type Problem } from '../../domain/errors.ts';
import type { Grant } from '../../domain/grant.ts';
import { FRAMEWORK_VERSION } from '../../domain/host-packages.ts';
import type { Json } from '../../domain/json.ts';
import type { Manifest } from '../../domain/manifest.ts';
import { checkSettings } from '../../domain/settings.ts';
import type { Trust } from '../../domain/trust.ts';
import { mayFollow, type VersionState } from '../../domain/version-state.ts';
import { insertAuditEvent } from '../../store/audit.ts';
import { recording } from '../../store/changes.ts';
import { listConfigs } from '../../store/connections.ts';
import { ExpectationError, type Database, type Operation } from '../../store/database.ts';
import { bringBackStates, forgetStates, keepStates } from '../../store/kept-states.ts';
import { forgetPrevious, getDatasource, guardGrant, listDatasources, registerDatasource, setEnabled } from '../../store/registry.ts';
import {
  addVersion,
  getVersion,
  listAllVersions,
  moveVersion,
  recordTransition,
  VERSION_ADDED,
  type StoredVersion,
} from '../../store/versions.ts';
import { pinVersion, VERSION_PINNED } from '../../store/version-pins.ts';
import type { AuditRecorder } from '../record/audit-recorder.ts';
import type { AdmittedComponent, Components } from './components.ts';
import { grantChange } from './grant-change.ts';
import { parseRegistered, parseStoredManifest, unknownVersion } from './registered.ts';

/** A component on its way in. */
export interface Incoming {
  admitted: AdmittedComponent;
  /** Where it came from, in words. */
  origin: string;
  trust: Trust;
}

/** What happens to checkpoints and collections: kept, so that there is a way back; forgotten; or taken from what was kept. */
export type States = 'go-on' | 'afresh' | 'back';

export interface Switch {
  name: string;
  version: string;
  grant: Grant;
  /** The grant that this one was worked out from, as it is stored: CONFLICT when it is another by now. */
  over?: Json;
  states: States;
  actor: Actor;
  reason: string;
}

/** Changes which version of a datasource runs. Each change is one transaction: a host that is killed has done all of it or nothing. */
export interface VersionSwitch {
  /** Admits a component of this machine and switches to it, whatever ran before. Gives its name. The codes of `Components.admit` and of `switchTo`. */
  install(component: Uint8Array, grant: Grant, actor: Actor): Promise<string>;
  /** Switches to a version that comes with the switch, in the same transaction, whatever ran before. DIGEST_CHANGED and the codes of `switchTo`. */
  bringIn(incoming: Incoming, grant: Grant, actor: Actor): Promise<void>;
  /** Keeps a version beside the one that runs. DIGEST_CHANGED. */
  add(incoming: Incoming, actor: Actor): Promise<void>;
  /** UNKNOWN_VERSION, DEPENDENCY_UNMET, INCOMPATIBLE_UPGRADE, CONFLICT when somebody else changed it meanwhile. */
  switchTo(wanted: Switch): Promise<void>;
}

export interface VersionSwitchOptions {
  database: Database;
  components: Components;
  recorder: Pick<AuditRecorder, 'toEvent'>;
}

export function createVersionSwitch(options: VersionSwitchOptions): VersionSwitch {
  const { database, components } = options;
  const self: VersionSwitch = {
    async install(component, grant, actor) {
      const admitted = await components.admit(component, grant);
      await self.bringIn({ admitted, origin: 'file', trust: { kind: 'local' } }, grant, actor);
      return admitted.manifest.name;
    },

    async bringIn(incoming, grant, actor) {
      const { name, version } = incoming.admitted.manifest;
      const arrival = await arrivalOf(database, incoming, actor);
      const wanted = { name, version, grant, states: 'go-on', actor, reason: `installed from ${incoming.origin}` } as const;
      await unlessChanged(() => switchVersion(options, wanted, arrival));
    },

    async add(incoming, actor) {
      const { operations } = await arrivalOf(database, incoming, actor);
      await unlessChanged(() => database.write(operations));
    },

    async switchTo(wanted) {
      await unlessChanged(() => switchVersion(options, wanted));
    },
  };
  return self;
}

/** A version as it will be in the store once these operations are done. */
interface Arrival {
  operations: Operation[];
  target: Pick<StoredVersion, 'state' | 'digest' | 'manifest' | 'inspection'>;
}

async function arrivalOf(database: Database, { admitted, origin, trust }: Incoming, actor: Actor): Promise<Arrival> {
  const { manifest, digest, report } = admitted;
  const { name, version } = manifest;
  const nowMs = Date.now();
  const before = await getVersion(database, name, version);
  const isNew = before === undefined || before.state === 'removed';
  const moves = { name, version, actor, reason: `from ${origin}`, nowMs };
  const transitions = isNew
    ? [
        recordTransition({ ...moves, from: before?.state, to: 'discovered' }),
        recordTransition({ ...moves, from: 'discovered', to: 'inspected' }),
      ]
    : [];
  const added = addVersion({ name, version, digest, manifest, inspection: report, origin, trust, nowMs });
  // What came from this machine may come again with other bytes, for its author's sake; what came from elsewhere never.
  const pinned = trust.kind === 'local' ? [] : [pinVersion({ name, version, digest, origin }, nowMs)];
  const state = isNew ? 'inspected' : before.state;
  return {
    operations: [...pinned, added, ...transitions],
    target: { state, digest, manifest: Object(manifest), inspection: Object(report) },
  };
}

/** `arrival`: of a version that comes with the switch, in the same transaction. */
async function switchVersion({ database, recorder }: VersionSwitchOptions, wanted: Switch, arrival?: Arrival): Promise<void> {
  const { name, version, grant, states, actor, reason } = wanted;
  const [known, running] = await Promise.all([getVersion(database, name, version), getDatasource(database, name)]);
  const target = arrival?.target ?? known;
  if (target === undefined || target.state === 'removed') throw unknownVersion(name, version);
  const manifest = parseStoredManifest(target.manifest);
  await refuseUnsuited(database, manifest);

  const nowMs = Date.now();
  const { digest } = target;
  const operations: Operation[] = [...(arrival?.operations ?? [])];
  // Whoever took a power back meanwhile has not done so in vain.
  if (wanted.over !== undefined) operations.push(guardGrant(name, wanted.over));
  const move = (moved: string, from: VersionState, to: VersionState): void => {
    if (!mayFollow(from, to)) throw new RequestError('CONFLICT', `${name} ${moved} is ${from}, and cannot become ${to}.`);
    operations.push(...moveVersion({ name, version: moved, from, to, actor, reason, nowMs }));
  };
  const other = running !== undefined && running.version !== version ? running : undefined;
  if (other !== undefined) move(other.version, other.enabled ? 'enabled' : 'disabled', 'installed');
  // What an operator has switched off stays off, whichever version it is.
  const enabled = running?.enabled ?? true;
  const state = enabled ? 'enabled' : 'disabled';
  if (target.state !== state) move(version, target.state, state);
  const previous = other === undefined || states === 'back' ? {} : { previousVersion: other.version };
  operations.push(
    registerDatasource({ name, version, digest, manifest, grant, inspection: Object(target.inspection), ...previous, nowMs }),
  );
  operations.push(setEnabled({ name, enabled, nowMs }), ...stateOperations(name, states, other !== undefined));

  const before = running === undefined ? undefined : parseRegistered(running);
  const granted = grantChange(before, { version, digest, grant });
  // Together or not at all: no grant is ever in force without being on record.
  if (granted !== undefined) operations.push(insertAuditEvent(recorder.toEvent({ ...granted, datasource: name })));
  const change = {
    actor,
    organisation: undefined,
    action: states === 'back' ? 'datasource.rollback' : 'datasource.install',
    target: `datasource/${name}`,
    ...(running === undefined ? {} : { before: { version: running.version, digest: running.digest, grant: running.grant } }),
    after: { version, digest, grant },
  } as const;
  await recording(database, change).write(operations);
}

function stateOperations(name: string, states: States, switched: boolean): Operation[] {
  switch (states) {
    case 'go-on':
      return switched ? keepStates(name) : [];
    case 'afresh':
      return [...keepStates(name), ...forgetStates(name)];
    case 'back':
      return [...bringBackStates(name), forgetPrevious(name)];
    default:
      return states satisfies never;
  }
}

/** DEPENDENCY_UNMET, INCOMPATIBLE_UPGRADE: what stands in the way of a version that has nothing to do with how it behaves. */
export async function refuseUnsuited(database: Database, manifest: Manifest): Promise<void> {
  await Promise.all([refuseUnmet(database, manifest), refuseUnfit(database, manifest)]);
}

/** DEPENDENCY_UNMET unless every datasource finds what it needs once this version runs. */
async function refuseUnmet(database: Database, manifest: Manifest): Promise<void> {
  const nodes = await installedNodes(database);
  const others = nodes.filter(({ name }) => name !== manifest.name);
  const around = { frameworkVersion: FRAMEWORK_VERSION, atHand: await versionsAtHand(database) };
  const faults = checkDependencies([...others, toNode(manifest)], around);
  // What was amiss before, and has nothing to do with this one, does not keep it out.
  const concerned = faults.filter(({ names }) => names.includes(manifest.name));
  const [first] = concerned;
  if (first === undefined) return;
  throw new RequestError('DEPENDENCY_UNMET', first.reason, {
    remedy: first.remedy,
    problems: concerned.map(({ names, reason, remedy }) => ({ path: names.join(' -> '), reason, remedy })),
  });
}

/** INCOMPATIBLE_UPGRADE unless the settings of every connection fit the manifest. */
async function refuseUnfit(database: Database, { name, version, configSchema }: Manifest): Promise<void> {
  const problems: Problem[] = [];
  for (const { id, config } of await listConfigs(database, name)) {
    const verdict = checkSettings(configSchema, config);
    if (!verdict.ok) problems.push(...verdict.problems.map((problem) => ({ ...problem, path: `connection/${id}${problem.path}` })));
  }
  const [first] = problems;
  if (first === undefined) return;
  throw new RequestError(
    'INCOMPATIBLE_UPGRADE',
    `The settings of a connection do not fit ${name} ${version}: ${first.path}: ${first.reason}`,
    {
      remedy: 'Change the settings of the connections first.',
      problems,
    },
  );
}

/** The versions that run, as others depend on them. */
export async function installedNodes(database: Database): Promise<DependencyNode[]> {
  return (await listDatasources(database)).map(({ manifest }) => toNode(parseStoredManifest(manifest)));
}

/** Versions that could be switched to, by datasource. */
export async function versionsAtHand(database: Database): Promise<Map<string, string[]>> {
  const grouped = Map.groupBy(await listAllVersions(database), ({ name }) => name);
  return new Map([...grouped].map(([name, versions]) => [name, versions.map(({ version }) => version)]));
}

function toNode({ name, version, frameworkVersion, dependencies }: Manifest): DependencyNode {
  return { name, version, frameworkVersion, dependencies };
}

/** CONFLICT, DIGEST_CHANGED: tells what it means when the state that a change rests on is no longer there. */
export async function unlessChanged<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof ExpectationError)) throw cause;
    if (cause.statement === VERSION_ADDED || cause.statement === VERSION_PINNED) {
      throw new RequestError('DIGEST_CHANGED', 'Another file has this version already, and the bytes of a version never change.', {
        remedy: 'Give the new file a version of its own, or remove the other one first.',
        cause,
      });
    }
    throw new RequestError('CONFLICT', 'The datasource was changed by somebody else meanwhile.', {
      remedy: 'Look at it, and try again.',
      cause,
    });
  }
}
