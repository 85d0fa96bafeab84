import type { Command } from 'commander';
import { COMMAND_LINE } from '../domain/caller.ts';
import { DEFAULT_ORGANISATION } from '../domain/organisation.ts';
import type { Person, PersonAccount } from '../domain/person.ts';
import { toAccessExplanationBody, toPersonBody, toPrincipalBody } from '../routes/shapes/person.ts';
import { present } from '../routes/shapes/present.ts';
import type { AccessExplanation, PersonInput, Whom } from '../services/people/people-services.ts';
import type { Services } from '../services/services.ts';
import { allPages } from './all-pages.ts';
import { connectionNamed } from './choose-connection.ts';
import { action, makeCommand, type Cli, type SharedOptions } from './command.ts';
import { UsageError } from './exit.ts';
import { formatTable, oneLine } from './format.ts';
import { collect } from './collect.ts';
import { peopleImportCommand } from './people-import.ts';
import { withServices } from './services.ts';

export interface PeopleOptions extends SharedOptions {
  organisation: string;
}

interface PersonOptions extends PeopleOptions {
  name?: string;
  alias: string[];
  account: string[];
}

/** People of an organisation, and what they are to the sources. */
export function peopleCommand(cli: Cli): Command {
  const command = makeCommand('people', {
    summary: 'Make people known, and see what they are to the sources',
    description: 'Only for people who are known can questions be asked.',
    examples: [
      ['people add ada@acme.example --name Ada --account github=ada-l', 'with an account at a connection'],
      ['people import people.jsonl', 'many at once, a JSON object a line'],
      ['people unmapped', 'accounts that sources name and that are nobody’s'],
      ['people explain 01KATM4X7Z6V0R1Q2W3E4R5T6Y --person ada@acme.example', 'why she may or may not see a document'],
    ],
  });
  const parts = [
    addCommand,
    setCommand,
    listCommand,
    removeCommand,
    peopleImportCommand,
    principalsCommand,
    unmappedCommand,
    explainCommand,
  ];
  for (const make of parts) command.addCommand(make(cli));
  return command;
}

function addCommand(cli: Cli): Command {
  return personOptions(
    makeCommand('add', {
      summary: 'Make a person known',
      description: 'An address, and an account at a connection, is one person’s.',
      examples: [['people add ada@acme.example --alias a.lovelace@acme.example', 'with two addresses']],
    }),
  ).action(
    action(cli, async (email: string, options: PersonOptions) =>
      withServices(cli.io, options, async (services) => {
        const input = await personInput(services, options);
        return shown(await services.people.create(options.organisation, { email, ...input }, COMMAND_LINE));
      }),
    ),
  );
}

function setCommand(cli: Cli): Command {
  return personOptions(
    makeCommand('set', {
      summary: 'Change what is known of a person',
      description: 'What is not named stays; aliases, and accounts, are replaced as a whole.',
      examples: [['people set ada@acme.example --account github=ada-l', 'gives her an account, and takes others from her']],
    }),
  ).action(
    action(cli, async (person: string, options: PersonOptions) =>
      withServices(cli.io, options, async (services) => {
        const input = await personInput(services, options);
        if (Object.keys(input).length === 0)
          throw new UsageError('It is not said what to change.', 'Name a --name, an --alias or an --account.');
        return shown(await services.people.change(options.organisation, person, input, COMMAND_LINE));
      }),
    ),
  );
}

function listCommand(cli: Cli): Command {
  return makeCommand('list', {
    summary: 'List people',
    description: 'With their addresses and accounts.',
    examples: [['people list --organisation acme', 'the people of one organisation']],
  })
    .option('--organisation <id>', 'whose people', DEFAULT_ORGANISATION)
    .action(
      action(cli, async (options: PeopleOptions) =>
        withServices(cli.io, options, async ({ people }) => {
          const found = await allPages((page) => people.list(options.organisation, page));
          return { json: { items: found.map(toPersonBody) }, text: peopleText(found) };
        }),
      ),
    );
}

function removeCommand(cli: Cli): Command {
  return makeCommand('remove', {
    summary: 'Forget a person',
    description: 'From then on questions for them are refused.',
    examples: [['people remove ada@acme.example', 'by any of her addresses, or her id']],
  })
    .argument('<person>', 'id or address')
    .option('--organisation <id>', 'whose person', DEFAULT_ORGANISATION)
    .action(
      action(cli, async (person: string, options: PeopleOptions) =>
        withServices(cli.io, options, async ({ people }) => {
          await people.remove(options.organisation, person, COMMAND_LINE);
          return { json: { removed: person }, text: `${oneLine(person)} is not known any more.` };
        }),
      ),
    );
}

function principalsCommand(cli: Cli): Command {
  return makeCommand('principals', {
    summary: 'Show what a person is to the sources',
    description: 'Addresses, domains, accounts, and groups of any depth, as far as a source has named them.',
    examples: [['people principals ada@acme.example', 'all that she is']],
  })
    .argument('<person>', 'id or address')
    .option('--organisation <id>', 'whose person', DEFAULT_ORGANISATION)
    .action(
      action(cli, async (person: string, options: PeopleOptions) =>
        withServices(cli.io, options, async ({ people }) => {
          const held = await people.principals(options.organisation, person);
          const rows = held.map(({ kind, id, connection = '', name = '' }) => [kind, oneLine(id), connection, oneLine(name)]);
          const text =
            rows.length === 0 ? 'No source has named this person.' : formatTable([['KIND', 'ID', 'CONNECTION', 'NAME'], ...rows]);
          return { json: { items: held.map(toPrincipalBody) }, text };
        }),
      ),
    );
}

