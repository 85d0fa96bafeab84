import type { Command } from 'commander';
import { COMMAND_LINE } from '../domain/caller.ts';
import { EMPTY_GRANT } from '../domain/grant.ts';
import { grantLines } from '../domain/grant-difference.ts';
import { RequestError } from '../domain/errors.ts';
import { toDatasourceBody } from '../routes/shapes/datasource.ts';
import type { InspectionReport } from '../sandbox/inspect.ts';
import type { InstalledDatasource } from '../services/registry/registry-service.ts';
import type { Services } from '../services/services.ts';
import type { GrantFor } from '../services/sources/source-services.ts';
import { action, makeCommand, type Cli, type SharedOptions } from './command.ts';
import { readNamedFile } from './files.ts';
import { comesFromElsewhere } from './elsewhere.ts';
import { addGrantOptions, withOptions, type GrantOptions } from './grant-options.ts';
import { MAX_READ_BYTES } from './inspect.ts';
import { askLines } from './manifest.ts';
import { withServices } from './services.ts';
import { readSignatures } from './signing-file.ts';

interface InstallOptions extends SharedOptions, GrantOptions {
  grantAsked?: true;
  found?: true;
  signed?: true;
}

export function installCommand(cli: Cli): Command {
  const command = makeCommand('install', {
    summary: 'Install a component and grant it what it may use',
    description:
      'Nothing is granted unless it is said here; a datasource gets what it asks for and is granted, no more. Installing again replaces the component and the grant.',
    examples: [
      ['install github.wasm', 'shows what it asks for and grants nothing'],
      ['install oci://registry.example.com/acme/github:1.2.0 --grant-asked', 'from a registry, when its publisher is trusted'],
      ['install github.wasm --signed', 'a file that somebody brought, when its publisher is trusted'],
      ['install acme_wiki', 'by its name in a market'],
      ['install github.wasm --grant-asked', 'grants all that it asks for by fixed origin, storage and limits'],
      [
        'install github.wasm --allow https://github.acme.example --allow-private 10.1.0.0/16 --storage',
        'grants one origin that lies in a private network',
      ],
      ['install github.wasm --grant-asked --limit maxRequestsPerMinute=60', 'and at most one request a second'],
    ],
  })
    .argument('<file>', 'a component (.wasm), oci://HOST/REPOSITORY:TAG, https://…#sha256:…, or the name of one in a market')
    .option('--found', 'the argument is a name: run the highest version that is here already, found in a watched folder')
    .option('--signed', 'prove the file as if it came from elsewhere, by FILE.sig or FILE.sigstore.json beside it')
    .option('--grant-asked', 'grant everything that the manifest asks for by fixed origin, its limits too');
  return addGrantOptions(command).action(
    action(cli, async (file: string, options: InstallOptions) => {
      const installed = await withServices(cli.io, options, async (services) => {
        if (options.signed === true) return installSigned(services, file, options);
        if (options.found === true || (await comesFromElsewhere(file))) return installFromElsewhere(services, file, options);
        return install(services, await readNamedFile(file, { maxBytes: MAX_READ_BYTES }), options);
      });
      return { json: toDatasourceBody(installed), text: installedText(installed) };
    }),
  );
}

/** A component that was proved or found: what it asks for is known once it is here. */
async function installFromElsewhere(
  { registry, sources }: Pick<Services, 'registry' | 'sources'>,
  address: string,
  options: InstallOptions,
): Promise<InstalledDatasource> {
  const grantFor = grantForOptions(options);
  const taken = await (options.found === true
    ? sources.installFound({ name: address }, grantFor, COMMAND_LINE)
    : sources.install(address, grantFor, COMMAND_LINE));
  return registry.get(taken.manifest.name);
}

async function installSigned({ registry, sources }: Services, file: string, options: InstallOptions): Promise<InstalledDatasource> {
  const { signature, bundle } = await readSignatures(file);
  const bytes = await readNamedFile(file, { maxBytes: MAX_READ_BYTES });
  const taken = await sources.installSigned({ bytes, signature, bundle }, grantForOptions(options), COMMAND_LINE);
  return registry.get(taken.manifest.name);
}

function grantForOptions(options: InstallOptions): GrantFor {
  return (asked) => withOptions(options.grantAsked === true ? asked : EMPTY_GRANT, options);
}

async function install({ registry }: Services, component: Uint8Array, options: InstallOptions): Promise<InstalledDatasource> {
  if (options.grantAsked !== true) return registry.install(component, withOptions(EMPTY_GRANT, options), COMMAND_LINE);
  const report = await registry.inspect(component);
  if (report.manifest === undefined) throw refused(report);
  return registry.install(component, withOptions(registry.askedGrant(report.manifest), options), COMMAND_LINE);
}

function refused({ problems }: InspectionReport): RequestError {
  return new RequestError('NOT_A_COMPONENT', 'The file is not a datasource: it has no manifest to read.', {
    remedy: 'See what is wrong with: datasources inspect FILE',
    problems,
  });
}

function installedText({ name, version, manifest, grant }: InstalledDatasource): string {
  const granted = grantLines(grant).map((line) => `  ${line}`);
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
