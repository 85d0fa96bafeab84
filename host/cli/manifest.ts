import { askedAuthorisationOrigins } from '../domain/authorisation.ts';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { limitAmount } from '../domain/limit-amount.ts';
import { DEFAULT_LIMITS } from '../domain/limits.ts';
import { parseManifest } from '../domain/manifest-parse.ts';
import type { Manifest, ManifestNotice, ManifestProblem } from '../domain/manifest.ts';
import { action, makeCommand, type Cli, type Outcome } from './command.ts';
import { EXIT } from './exit.ts';
import { readNamedFile } from './files.ts';
import { oneLine } from './format.ts';

/** Somewhat more than the largest manifest, so that the verdict can say that it is too large. */
const MAX_READ_BYTES = 1024 * 1024;

export function manifestCommand(cli: Cli): Command {
  return makeCommand('manifest', {
    onTheMachine: true,
    summary: 'Check a datasource.yaml and say what it means',
    description:
      'Names every problem with its line, and what has no effect here with what takes its place. Ends with 1 when it would be refused.',
    examples: [
      ['manifest datasources/github', 'checks the manifest of a folder'],
      ['manifest datasource.yaml --json', 'prints the verdict, with every default filled in'],
    ],
  })
    .argument('<file>', 'a datasource.yaml, or the folder that holds one')
    .action(
      action(cli, async (path: string) => {
        const isFolder = await stat(path).then(
          (found) => found.isDirectory(),
          () => false,
        );
        const file = isFolder ? join(path, 'datasource.yaml') : path;
        const text = new TextDecoder().decode(await readNamedFile(file, { maxBytes: MAX_READ_BYTES }));
        const verdict = parseManifest(text);
        return verdict.ok ? accepted(file, verdict) : refused(file, verdict.problems);
      }),
    );
}

function refused(file: string, problems: readonly ManifestProblem[]): Outcome {
  const lines = problems.flatMap((problem) => [
    `  ${placeOf(problem)}${oneLine(problem.reason)}`,
    `    remedy: ${oneLine(problem.remedy)}`,
  ]);
  return {
    json: { file, accepted: false, code: 'INVALID_MANIFEST', problems },
    text: [`${file} is refused: INVALID_MANIFEST.`, ...lines].join('\n'),
    exitCode: EXIT.failed,
  };
}

function accepted(file: string, { manifest, notices }: { manifest: Manifest; notices: readonly ManifestNotice[] }): Outcome {
  return {
    json: { file, accepted: true, manifest, notices },
    text: [
      `${file} is accepted.`,
      ...notices.map((notice) => `  notice: ${placeOf(notice)}${oneLine(notice.text)}`),
      '',
      ...manifestLines(manifest),
    ].join('\n'),
  };
}

function placeOf({ path, line, column }: { path: string; line?: number; column?: number }): string {
  const at = line === undefined ? '' : `line ${line}, column ${column ?? 1}: `;
  return `${at}${path === '' ? '' : `${oneLine(path)}: `}`;
}

/** A manifest for a person who decides about it. */
export function manifestLines(manifest: Manifest): string[] {
  return [
    `${manifest.name} ${oneLine(manifest.version)} by ${oneLine(manifest.author)}`,
    `  ${oneLine(manifest.description)}`,
    `  works with framework ${oneLine(manifest.frameworkVersion)}`,
    ...manifest.dependencies.map(({ name, range }) => `  needs ${oneLine(name)} ${oneLine(range)}`),
    'features',
    ...manifest.features.map(featureLine),
    'asks for',
    ...askLines(manifest),
    ...credentialLines(manifest),
    ...manifest.envVars.map(({ name, description }) => `  ${name}, held by the operator: ${oneLine(description) || 'not described'}`),
    ...listed('keeps', manifest.collections),
    ...listed('reports', manifest.metrics),
    ...(manifest.webhook === undefined ? [] : ['takes webhooks', `  proved by ${manifest.webhook.proof.scheme}`]),
  ];
}

function featureLine({ name, description, enabled, dependsOn }: Manifest['features'][number]): string {
  const needs = dependsOn.length === 0 ? '' : `, needs ${dependsOn.join(' and ')}`;
  return `  ${name} (${enabled ? 'on' : 'off'}${needs}): ${oneLine(description)}`;
}

function credentialLines({ auth }: Manifest): string[] {
  if (auth.type === 'none') return [];
  const scopes = auth.requiredScopes.length === 0 ? '' : ` with the scopes ${auth.requiredScopes.map(oneLine).join(', ')}`;
  const places = auth.attach.flatMap(({ origins, originsFromConfig }) => [
    ...origins,
    ...originsFromConfig.map((key) => `the origin of the setting "${key}"`),
  ]);
  return [`  a credential (${auth.type})${scopes}, sent to ${places.length === 0 ? 'nobody' : places.join(' and ')}`];
}

function listed(verb: string, things: readonly { name: string; description: string }[]): string[] {
  if (things.length === 0) return [];
  return [verb, ...things.map(({ name, description }) => `  ${name}${description === '' ? '' : `: ${oneLine(description)}`}`)];
}

/** Every power that a manifest asks for, with the author's reason. */
export function askLines({ auth, capabilities }: Manifest): string[] {
  const http = capabilities.http.map((ask) =>
    ask.kind === 'origin'
      ? `  http ${ask.origin}: ${oneLine(ask.reason)}`
      : `  http to the origin of the connection's setting "${ask.configKey}": ${oneLine(ask.reason)}`,
  );
  const secrets = askedAuthorisationOrigins(auth.oauth).map((origin) => `  authorisation: to send client secrets and tokens to ${origin}`);
  const limits = capabilities.limits.map(
    ({ limit, value, reason }) =>
      `  limit ${limit} ${limitAmount(limit, value)}, by default ${limitAmount(limit, DEFAULT_LIMITS[limit])}: ${oneLine(reason)}`,
  );
  const asks = [...http, ...secrets, ...(capabilities.storage ? ['  storage: to keep values of its own'] : []), ...limits];
  return asks.length === 0 ? ['  nothing'] : asks;
}