function unmappedCommand(cli: Cli): Command {
  return makeCommand('unmapped', {
    summary: 'List accounts that are nobody’s',
    description: 'Documents or groups of the sources name them. Give one to a person with `people set`.',
    examples: [['people unmapped --json', 'for programs']],
  })
    .option('--organisation <id>', 'whose connections', DEFAULT_ORGANISATION)
    .action(
      action(cli, async (options: PeopleOptions) =>
        withServices(cli.io, options, async ({ people }) => {
          const found = await allPages((page) => people.unmapped(options.organisation, page));
          const rows = found.map(({ connection, account, email = '', groups }) => [
            connection,
            oneLine(account),
            oneLine(email),
            String(groups),
          ]);
          const text =
            rows.length === 0 ? 'Every account is somebody’s.' : formatTable([['CONNECTION', 'ACCOUNT', 'ADDRESS', 'GROUPS'], ...rows]);
          return { json: { items: found.map((account) => present(account)) }, text };
        }),
      ),
    );
}

interface ExplainOptions extends PeopleOptions {
  person?: string;
  principal?: string;
}

function explainCommand(cli: Cli): Command {
  return makeCommand('explain', {
    summary: 'Explain why somebody may or may not see a document',
    description: 'Set by set, with the groups that they are in.',
    examples: [['people explain 01KATM4X7Z6V0R1Q2W3E4R5T6Y --principal account:octocat', 'for an account at the source']],
  })
    .argument('<document>', 'the documentId that `datasources search --json` shows')
    .option('--person <id or e-mail>', 'for whom')
    .option('--principal <kind:id>', 'or for which principal of its connection: account:octocat, group:staff')
    .option('--organisation <id>', 'whose document', DEFAULT_ORGANISATION)
    .action(
      action(cli, async (document: string, options: ExplainOptions) =>
        withServices(cli.io, options, async ({ access }) => {
          const explained = await access.explain(options.organisation, document, toWhom(options));
          return { json: toAccessExplanationBody(explained), text: explanationText(explained) };
        }),
      ),
    );
}

function toWhom({ person, principal }: ExplainOptions): Whom {
  if (person !== undefined && principal === undefined) return { person };
  const [, kind, id] = /^(account|email|group|domain):(.+)$/su.exec(principal ?? '') ?? [];
  const known = kind === 'account' || kind === 'email' || kind === 'group' || kind === 'domain';
  if (person === undefined && known && id !== undefined) return { principal: { kind, id } };
  throw new UsageError('It is not said for whom.', 'Give --person, or --principal as in account:octocat.');
}

function explanationText({ visible, reason, sets }: AccessExplanation): string {
  const lines = sets.map(({ satisfied, anyOf, path }, index) => {
    const some = anyOf.slice(0, 5).map(({ kind, id }) => `${kind}:${oneLine(id)}`);
    const more = anyOf.length > some.length ? ` and ${anyOf.length - some.length} more` : '';
    const way = satisfied ? `by ${path.map(({ kind, id }) => `${kind}:${oneLine(id)}`).join(' > ')}` : 'not satisfied';
    return `  ${index + 1}. any of ${some.join(', ') || 'nobody'}${more}: ${way}`;
  });
  return [`${visible ? 'Visible' : 'Not visible'}. ${reason}`, ...lines].join('\n');
}

function personOptions(command: Command): Command {
  return command
    .argument('<person>', 'address (or id)')
    .option('--name <name>', 'what people call them')
    .option('--alias <address>', 'another address of theirs; may be repeated', collect, [])
    .option('--account <connection=account>', 'an account at a connection, by its id or name; may be repeated', collect, [])
    .option('--organisation <id>', 'whose person', DEFAULT_ORGANISATION);
}

/** Without what the command line leaves out. */
async function personInput(services: Services, { organisation, name, alias, account }: PersonOptions): Promise<Omit<PersonInput, 'email'>> {
  return {
    ...(name === undefined ? {} : { name }),
    ...(alias.length === 0 ? {} : { aliases: alias }),
    ...(account.length === 0 ? {} : { accounts: await toAccounts(services, organisation, account) }),
  };
}

async function toAccounts({ connections }: Services, organisation: string, given: readonly string[]): Promise<PersonAccount[]> {
  const known = await allPages((page) => connections.list(organisation, page));
  return given.map((text) => {
    const at = text.indexOf('=');
    if (at < 1 || at === text.length - 1) throw new UsageError(`"${text}" is no account.`, 'Write it as in github=octocat.');
    return { connection: connectionNamed(known, text.slice(0, at)).id, account: text.slice(at + 1) };
  });
}

function shown(person: Person): { json: unknown; text: string } {
  return { json: toPersonBody(person), text: peopleText([person]) };
}

function peopleText(people: readonly Person[]): string {
  if (people.length === 0) return 'Nobody is known. Make people known with: datasources people add';
  const rows = people.map(({ id, email, name, aliases, accounts }) => [
    id,
    email,
    oneLine(name),
    aliases.join(', '),
    accounts.map(({ account }) => oneLine(account)).join(', '),
  ]);
  return formatTable([['PERSON', 'ADDRESS', 'NAME', 'ALIASES', 'ACCOUNTS'], ...rows]);
}
