import { InvalidArgumentError, Option, type Command } from 'commander';
import { AUDIT_KINDS, type AuditEvent, type AuditKind } from '../domain/audit.ts';
import { DEFAULT_ORGANISATION } from '../domain/organisation.ts';
import { toAuditEventBody } from '../routes/shapes/audit.ts';
import type { Page } from '../services/page.ts';
import type { Services } from '../services/services.ts';
import { action, makeCommand, type Cli, type SharedOptions } from './command.ts';
import { changesCommand, exportCommand, verifyCommand } from './changes.ts';
import { chooseConnection } from './choose-connection.ts';
import { formatBytes, formatTable, oneLine } from './format.ts';
import { withServices } from './services.ts';

interface AuditOptions extends SharedOptions {
  organisation: string;
  kind?: AuditKind;
  limit: number;
}

const MAX_EVENTS = 10_000;
const MAX_PAGE = 200;

export function auditCommand(cli: Cli): Command {
  const command = recordCommand(cli);
  // What stands behind the name of a sub-command is for that one.
  command.enablePositionalOptions();
  for (const make of [changesCommand, exportCommand, verifyCommand]) command.addCommand(make(cli));
  return command;
}

function recordCommand(cli: Cli): Command {
  return makeCommand('audit', {
    summary: 'Show what a connection asked for, was denied and was ended for',
    description:
      'Newest first. A denial says which line of manifest or grant would allow it. `changes`, `export` and `verify` are about the log of who changed what.',
    examples: [
      ['audit 01KATM4X7Z6V0R1Q2W3E4R5T6Y', 'the last 50 events of a connection, by its id or its name'],
      ['audit handbook --kind denial', 'what it was not allowed'],
      ['audit handbook --limit 1000 --json', 'a thousand events, for programs'],
    ],
  })
    .argument('<connection>', 'id or name of a connection')
    .option('--organisation <id>', 'whose connection', DEFAULT_ORGANISATION)
    .addOption(new Option('--kind <kind>', 'only events of this kind').choices([...AUDIT_KINDS]))
    .option('--limit <number>', `how many events at most, 1 to ${MAX_EVENTS}`, toLimit, 50)
    .action(
      action(cli, async (name: string, options: AuditOptions) =>
        withServices(cli.io, options, async (services) => {
          const { id } = await chooseConnection(services, options.organisation, name);
          const { items, next } = await readEvents(services, id, options);
          const more = next === undefined ? '' : `\n\nThere are older ones: give a greater --limit.`;
          return { json: { connection: id, items: items.map(toAuditEventBody) }, text: `${eventsText(items)}${more}` };
        }),
      ),
    );
}

async function readEvents({ audit }: Services, connection: string, options: AuditOptions): Promise<Page<AuditEvent>> {
  const { organisation, kind, limit } = options;
  const filter = kind === undefined ? {} : { kind };
  const items: AuditEvent[] = [];
  let next: string | undefined;
  do {
    const page = { limit: Math.min(MAX_PAGE, limit - items.length), ...(next === undefined ? {} : { after: next }) };
    const found = await audit.list(organisation, connection, filter, page);
    items.push(...found.items);
    next = found.next;
  } while (next !== undefined && items.length < limit);
  return { items, next };
}

function toLimit(text: string): number {
  const limit = Number(text);
  if (/^\d{1,5}$/.test(text) && limit >= 1 && limit <= MAX_EVENTS) return limit;
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${MAX_EVENTS}.`);
}

function eventsText(events: readonly AuditEvent[]): string {
  if (events.length === 0) return 'Nothing is on record.';
  return formatTable(events.map((event) => [new Date(event.atMs).toISOString(), event.kind, oneLine(eventText(event))]));
}

function eventText({ request, cause, reason, grant }: AuditEvent): string {
  const parts: (string | undefined)[] = [];
  if (request !== undefined) {
    const { method, origin, path, outcome, bytesOut, bytesIn, durationMs } = request;
    parts.push(`${method} ${origin}${path} ${outcome}, ${formatBytes(bytesOut)} out, ${formatBytes(bytesIn)} in, ${durationMs} ms`);
  }
  if (grant !== undefined)
    parts.push(...grant.granted.map((line) => `granted ${line}`), ...grant.withdrawn.map((line) => `withdrew ${line}`));
  parts.push(cause, reason);
  return parts.filter((part) => part !== undefined).join('; ');
}
