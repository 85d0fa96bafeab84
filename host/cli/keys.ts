import { InvalidArgumentError, Option, type Command } from 'commander';
import { COMMAND_LINE, SCOPES, type Scope } from '../domain/caller.ts';
import { toKeyBody, toMadeKeyBody } from '../routes/shapes/key.ts';
import type { ApiKey, MadeKey } from '../services/callers/keys.ts';
import { allPages } from './all-pages.ts';
import { action, makeCommand, type Cli, type SharedOptions } from './command.ts';
import { UsageError } from './exit.ts';
import { formatTable, oneLine } from './format.ts';
import { withServices } from './services.ts';

interface CreateOptions extends SharedOptions {
  scope: Scope[];
  organisation?: string;
  host?: true;
  expires?: number;
}

const DAY_MS = 24 * 60 * 60_000;
const UNITS_MS: Readonly<Record<string, number>> = { m: 60_000, h: 60 * 60_000, d: DAY_MS };
const EVERY_KEY = { organisation: undefined };

/** Works on the store of this machine, so that it also helps when no key is left. */
export function keysCommand(cli: Cli): Command {
  const command = makeCommand('keys', {
    summary: 'Make, list, replace and revoke keys of the API',
    description: 'A key is shown once, when it is made.',
    examples: [
      ['keys create Lorelai --scope reader --scope on-behalf-of --organisation default', 'a key for one organisation'],
      ['keys create prometheus --scope metrics --host', 'a key of the whole host'],
      ['keys rotate 01KATM4X7Z6V0R1Q2W3E4R5T6Y --overlap 24h', 'its successor; the old one stays in force for a day'],
      ['keys revoke 01KATM4X7Z6V0R1Q2W3E4R5T6Y', 'refused from the next request on'],
    ],
  });
  // What stands behind the name of a sub-command is for that one.
  command.enablePositionalOptions();
  for (const make of [createCommand, listCommand, rotateCommand, revokeCommand, generateCommand]) command.addCommand(make(cli));
  return command;
}

function createCommand(cli: Cli): Command {
  return makeCommand('create', {
    summary: 'Make a key',
    description: 'Prints it once. It belongs to one organisation, or with --host to the whole host.',
    examples: [['keys create ci --scope operator --organisation acme --expires 90d', 'in force for 90 days']],
  })
    .argument('<name>', 'who will hold it, and what for')
    .addOption(
      new Option('--scope <scope>', `what its holder may do: ${SCOPES.join(', ')}; may be repeated`)
        .argParser(addScope)
        .makeOptionMandatory(),
    )
    .addOption(new Option('--organisation <id>', 'whose it is').conflicts('host'))
    .option('--host', 'a key of the whole host')
    .option('--expires <duration>', 'how long it is in force, as in 90d; for ever when left out', toDurationMs)
    .action(
      action(cli, async (name: string, options: CreateOptions) =>
        withServices(cli.io, options, async ({ keys }) => {
          const { scope: scopes, organisation, host, expires } = options;
          if (organisation === undefined && host === undefined)
            throw new UsageError('It is not said whose key it is.', 'Name an --organisation, or say --host.');
          const expiry = expires === undefined ? {} : { expiresAtMs: Date.now() + expires };
          return shown(await keys.create({ organisation, name, scopes, ...expiry }, COMMAND_LINE));
        }),
      ),
    );
}

function listCommand(cli: Cli): Command {
  return makeCommand('list', {
    summary: 'List keys',
    description: 'With what they may do and when they were last used. Revoked ones stay listed.',
    examples: [['keys list --organisation acme', 'the keys of one organisation']],
  })
    .option('--organisation <id>', 'only keys of this organisation')
    .action(
      action(cli, async (options: SharedOptions & { organisation?: string }) =>
        withServices(cli.io, options, async ({ keys }) => {
          const found = await allPages((page) => keys.list({ organisation: options.organisation }, page));
          return { json: { items: found.map(toKeyBody) }, text: keysText(found) };
        }),
      ),
    );
}

