import type { Command } from 'commander';
import { COMMAND_LINE } from '../domain/caller.ts';
import { DEFAULT_ORGANISATION } from '../domain/organisation.ts';
import { toConnectionBody, toConnectionCheckBody } from '../routes/shapes/connection.ts';
import type { Connection, ConnectionCheck, ConnectionInput } from '../services/connections/connection-service.ts';
import type { Services } from '../services/services.ts';
import { action, makeCommand, type Cli, type SharedOptions } from './command.ts';
import { parseConfigOption, parseFeatureOptions, parseSetOptions } from './connection-options.ts';
import { CREDENTIAL_VARIABLE, readCredential, type CredentialOptions } from './credential-options.ts';
import { EXIT } from './exit.ts';
import { oneLine } from './format.ts';
import { collect } from './collect.ts';
import { withServices } from './services.ts';

interface ConnectOptions extends SharedOptions, CredentialOptions {
  organisation: string;
  name?: string;
  config?: string;
  set: string[];
  feature: string[];
}

export function connectCommand(cli: Cli): Command {
  return makeCommand('connect', {
    summary: 'Set an installed datasource up for an organisation',
    description:
      `Makes a connection and checks it; ends with 1 when the check says that it cannot work, and the connection stays. ` +
      `A credential is read from a file, from stdin, or from the environment variable ${CREDENTIAL_VARIABLE}.`,
    examples: [
      ['connect hello', 'needs no settings'],
      ['connect github --set repositories=acme/handbook,acme/app --credential-file token.txt', 'reads the token from a file'],
      ['connect github --config @github.json --feature pull_requests=off --credential-stdin < token.txt', 'takes all settings from a file'],
    ],
  })
    .argument('<datasource>', 'name of an installed datasource')
    .option('--organisation <id>', 'whose connection it is', DEFAULT_ORGANISATION)
    .option('--name <name>', 'what people call it (default: the name of the datasource)')
    .option('--config <json>', 'settings as a JSON object, or @file with one')
    .option('--set <key=value>', 'one setting, over --config; a list may be written with commas; may be repeated', collect, [])
    .option('--feature <name=on|off>', 'switch a feature for this connection; may be repeated', collect, [])
    .option('--credential-file <file>', 'file that holds the credential')
    .option('--credential-stdin', 'read the credential from stdin')
    .action(
      action(cli, async (datasource: string, options: ConnectOptions) => {
        const credential = await readCredential(cli.io, options);
        const features = parseFeatureOptions(options.feature);
        const config = await parseConfigOption(options.config);
        return withServices(cli.io, options, async (services) => {
          const { manifest } = await services.registry.get(datasource);
          const made = await connect(services, options.organisation, {
            datasource,
            config: { ...config, ...parseSetOptions(options.set, manifest.configSchema) },
            features,
            ...(options.name === undefined ? {} : { name: options.name }),
            ...(credential === undefined ? {} : { credential }),
          });
          return {
            json: { connection: toConnectionBody(made.connection), check: toConnectionCheckBody(made.check) },
            text: connectedText(made.connection, made.check, manifest.auth.oauth !== undefined),
            exitCode: made.check.ready ? EXIT.ok : EXIT.failed,
          };
        });
      }),
    );
}

async function connect(
  { connections }: Services,
  organisation: string,
  input: ConnectionInput,
): Promise<{ connection: Connection; check: ConnectionCheck }> {
  const connection = await connections.create(organisation, input, COMMAND_LINE);
  return { connection, check: await connections.check(organisation, connection.id) };
}

function connectedText(connection: Connection, check: ConnectionCheck, authorisable: boolean): string {
  const { failure } = check;
  const account = check.account === undefined ? '' : ` as ${oneLine(check.account)}`;
  const message = failure === undefined || failure.kind === 'invalid-config' ? [] : [`  ${failure.kind}: ${oneLine(failure.message)}`];
  const problems = [...check.problems, ...(failure?.kind === 'invalid-config' ? failure.problems : [])];
  return [
    `Connected ${connection.datasource} for ${connection.organisation}: ${connection.id}`,
    check.ready ? `The check says that it works${account}.` : 'The check says that it cannot work yet:',
    ...message,
    ...problems.flatMap(({ path, reason, remedy }) => [`  ${oneLine(path)}: ${oneLine(reason)}`, `    remedy: ${oneLine(remedy)}`]),
    ...(check.ready ? ['', `Index it with: datasources index ${connection.id}`] : []),
    ...(authorisable && !connection.hasCredential ? ['', `Have its source authorise it with: datasources authorize ${connection.id}`] : []),
  ].join('\n');
}
