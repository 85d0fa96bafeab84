import type { Command } from 'commander';
import { COMMAND_LINE } from '../domain/caller.ts';
import { EMPTY_GRANT, type Grant } from '../domain/grant.ts';
import { parseGrant } from '../domain/grant-parse.ts';
import { RequestError } from '../domain/errors.ts';
import { toDatasourceBody } from '../routes/shapes/datasource.ts';
import type { InspectionReport } from '../sandbox/inspect.ts';
import type { InstalledDatasource, Services } from '../services/services.ts';
import { action, makeCommand, type Cli, type SharedOptions } from './command.ts';
import { splitPair } from './connection-options.ts';
import { readNamedFile } from './files.ts';
import { MAX_READ_BYTES } from './inspect.ts';
import { askLines } from './manifest.ts';
import { withServices } from './services.ts';

interface InstallOptions extends SharedOptions {
  grantAsked?: true;
  allow: string[];
  allowPrivate: string[];
  allowAuthorisation: string[];
  storage?: true;
  limit: string[];
}

export function installCommand(cli: Cli): Command {
  return makeCommand('install', {
    summary: 'Install a component and grant it what it may use',
    description:
      'Nothing is granted unless it is said here; a datasource gets what it asks for and is granted, no more. Installing again replaces the component and the grant.',
    examples: [
      ['install github.wasm', 'shows what it asks for and grants nothing'],
      ['install github.wasm --grant-asked', 'grants all that it asks for by fixed origin, and storage'],
      [
        'install github.wasm --allow https://github.acme.example --allow-private 10.1.0.0/16 --storage',
        'grants one origin that lies in a private network',
      ],
      ['install github.wasm --grant-asked --limit maxRequestsPerMinute=60', 'and at most one request a second'],
    ],
  })
    .argument('<file>', 'a component (.wasm)')
    .option('--grant-asked', 'grant everything that the manifest asks for by fixed origin')
    .option('--allow <origin>', 'grant this origin: https://api.example.com, or https://*.example.com; may be repeated', collect, [])
    .option('--allow-private <cidr>', 'let it dial non-public addresses of this block: 10.1.0.0/16; may be repeated', collect, [])
    .option(
      '--allow-authorisation <origin>',
      'let the host send client secrets and tokens of it to exactly this origin: https://login.example.com; may be repeated',
      collect,
      [],
    )
    .option('--storage', 'let it keep values of its own')
    .option('--limit <name=number>', 'set a limit (docs/reference/limits.md): callTimeoutMs=30000; may be repeated', collect, [])
    .action(
      action(cli, async (file: string, options: InstallOptions) => {
        const component = await readNamedFile(file, { maxBytes: MAX_READ_BYTES });
        const installed = await withServices(cli.io, options, (services) => install(services, component, options));
        return { json: toDatasourceBody(installed), text: installedText(installed) };
      }),
    );
}

/** For options that may be repeated. */
export function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

async function install({ registry }: Services, component: Uint8Array, options: InstallOptions): Promise<InstalledDatasource> {
  if (options.grantAsked !== true) return registry.install(component, toGrant(EMPTY_GRANT, options), COMMAND_LINE);
  const report = await registry.inspect(component);
  if (report.manifest === undefined) throw refused(report);
  return registry.install(component, toGrant(registry.askedGrant(report.manifest), options), COMMAND_LINE);
}

function toGrant(base: Readonly<Grant>, { allow, allowPrivate, allowAuthorisation, storage, limit }: InstallOptions): Grant {
  const numbers = limit.map((option) => splitPair(option, '--limit', 'name=number')).map(([name, text]) => [name, Number(text)]);
  return {
    http: {
      origins: [...new Set([...base.http.origins, ...allow])],
      privateNetworks: [...new Set([...base.http.privateNetworks, ...allowPrivate])],
    },
    authorisation: { origins: [...new Set([...(base.authorisation?.origins ?? []), ...allowAuthorisation])] },
    storage: base.storage || storage === true,
    limits: { ...base.limits, ...parseGrant({ limits: Object.fromEntries(numbers) }).limits },
  };
}

function refused({ problems }: InspectionReport): RequestError {
  return new RequestError('NOT_A_COMPONENT', 'The file is not a datasource: it has no manifest to read.', {
    remedy: 'See what is wrong with: datasources inspect FILE',
    problems,
  });
}

function installedText({ name, version, manifest, grant }: InstalledDatasource): string {
  const granted = [
    ...grant.http.origins.map((origin) => `  http ${origin}`),
    ...grant.http.privateNetworks.map((block) => `  addresses of ${block}`),
    ...(grant.authorisation?.origins ?? []).map((origin) => `  authorisation: secrets may go to ${origin}`),
    ...(grant.storage ? ['  storage'] : []),
    ...Object.entries(grant.limits).map(([name, limit]) => `  limit ${name}=${limit}`),
  ];
  return [
    `Installed ${name} ${version}.`,
    'asks for',
    ...askLines(manifest),
    'granted',
    ...(granted.length === 0 ? ['  nothing'] : granted),
    '',
    `Set it up with: datasources connect ${name}`,
  ].join('\n');
}
