import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { conformanceRules } from '../conformance/rules.ts';
import { RequestError } from '../domain/errors.ts';
import { nearest } from '../domain/nearest.ts';
import { collect } from './collect.ts';
import { action, makeCommand, type Cli, type Outcome } from './command.ts';
import { conformanceJson, conformanceText, ruleProgress } from './conformance.ts';
import { parseConfigOption } from './connection-options.ts';
import { readSecret } from './credential-env.ts';
import { EXIT, Interrupted, UsageError } from './exit.ts';
import { readNamedFile } from './files.ts';
import { MAX_READ_BYTES } from './inspect.ts';
import { settings } from './services.ts';

interface TestOptions {
  config?: string;
  feature?: string;
  upstream?: string;
  allow: string[];
  allowPrivate: string[];
  credentialEnv?: string;
  rule: string[];
  record?: string;
  replay?: string;
}

const MAX_CASSETTE_BYTES = 256 * 1024 * 1024;

export function testCommand(cli: Cli): Command {
  return makeCommand('test', {
    onTheMachine: true,
    summary: 'Try whether a datasource does what every datasource must',
    description:
      'Builds a folder, or takes a component, and runs the conformance suite against it in its sandbox; nothing is installed. Without an upstream only what ' +
      'needs none is tried. With one it is read to its end many times over, cancelled, and given faults in place of answers: name a server for tests. ' +
      'A cassette holds every call of the host with its answer, without the credential. Ends with 1 when a rule fails.',
    examples: [
      ['test mine', 'builds the folder and tries what needs no source'],
      [
        'test mine.wasm --upstream http://127.0.0.1:4001 --config \'{"spaces": ["docs"]}\'',
        'with a source, which config keys for URLs and fixed origins are set to',
      ],
      ['test mine --upstream https://wiki.example.com --credential-env TOKEN --record bug.jsonl', 'keeps all that was asked and answered'],
      ['test mine --replay bug.jsonl', 'the same again without the source, and says where the component diverges'],
    ],
  })
    .argument('<path>', 'a folder with datasource.yaml and source.ts, or a component (.wasm)')
    .option('--config <json>', 'settings of the connection as a JSON object, or @file with one; what is required and left out is made up')
    .option('--feature <name>', 'try one feature (default: all)')
    .option('--rule <name>', 'try this rule alone; may be repeated (default: all)', collect, [])
    .option('--upstream <url>', 'where the source is: a server for tests, an emulator')
    .option('--allow <origin>', 'let it ask this origin too; may be repeated', collect, [])
    .option(
      '--allow-private <cidr>',
      'let it dial non-public addresses of this block (loopback is allowed for an upstream there); may be repeated',
      collect,
      [],
    )
    .option('--credential-env <name>', 'environment variable that holds the credential')
    .option('--record <file>', 'write a cassette')
    .option('--replay <file>', 'play a cassette in place of the source')
    .action(action(cli, async (path: string, options: TestOptions) => test(cli, path, options)));
}

async function test({ io }: Cli, path: string, options: TestOptions): Promise<Outcome> {
  const { feature, upstream, allow, allowPrivate } = options;
  if (options.replay !== undefined && [upstream, options.config, feature, options.credentialEnv].some((option) => option !== undefined))
    throw new UsageError(
      '--replay stands alone.',
      'Leave out the config, the feature, the credential and the upstream: the cassette has them.',
    );
  const secret = readSecret(io, options.credentialEnv);
  const config = options.config === undefined ? {} : { config: await parseConfigOption(options.config) };
  const { config: hostConfig, log } = settings(io, {}, 'warn');
  // Loaded late: `--help` and mistakes in the command line need no sandbox.
  const [{ findIsolation }, { testComponent }, { parseCassette }] = await Promise.all([
    import('../sandbox/find-isolation.ts'),
    import('../services/registry/conformance.ts'),
    import('../conformance/cassette.ts'),
  ]);
  const cassette =
    options.replay === undefined
      ? {}
      : { cassette: parseCassette(new TextDecoder().decode(await readNamedFile(options.replay, { maxBytes: MAX_CASSETTE_BYTES }))) };
  const component = await componentOf(path);
  const { isolation } = await findIsolation(hostConfig.isolation);
  const tape = options.record === undefined ? undefined : await openTape(options.record);
  const progress = ruleProgress(io.stderr);
  try {
    const result = await testComponent({
      ...config,
      ...cassette,
      ...(feature === undefined ? {} : { feature }),
      ...(upstream === undefined ? {} : { upstream }),
      ...(secret === undefined ? {} : { secret }),
      ...(tape === undefined ? {} : { record: (line: string) => void tape.write(line) }),
      ...(options.rule.length === 0 ? {} : { rules: options.rule.map(knownRule) }),
      allow,
      allowPrivate,
      component,
      isolation,
      log,
      signal: io.signal,
      onRule: progress.onRule,
    });
    return { json: conformanceJson(result), text: conformanceText(result), exitCode: result.passed ? EXIT.ok : EXIT.failed };
  } catch (error) {
    if (io.signal.aborted) throw new Interrupted('Stopped.');
    throw error;
  } finally {
    progress.end();
    if (tape !== undefined) await closeTape(tape);
  }
}

/** A rule by its name. */
function knownRule(name: string): string {
  const names = conformanceRules().map((rule) => rule.name);
  if (names.includes(name)) return name;
  const similar = nearest(name, names);
  throw new UsageError(
    `There is no rule "${name.slice(0, 80)}".`,
    similar === undefined ? `Name one of: ${names.join(', ')}.` : `Did you mean ${similar}?`,
  );
}

/** A folder is built into one that is thrown away. */
async function componentOf(path: string): Promise<Uint8Array> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) return readNamedFile(path, { maxBytes: MAX_READ_BYTES });
  const { buildDatasource } = await import('../authoring/build.ts');
  const folder = await mkdtemp(join(tmpdir(), 'datasource-test-build-'));
  try {
    const { file } = await buildDatasource(path, { outFile: join(folder, 'component.wasm') });
    return await readNamedFile(file, { maxBytes: MAX_READ_BYTES });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function openTape(file: string): Promise<WriteStream> {
  const stream = createWriteStream(file, { mode: 0o600 });
  try {
    await once(stream, 'open');
    return stream;
  } catch (cause) {
    throw new RequestError('FILE_NOT_READABLE', `${file} cannot be written.`, { remedy: 'Check the folder and its permissions.', cause });
  }
}

async function closeTape(stream: WriteStream): Promise<void> {
  stream.end();
  await once(stream, 'close');
}
