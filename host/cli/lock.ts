import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { COMMAND_LINE } from '../domain/caller.ts';
import { parseJson } from '../domain/envelope.ts';
import { RequestError } from '../domain/errors.ts';
import { isJsonObject, type JsonObject } from '../domain/json.ts';
import { toLockBody } from '../routes/shapes/source.ts';
import type { TrustService } from '../services/sources/source-services.ts';
import { action, makeCommand, type Cli, type Outcome, type SharedOptions } from './command.ts';
import { UsageError } from './exit.ts';
import { readNamedFile } from './files.ts';
import { formatTable, oneLine } from './format.ts';
import { withServices } from './services.ts';

interface LockOptions extends SharedOptions {
  out?: string;
  from?: string;
  release?: string;
}

const MAX_LOCK_BYTES = 16 * 1024 * 1024;

export function lockCommand(cli: Cli): Command {
  return makeCommand('lock', {
    summary: 'Show, write and read the lock: which bytes each version has',
    description:
      'What came from elsewhere is pinned by digest when it comes in, for good: with other bytes it is refused, also after it was removed.',
    examples: [
      ['lock', 'lists what is pinned'],
      ['lock --out datasources.lock', 'writes it to a file, for another host or for version control'],
      ['lock --from datasources.lock', 'takes it over: these versions come with these bytes or not at all'],
    ],
  })
    .option('--out <file>', 'write the lock there')
    .option('--from <file>', 'take over what this file pins')
    .option('--release <name@version>', 'pin this version no more')
    .action(action(cli, async (options: LockOptions) => withServices(cli.io, options, ({ trust }) => lock(trust, options))));
}

async function lock(trust: TrustService, { out, from, release }: LockOptions): Promise<Outcome> {
  if (from !== undefined) {
    const pins = toPins(parseJson(Buffer.from(await readNamedFile(from, { maxBytes: MAX_LOCK_BYTES })).toString('utf8')));
    await trust.pin(pins, COMMAND_LINE);
  }
  if (release !== undefined) {
    const [name = '', version] = release.split('@');
    if (version === undefined) throw new UsageError('--release names no version.', 'Write it as in github@1.2.0.');
    await trust.release(name, version, COMMAND_LINE);
  }
  const items = await trust.pins();
  const body = toLockBody(items);
  if (out !== undefined) await writeFile(out, `${JSON.stringify(body, undefined, 2)}\n`);
  const rows = items.map(({ name, version, digest, origin }) => [name, version, digest, oneLine(origin)]);
  return { json: body, text: items.length === 0 ? 'Nothing is pinned.' : formatTable([['NAME', 'VERSION', 'DIGEST', 'FROM'], ...rows]) };
}

function toPins(value: unknown): { name: string; version: string; digest: string; origin: string }[] {
  const listed = isJsonObject(value) && value.lockVersion === 1 ? value.datasources : undefined;
  if (!Array.isArray(listed)) {
    throw new RequestError('INVALID_REQUEST', 'The file is no lock of version 1.', {
      remedy: 'Take a file that `datasources lock --out` wrote.',
    });
  }
  return listed.map((entry) => {
    const { name, version, digest, origin }: JsonObject = isJsonObject(entry) ? entry : {};
    return { name: String(name), version: String(version), digest: String(digest), origin: String(origin) };
  });
}
