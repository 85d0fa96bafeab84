import type { Command } from 'commander';
import { COMMAND_LINE } from '../domain/caller.ts';
import { toVariableListBody } from '../routes/shapes/authorisation.ts';
import type { Variable } from '../services/connections/variable-service.ts';
import { action, makeCommand, type Cli, type SharedOptions } from './command.ts';
import { readCredential } from './credential-options.ts';
import { UsageError } from './exit.ts';
import { formatTable, oneLine } from './format.ts';
import { withServices } from './services.ts';

interface VariableOptions extends SharedOptions {
  organisation?: string;
  valueFile?: string;
  valueStdin?: true;
  forget?: true;
}

/** Client ids and secrets: the `env_vars` of a manifest. */
export function variableCommand(cli: Cli): Command {
  return makeCommand('variable', {
    summary: 'Set a value that a datasource needs to be authorised, such as a client id or secret',
    description:
      'Values are sealed and used by the host alone; none is ever shown. Without a name it lists those that the manifest names. Without --organisation a value counts for every organisation that has none of its own.',
    examples: [
      ['variable github', 'lists the variables and whether they are set'],
      ['variable github GITHUB_CLIENT_ID --value-stdin < id.txt', 'sets one for all organisations'],
      ['variable github GITHUB_CLIENT_SECRET --value-file secret.txt --organisation acme', 'sets one for acme'],
      ['variable github GITHUB_CLIENT_SECRET --forget', 'forgets it'],
    ],
  })
    .argument('<datasource>', 'name of an installed datasource')
    .argument('[name]', "one of its manifest's env_vars")
    .option('--organisation <id>', 'for this organisation only')
    .option('--value-file <file>', 'file that holds the value')
    .option('--value-stdin', 'read the value from stdin')
    .option('--forget', 'forget the value')
    .action(
      action(cli, async (datasource: string, name: string | undefined, options: VariableOptions) => {
        const value = await readValue(cli, name, options);
        return withServices(cli.io, options, async ({ variables }) => {
          const { organisation } = options;
          const found =
            name === undefined || value === undefined
              ? await variables.list(organisation, datasource)
              : await variables.set(organisation, datasource, { [name]: value }, COMMAND_LINE);
          return { json: toVariableListBody(found), text: variablesText(datasource, found) };
        });
      }),
    );
}

/** Null to forget; undefined when nothing is to be set. */
async function readValue({ io }: Cli, name: string | undefined, options: VariableOptions): Promise<string | null | undefined> {
  const { valueFile, valueStdin, forget } = options;
  if (name === undefined && valueFile === undefined && valueStdin === undefined && forget === undefined) return undefined;
  if (name === undefined) throw new UsageError('It is not said which variable.', 'Name it behind the datasource.');
  if (forget === true && valueFile === undefined && valueStdin === undefined) return null;
  const value =
    forget === true
      ? undefined
      : await readCredential(
          { ...io, env: {} },
          {
            ...(valueFile === undefined ? {} : { credentialFile: valueFile }),
            ...(valueStdin === undefined ? {} : { credentialStdin: valueStdin }),
          },
        );
  if (value !== undefined) return value;
  throw new UsageError('It is not said what to do with the variable.', 'Give one of --value-file, --value-stdin and --forget.');
}

function variablesText(datasource: string, variables: readonly Variable[]): string {
  if (variables.length === 0) return `${datasource} needs no values.`;
  const setFor = { host: 'set', organisation: 'set for the organisation' };
  return formatTable([
    ['variable', 'value', 'what it is'],
    ...variables.map(({ name, description, setFor: whose }) => [
      name,
      whose === undefined ? 'not set' : setFor[whose],
      oneLine(description),
    ]),
  ]);
}
