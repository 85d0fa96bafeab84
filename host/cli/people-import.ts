import type { Command } from 'commander';
import { COMMAND_LINE } from '../domain/caller.ts';
import { RequestError } from '../domain/errors.ts';
import { DEFAULT_ORGANISATION } from '../domain/organisation.ts';
import type { ApiSchemas } from '../generated/api.ts';
import { createValidation } from '../routes/validation.ts';
import { action, makeCommand, type Cli, type SharedOptions } from './command.ts';
import { readNamedFile } from './files.ts';
import { withServices } from './services.ts';

const MAX_FILE_BYTES = 64 * 1024 * 1024;
const PEOPLE_PER_STEP = 1_000;

type Line = ApiSchemas['PersonImportInput']['people'][number];

export function peopleImportCommand(cli: Cli): Command {
  return makeCommand('import', {
    summary: 'Make many people known',
    description:
      'A file of JSON lines: {"email": …, "name": …, "aliases": […], "accounts": [{"connection": id, "account": …}]}. Who is known by the address is changed.',
    examples: [['people import people.jsonl', 'creates and changes; the same file again changes nothing']],
  })
    .argument('<file>', 'JSON lines, in UTF-8')
    .option('--organisation <id>', 'whose people', DEFAULT_ORGANISATION)
    .action(
      action(cli, async (file: string, options: SharedOptions & { organisation: string }) => {
        const people = toPeople(file, new TextDecoder().decode(await readNamedFile(file, { maxBytes: MAX_FILE_BYTES })));
        return withServices(cli.io, options, async (services) => {
          const total = { created: 0, changed: 0, unchanged: 0 };
          for (let from = 0; from < people.length; from += PEOPLE_PER_STEP) {
            const done = await services.people.import(options.organisation, people.slice(from, from + PEOPLE_PER_STEP), COMMAND_LINE);
            total.created += done.created;
            total.changed += done.changed;
            total.unchanged += done.unchanged;
          }
          const text = `${total.created} created, ${total.changed} changed, ${total.unchanged} as they were.`;
          return { json: total, text };
        });
      }),
    );
}

/** INVALID_REQUEST with the first line that is none, before anything is changed. */
function toPeople(file: string, text: string): Line[] {
  const validation = createValidation();
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    try {
      const value: unknown = JSON.parse(line);
      return validation.parse('PersonImportInput', { people: [value] }).people;
    } catch (cause) {
      const reason = cause instanceof RequestError ? (cause.problems[0]?.reason ?? cause.message) : 'it is no JSON';
      throw new RequestError('INVALID_REQUEST', `Line ${index + 1} of ${file} is no person: ${reason}`, {
        remedy: 'Write each person on one line, as in {"email": "ada@acme.example", "name": "Ada"}.',
        cause,
      });
    }
  });
}
