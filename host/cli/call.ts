import type { Command } from 'commander';
import { EMPTY_GRANT, type Grant } from '../domain/grant.ts';
import { parseGrant } from '../domain/grant-parse.ts';
import { LIMITS } from '../domain/limits.ts';
import { describeBreach, type Spend } from '../domain/meter.ts';
import { SOURCE_FUNCTIONS } from '../sandbox/protocol.ts';
import type { Refusal, TrialReport } from '../services/registry/try-component.ts';
import { parseArgument, parseFunction, prettyJson, toPrintable } from './call-values.ts';
import { action, makeCommand, type Cli } from './command.ts';
import { parseConfigOption } from './connection-options.ts';
import { readSecret } from './credential-env.ts';
import { EXIT, Interrupted, UsageError } from './exit.ts';
import { readNamedFile } from './files.ts';
import { count, formatBytes, oneLine } from './format.ts';
import { MAX_READ_BYTES } from './inspect.ts';
import { settings } from './services.ts';

interface CallOptions {
  grant?: string;
  config?: string;
  feature?: string;
  credentialEnv?: string;
}

const MAX_GRANT_BYTES = 1024 * 1024;

export function callCommand(cli: Cli): Command {
  return makeCommand('call', {
    onTheMachine: true,
    summary: 'Run one function of a component file in its sandbox',
    description:
      'For authors: nothing is installed and nothing is kept. The component gets what the grant says, which is nothing when it is left out, ' +
      `and is held to its limits (${Object.keys(LIMITS).length} of them; see docs/reference/limits.md). ` +
      'Prints what the function gave, what the call used, and what it was denied. Ends with 1 when the call failed.',
    examples: [
      ['call hello.wasm describe', 'what it says of itself'],
      ['call hello.wasm read --feature greetings --config \'{"audience": "world"}\'', 'the first batch of a feature'],
      ['call github.wasm check --grant grant.json --config @github.json --credential-env GITHUB_TOKEN', 'tries a connection'],
      ['call github.wasm read \'{"page":2}\' --grant grant.json --json', 'goes on from a checkpoint'],
    ],
  })
    .argument('<file>', 'a component (.wasm)')
    .argument('<export>', `one of: ${SOURCE_FUNCTIONS.join(', ')}`)
    .argument('[json]', 'what goes behind the context: a checkpoint of read and list-*, the query of search, the delivery of receive')
    .option('--grant <file>', 'JSON: {"http": {"origins": [], "privateNetworks": []}, "storage": false, "limits": {}}')
    .option('--config <json>', 'settings of the connection as a JSON object, or @file with one')
    .option('--feature <name>', 'for read and list-ids (default: the first of the manifest)')
    .option('--credential-env <name>', 'environment variable that holds the credential')
    .action(
      action(cli, async (file: string, name: string, json: string | undefined, options: CallOptions) => {
        const func = parseFunction(name);
        const trial = {
          function: func,
          argument: parseArgument(func, json),
          component: await readNamedFile(file, { maxBytes: MAX_READ_BYTES }),
          grant: await readGrant(options.grant),
          config: await parseConfigOption(options.config),
          feature: options.feature,
          secret: readSecret(cli.io, options.credentialEnv),
          signal: cli.io.signal,
        };
        const { config, log } = settings(cli.io, {}, 'warn');
        // Loaded late: `--help` and mistakes in the command line need no sandbox.
        const [{ findIsolation }, { tryComponent }] = await Promise.all([
          import('../sandbox/find-isolation.ts'),
          import('../services/registry/try-component.ts'),
        ]);
        const { isolation } = await findIsolation(config.isolation);
        const report = await tryComponent({ ...trial, isolation, log });
        if (!report.result.ok && report.result.failure === undefined) throw new Interrupted('Stopped.');
        return { json: reportJson(report), text: reportText(name, report), exitCode: report.result.ok ? EXIT.ok : EXIT.failed };
      }),
    );
}

async function readGrant(file: string | undefined): Promise<Grant> {
  if (file === undefined) return parseGrant(EMPTY_GRANT);
  const text = new TextDecoder().decode(await readNamedFile(file, { maxBytes: MAX_GRANT_BYTES }));
  try {
    return parseGrant(JSON.parse(text));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new UsageError(`${file} is not JSON: ${error.message.slice(0, 120)}`, 'Write an object, as `datasources call --help` shows it.');
  }
}

function reportJson({ result, spend, refusals, requests, lines, storage, metrics }: TrialReport): unknown {
  return {
    ...(result.ok ? { ok: true, value: toPrintable(result.value) } : { ok: false, failure: result.failure }),
    spend,
    refusals: refusals.map(({ function: func, error }) => ({ function: func, error: toPrintable(error) })),
    requests,
    lines,
    storage: storage.map(({ collection, key, value }) => ({ collection, key, value: toPrintable(value) })),
    metrics,
  };
}

function reportText(name: string, { result, spend, refusals, requests, lines, storage, metrics }: TrialReport): string {
  return [
    ...(result.ok ? [`${name} gave`, prettyJson(toPrintable(result.value))] : [`${name} failed`, prettyJson(toPrintable(result.failure))]),
    ...section('used', spendLines(spend)),
    ...section('went over', spend.breaches.map(describeBreach)),
    ...section('was refused', refusals.map(refusalLine)),
    ...section(
      'requests',
      requests.map(({ method, origin, path, outcome }) => `${method} ${oneLine(`${origin}${path}`)}: ${outcome}`),
    ),
    ...section(
      'stored',
      storage.map(
        ({ collection, key, value }) => `${collection} ${oneLine(key)}: ${value === undefined ? 'removed' : formatBytes(value.byteLength)}`,
      ),
    ),
    ...section(
      'counted',
      metrics.map(({ kind, name: metric, value }) => `${kind} ${metric} ${value}`),
    ),
    ...section(
      'logged',
      lines.map(({ level, message }) => `${level} ${oneLine(message)}`),
    ),
  ].join('\n');
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`)];
}

function spendLines(spend: Spend): string[] {
  const { wallMs, cpuMs, peakResidentMib, hostCalls, requests, bytesOut, bytesIn, logLines, logBytes, resultBytes } = spend;
  return [
    `${wallMs} ms${cpuMs === undefined ? '' : `, ${cpuMs} ms of a processor`}${peakResidentMib === undefined ? '' : `, ${peakResidentMib} MiB`}`,
    `${count(hostCalls, 'host call')}, ${count(requests, 'request')}, ${formatBytes(bytesOut)} out, ${formatBytes(bytesIn)} in`,
    `${count(logLines, 'log line')} of ${formatBytes(logBytes)}, a result of ${formatBytes(resultBytes)}`,
  ];
}

function refusalLine({ function: func, error }: Refusal): string {
  const { tag, val } = typeof error === 'object' && error !== null && 'tag' in error ? error : { tag: error, val: undefined };
  return `${func} ${oneLine(String(tag))}${val === undefined ? '' : `: ${oneLine(typeof val === 'string' ? val : JSON.stringify(val))}`}`;
}