function rotateCommand(cli: Cli): Command {
  return makeCommand('rotate', {
    summary: 'Make the successor of a key',
    description: 'It has the same rights. The old one stays in force for the overlap.',
    examples: [['keys rotate 01KATM4X7Z6V0R1Q2W3E4R5T6Y --overlap 0m', 'the old one is refused at once']],
  })
    .argument('<id>', 'id of the key')
    .option('--overlap <duration>', 'how long the old key stays in force, as in 24h or 7d', toDurationMs, DAY_MS)
    .action(
      action(cli, async (id: string, options: SharedOptions & { overlap: number }) =>
        withServices(cli.io, options, async ({ keys }) => shown(await keys.rotate(EVERY_KEY, id, options.overlap, COMMAND_LINE))),
      ),
    );
}

function revokeCommand(cli: Cli): Command {
  return makeCommand('revoke', {
    summary: 'Put a key out of force',
    description: 'Every host refuses it from the next request on.',
    examples: [['keys revoke 01KATM4X7Z6V0R1Q2W3E4R5T6Y', 'for good']],
  })
    .argument('<id>', 'id of the key')
    .action(
      action(cli, async (id: string, options: SharedOptions) =>
        withServices(cli.io, options, async ({ keys }) => {
          const key = await keys.revoke(EVERY_KEY, id, COMMAND_LINE);
          return { json: toKeyBody(key), text: `Revoked ${key.id} (${oneLine(key.name)}).` };
        }),
      ),
    );
}

function generateCommand(cli: Cli): Command {
  return makeCommand('generate', {
    summary: 'Print a key that no host knows yet',
    description: 'For the file that LORELAI_ADMIN_KEY_FILE names. Nothing is stored.',
    examples: [['keys generate > admin.key', 'a key to be put in force at the start of the host']],
  }).action(
    action(cli, async () => {
      const { generateKey } = await import('../services/callers/keys.ts');
      const secret = generateKey();
      return { json: { secret }, text: secret };
    }),
  );
}

function shown(made: MadeKey): { json: unknown; text: string } {
  const { key, text } = made;
  return { json: toMadeKeyBody(made), text: `${text}\n\nThis is key ${key.id}. It is shown this once: note it down now.` };
}

function keysText(keys: readonly ApiKey[]): string {
  if (keys.length === 0) return 'There is no key. Make one with: datasources keys create';
  const rows = keys.map((key) => [
    key.id,
    oneLine(key.name),
    key.hint,
    key.organisation ?? '(host)',
    key.scopes.join(' '),
    stateOf(key),
    key.lastUsedAtMs === undefined ? 'never' : new Date(key.lastUsedAtMs).toISOString(),
  ]);
  return formatTable([['KEY', 'NAME', 'BEGINS', 'ORGANISATION', 'SCOPES', 'STATE', 'LAST USED'], ...rows]);
}

function stateOf({ revokedAtMs, expiresAtMs }: ApiKey): string {
  if (revokedAtMs !== undefined) return 'revoked';
  if (expiresAtMs === undefined) return 'in force';
  return expiresAtMs <= Date.now() ? 'expired' : `until ${new Date(expiresAtMs).toISOString()}`;
}

function addScope(text: string, before: Scope[] = []): Scope[] {
  const scope = SCOPES.find((known) => known === text);
  if (scope === undefined) throw new InvalidArgumentError(`It must be one of: ${SCOPES.join(', ')}.`);
  return [...before, scope];
}

/** `90d`, `24h`, `15m` */
function toDurationMs(text: string): number {
  const [, number, unit] = /^(\d{1,5})([mhd])$/.exec(text) ?? [];
  const unitMs = UNITS_MS[unit ?? ''];
  if (number === undefined || unitMs === undefined) throw new InvalidArgumentError('Write it as in 90d, 24h or 15m.');
  return Number(number) * unitMs;
}
