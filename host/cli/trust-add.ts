import type { Command } from 'commander';
import { COMMAND_LINE } from '../domain/caller.ts';
import { toTrustedIdentityBody, toTrustedKeyBody } from '../routes/shapes/trust.ts';
import type { Services } from '../services/services.ts';
import { action, makeCommand, type Cli, type Outcome, type SharedOptions } from './command.ts';
import { UsageError } from './exit.ts';
import { readNamedFile } from './files.ts';
import { withServices } from './services.ts';

interface AddOptions extends SharedOptions {
  key?: string;
  issuer?: string;
  subject?: string;
  subjectPattern?: string;
  root?: string;
  name: string[];
  allowLookAlike?: true;
}

const MAX_KEY_BYTES = 1024;

export function addCommand(cli: Cli): Command {
  return makeCommand('add', {
    summary: 'Trust a key or an identity of a publisher',
    description:
      'For the names that are given and for no others; said again, it holds for those that are given then. An identity is who signs by sigstore: what its provider and its certificate say, letter by letter.',
    examples: [
      ['trust add acme --key acme.pub --name github --name gitlab', 'a key, for two datasources'],
      [
        'trust add acme --issuer https://accounts.google.com --subject releases@acme.example --name wiki',
        'an identity of the only sigstore root that is here',
      ],
    ],
  })
    .argument('<publisher>', 'what you call the publisher')
    .option('--key <file>', 'the file .pub that the publisher gave you')
    .option('--issuer <url>', 'instead of a key: the provider that vouches for the identity')
    .option('--subject <text>', "the identity: a workflow's URL or an e-mail address")
    .option('--subject-pattern <text>', 'or many: * stands for characters other than / and @')
    .option('--root <name>', 'the sigstore root that it is of (default: the only one)')
    .requiredOption(
      '--name <name>',
      'a datasource, a beginning as in "acme_*", or "*"; may be repeated',
      (name: string, names: string[] = []) => [...names, name],
    )
    .option('--allow-look-alike', "also when a name could be taken for somebody else's")
    .action(
      action(cli, async (publisher: string, options: AddOptions) =>
        withServices(cli.io, options, (services) =>
          options.key === undefined
            ? addIdentity(services, publisher, options)
            : addKey(services, publisher, { ...options, key: options.key }),
        ),
      ),
    );
}

async function addKey({ trust }: Services, publisher: string, options: AddOptions & { key: string }): Promise<Outcome> {
  if (options.issuer !== undefined || options.subject !== undefined || options.subjectPattern !== undefined)
    throw new UsageError('A key and an identity are two things.', 'Add one, and then the other.');
  const publicKey = Buffer.from(await readNamedFile(options.key, { maxBytes: MAX_KEY_BYTES })).toString('utf8');
  const input = { publisher, publicKey, names: options.name, allowLookAlike: options.allowLookAlike === true };
  const added = await trust.add(input, COMMAND_LINE);
  return { json: toTrustedKeyBody(added), text: `Trusts ${publisher} (key ${added.publicKey.id}) for ${added.names.join(', ')}.` };
}

async function addIdentity({ sigstore }: Services, publisher: string, options: AddOptions): Promise<Outcome> {
  const { issuer, subject, subjectPattern } = options;
  if (issuer === undefined || (subject === undefined) === (subjectPattern === undefined))
    throw new UsageError('It is not said who is trusted.', 'Give --key, or --issuer with either --subject or --subject-pattern.');
  const identity = {
    root: options.root ?? (await onlyRoot(sigstore)),
    issuer,
    ...(subject === undefined ? { subject: subjectPattern ?? '', match: 'pattern' as const } : { subject, match: 'exact' as const }),
  };
  const input = { publisher, ...identity, names: options.name, allowLookAlike: options.allowLookAlike === true };
  const added = await sigstore.addIdentity(input, COMMAND_LINE);
  return {
    json: toTrustedIdentityBody(added),
    text: `Trusts ${publisher} (${added.identity.subject} of ${added.identity.issuer}) for ${added.names.join(', ')}.`,
  };
}

async function onlyRoot(sigstore: Services['sigstore']): Promise<string> {
  const [first, ...more] = (await sigstore.roots()).map(({ name }) => name);
  if (first !== undefined && more.length === 0) return first;
  if (first === undefined)
    throw new UsageError('No sigstore instance is trusted yet.', 'Add one first: `datasources trust add-root sigstore trusted_root.json`.');
  throw new UsageError('There are several sigstore roots.', `Say which with --root: ${[first, ...more].join(', ')}.`);
}
