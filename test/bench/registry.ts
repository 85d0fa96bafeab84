import { join } from 'node:path';
import { checkDependencies } from '../../host/domain/dependencies.ts';
import { EMPTY_GRANT } from '../../host/domain/grant.ts';
import { readConfig } from '../../host/config.ts';
import { FRAMEWORK_VERSION } from '../../host/domain/host-packages.ts';
import type { Manifest } from '../../host/domain/manifest.ts';
import { createLog } from '../../host/log.ts';
import { openServices } from '../../host/services/open.ts';
import { openDatabase, type Database, type Operation } from '../../host/store/database.ts';
import { putFlag } from '../../host/store/flags.ts';
import { registerDatasource } from '../../host/store/registry.ts';
import { defineStatement, type NoParams } from '../../host/store/statement.ts';
import { addVersion, moveVersion } from '../../host/store/versions.ts';
import { manifestWith } from '../helpers/manifest.ts';
import { compared, type Figure, median, timings } from './figure.ts';

const DATASOURCES = 1_000;
const VERSIONS = 5;
const PAGE = 100;
const ROUNDS = 9;

const RAW = defineStatement<NoParams, number>(
  'bench.raw',
  'SELECT name, version, digest, manifest, grant, enabled FROM datasource_registry ORDER BY name',
  (row) => row.text('manifest').length,
);
const RAW_VERSIONS = defineStatement<NoParams, number>(
  'bench.raw-versions',
  'SELECT name, version, manifest FROM datasource_versions ORDER BY name',
  (row) => row.text('manifest').length,
);

/** A registry of 1,000 datasources with 5 versions each: listing all of it and a page, and the check of what needs what, against reading the same rows alone. */
export async function benchRegistry(scratch: string): Promise<Figure[]> {
  const dataDir = join(scratch, 'registry');
  const log = createLog({ level: 'error', pretty: false, write: (line) => process.stderr.write(line) });
  const { services, close } = await openServices(readConfig({ DATA_DIR: dataDir }), log);
  const database = await openDatabase({ file: join(dataDir, 'lorelai.db') });
  try {
    await fill(database);
    const rows = { name: 'the same rows, raw', value: await timeOf(() => database.read(RAW, {})) };
    const all = await timeOf(() => services.registry.list());
    const page = await timeOf(() => services.registry.page({ limit: PAGE }));
    const versions = { name: 'the rows of all versions, raw', value: await timeOf(() => database.read(RAW_VERSIONS, {})) };
    const graph = await timeOf(() => services.versions.graph());
    const { nodes } = await services.versions.graph();
    const check = await timeOf(async () => checkDependencies(nodes, { frameworkVersion: FRAMEWORK_VERSION, atHand: new Map() }));
    return [
      compared(`list ${DATASOURCES} datasources`, 'ms', all, rows),
      compared(`a page of ${PAGE} of them`, 'ms', page, rows),
      compared(`dependency graph of them, ${VERSIONS} versions each`, 'ms', graph, versions),
      compared('of that, the check itself', 'ms', check, versions),
    ];
  } finally {
    await database.close();
    await close();
  }
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  return median(await timings(ROUNDS, work));
}

const nameOf = (index: number): string => `bench_${String(index).padStart(4, '0')}`;

/** Each needs two that come before it; no component is there, and none is needed. */
async function fill(database: Database): Promise<void> {
  const base = manifestWith();
  for (let first = 0; first < DATASOURCES; first += PAGE) {
    await database.write(Array.from({ length: PAGE }, (_, index) => operationsOf(base, first + index)).flat());
  }
}

function operationsOf(base: Manifest, index: number): Operation[] {
  const name = nameOf(index);
  const needs = [...new Set([Math.floor(index / 2), Math.floor(index / 3)])].filter((other) => other < index);
  const dependencies = needs.map((other) => ({ name: nameOf(other), range: '^1.0.0' }));
  const nowMs = Date.now();
  const operations: Operation[] = [];
  const inspection = { verdict: 'accepted' };
  const digest = `sha256:${'0'.repeat(64)}`;
  for (let minor = 0; minor < VERSIONS; minor += 1) {
    const version = `1.${minor}.0`;
    const manifest = { ...base, name, version, dependencies };
    operations.push(addVersion({ name, version, digest, manifest, inspection, origin: 'bench', trust: { kind: 'local' }, nowMs }));
    if (minor < VERSIONS - 1) continue;
    operations.push(registerDatasource({ name, version, digest, manifest, grant: EMPTY_GRANT, inspection, nowMs }));
    const actor = { kind: 'host', id: 'bench', requestId: undefined } as const;
    operations.push(...moveVersion({ name, version, from: 'inspected', to: 'enabled', actor, reason: 'bench', nowMs }));
  }
  operations.push(putFlag(name, { feature: 'items', enabled: true, config: {}, updatedAtMs: nowMs }));
  return operations;
}
