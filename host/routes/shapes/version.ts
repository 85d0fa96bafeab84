import { isJsonObject } from '../../domain/json.ts';
import type { ApiSchemas } from '../../generated/api.ts';
import type {
  DatasourceVersion,
  DependencyGraph,
  MatrixRow,
  NewAsk,
  UpgradeStep,
  VersionTransition,
} from '../../services/registry/version-service.ts';
import { present, toTimestamp } from './present.ts';

export function toDatasourceVersionBody(version: DatasourceVersion): ApiSchemas['DatasourceVersion'] {
  const { digest, frameworkVersion, origin, trust, state, reason } = version;
  return present({
    version: version.version,
    digest,
    frameworkVersion,
    origin,
    trust: isJsonObject(trust) ? trust : {},
    state,
    reason,
    addedAt: toTimestamp(version.addedAtMs),
    updatedAt: toTimestamp(version.updatedAtMs),
  });
}

export function toVersionTransitionBody({ version, from, to, actor, reason, atMs }: VersionTransition): ApiSchemas['VersionTransition'] {
  return present({ version, from, to, actor, reason, at: toTimestamp(atMs) });
}

export function toUpgradeStepBody({ from, to, differences, checkpoints }: UpgradeStep): ApiSchemas['UpgradeStep'] {
  return { from, to, differences: differences.map(({ area, change, what }) => ({ area, change, what })), checkpoints };
}

export function toDependencyGraphBody({ frameworkVersion, nodes, faults, order }: DependencyGraph): ApiSchemas['DependencyGraph'] {
  return present({
    frameworkVersion,
    nodes: nodes.map((node) => ({
      name: node.name,
      version: node.version,
      frameworkVersion: node.frameworkVersion,
      dependencies: node.dependencies.map(({ name, range }) => ({ name, range })),
    })),
    faults: faults.map(({ kind, names, reason, remedy }) => ({ kind, names, reason, remedy })),
    order,
  });
}

export function toNewAsksBody({ digest, asks }: { digest: string; asks: NewAsk[] }): ApiSchemas['NewAsks'] {
  return { digest, items: asks.map(({ what, reason, now }) => present({ what, reason, now })) };
}

export function toMatrixRowBody({ name, version, state, frameworkVersion, fits }: MatrixRow): ApiSchemas['MatrixRow'] {
  return { name, version, state, frameworkVersion, fits };
}
