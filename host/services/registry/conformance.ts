import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CassetteWriter, type Cassette } from '../../conformance/cassette.ts';
import { sampleSettings } from '../../conformance/sample-settings.ts';
import { createSubject } from '../../conformance/subject.ts';
import { type ConformanceResult, runSuite, type SuiteOptions } from '../../conformance/suite.ts';
import { RequestError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import { DEFAULT_LIMITS, LIMIT_NAMES, type Limits } from '../../domain/limits.ts';
import type { Manifest } from '../../domain/manifest.ts';
import { checkSettings } from '../../domain/settings.ts';
import type { Log } from '../../log.ts';
import { createCompiler } from '../../sandbox/compile.ts';
import type { Isolation } from '../../sandbox/isolation.ts';
import { DEFAULT_POOL, PoolFullError, SandboxPool } from '../../sandbox/pool.ts';
import { accepted } from './components.ts';
import { openTestSource, type TestSource } from './conformance-source.ts';
import { effectiveFeatures } from './effective-features.ts';
import { invalidConfig, knownFeature } from './flags.ts';
import { askedGrant } from './registered.ts';

/** What a component is tested with. */
export interface ConformanceTest {
  /** Settings of the connection; what is required and left out is made up. */
  config?: JsonObject;
  /** Every feature when left out. */
  feature?: string;
  /** Where its source is: `http://127.0.0.1:4001`. Without one nothing is asked of any network. */
  upstream?: string;
  /** Further origins that it may ask, and blocks of non-public addresses that may be dialled. */
  allow?: readonly string[];
  allowPrivate?: readonly string[];
  secret?: string;
  /** Answers every host call; config and time are its own then. */
  cassette?: Cassette;
  /** Takes the lines of a cassette as they are made. */
  record?: (line: string) => void;
  signal: AbortSignal;
  /** Only these rules, by name. */
  rules?: readonly string[];
  onRule?: SuiteOptions['onRule'];
}

/** A component in a file, and what it is tested with. */
export interface ComponentTest extends ConformanceTest {
  component: Uint8Array;
  isolation: Isolation;
  log: Log;
}

/** A component that is inspected and compiled, and where it runs. */
export interface ConformanceSubject {
  pool: SandboxPool;
  manifest: Manifest;
  digest: string;
  folder: string;
  /** What it was granted of limits; the defaults when left out. One that was lowered is not tried: it says nothing of the component. */
  limits?: Partial<Limits>;
}

/**
 * Runs the conformance suite against a component in its sandbox, without a database. The codes of a component that is
 * refused, INVALID_CONFIG, UNKNOWN_FEATURE, FILE_NOT_READABLE for a cassette of another datasource.
 */
export async function testComponent(test: ComponentTest): Promise<ConformanceResult> {
  const { component, isolation, log } = test;
  const cacheFolder = await mkdtemp(join(tmpdir(), 'datasource-test-'));
  const pool = new SandboxPool({
    ...DEFAULT_POOL,
    maxProcesses: 1,
    isolation,
    onStderr: (text) => log.warn('sandbox process wrote', { text }),
  });
  try {
    const { report, folder } = await createCompiler({ cacheFolder, isolation }).examine(component);
    const { manifest, digest } = accepted(report);
    if (folder === undefined || manifest === undefined) throw new TypeError('an accepted component has a manifest and compiles');
    // Whoever tests a file of their own gives it what it asks for.
    const { limits } = askedGrant(manifest);
    return await testInSandbox({ pool, manifest, digest, folder, limits }, test);
  } finally {
    pool.close();
    await rm(cacheFolder, { recursive: true, force: true });
  }
}

/** The same for one that is compiled. `withoutSource`: only what it shows by itself. */
export async function testInSandbox(
  { pool, manifest, digest, folder, limits = {} }: ConformanceSubject,
  test: ConformanceTest & Pick<SuiteOptions, 'withoutSource'>,
): Promise<ConformanceResult> {
  const { name, version } = manifest;
  const { cassette, secret, signal } = test;
  if (cassette !== undefined) refuseOther(cassette, name);
  const features =
    cassette?.features ??
    (test.feature === undefined ? manifest.features.map((feature) => feature.name) : [knownFeature(manifest, test.feature).name]);
  const config = cassette?.config ?? settingsOf(manifest, test);
  const nowMs = cassette?.nowMs ?? Date.now();
  const source = cassette === undefined ? openTestSource({ manifest, config, test }) : NOWHERE;
  const hasSource = cassette?.hasSource ?? source.grant.http.origins.length > 0;
  const head = { datasource: { name, version, digest }, config, features: [...features], nowMs, hasSource };
  try {
    const subject = createSubject({
      pool,
      manifest,
      digest,
      folder,
      grant: source.grant,
      limits: raised(limits),
      config,
      // What is tested is meant to run, also where the manifest leaves it off.
      features: effectiveFeatures(
        manifest,
        features.map((feature) => ({ feature, enabled: true, config: {}, updatedAtMs: 0 })),
        {},
      ),
      source,
      nowMs,
      recorder: test.record === undefined ? undefined : new CassetteWriter(head, { secret, write: test.record }),
      cassette,
      signal,
    });
    const { withoutSource, onRule, rules } = test;
    const options = {
      features,
      hasSource,
      ...(withoutSource === undefined ? {} : { withoutSource }),
      ...(onRule === undefined ? {} : { onRule }),
      ...(rules === undefined ? {} : { rules }),
    };
    return { name, version, digest, ...(await runSuite(subject, options)) };
  } catch (cause) {
    if (!(cause instanceof PoolFullError)) throw cause;
    throw new RequestError('HOST_BUSY', `No sandbox process is free: ${cause.message}.`, { remedy: 'Try again in a moment.', cause });
  } finally {
    await source.close();
  }
}

/** The defaults, and of the given ones those that are higher. */
function raised(given: Partial<Limits>): Limits {
  const limits: Limits = { ...DEFAULT_LIMITS };
  for (const name of LIMIT_NAMES) limits[name] = Math.max(limits[name], given[name] ?? 0);
  return limits;
}

/** DATASOURCE_FAULT with each rule that failed. */
export function refuseNonconforming({ name, version, passed, rules }: ConformanceResult): void {
  if (passed) return;
  const problems = rules.flatMap((rule) =>
    rule.verdict === 'fail' ? [{ path: rule.name, reason: rule.reason, remedy: rule.remedy }] : [],
  );
  const [first] = problems;
  throw new RequestError(
    'DATASOURCE_FAULT',
    `${name} ${version} does not do what every datasource must: ${problems.map(({ path }) => path).join(', ')}.`,
    {
      remedy: `See all of it with \`datasources verify ${name}@${version}\`, and tell its author${first === undefined ? '' : `: ${first.reason}`}`,
      problems,
    },
  );
}

/** In the place of a source where a cassette answers. */
const NOWHERE: Readonly<TestSource> = Object.freeze({
  grant: { http: { origins: [], privateNetworks: [] }, storage: true, limits: {} },
  send: () => Promise.resolve({ ok: false as const, error: { tag: 'denied' as const, val: 'a cassette answers in place of the source' } }),
  close: () => Promise.resolve(),
});

function refuseOther({ datasource }: Cassette, name: string): void {
  if (datasource.name === name) return;
  throw new RequestError('FILE_NOT_READABLE', `The cassette is of ${datasource.name.slice(0, 80)}, and this is ${name}.`, {
    remedy: 'Play it with the datasource that it was recorded with.',
  });
}

/** INVALID_CONFIG when they do not fit, and no others that do can be made of them. */
function settingsOf({ configSchema, capabilities }: Manifest, { config = {}, upstream }: ConformanceTest): JsonObject {
  const keys = capabilities.http.flatMap((ask) => (ask.kind === 'from-config' ? [ask.configKey] : []));
  const given = { ...(upstream === undefined ? {} : Object.fromEntries(keys.map((key) => [key, upstream]))), ...config };
  const sample = sampleSettings(configSchema, given);
  if (sample !== undefined) return sample;
  const verdict = checkSettings(configSchema, given);
  throw invalidConfig('of the connection', verdict.ok ? [] : verdict.problems, '');
}
