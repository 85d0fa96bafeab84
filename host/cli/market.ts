import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { COMMAND_LINE } from '../domain/caller.ts';
import { INDEX_TYPE, sealIndex } from '../domain/market-index.ts';
import { toMarketBody, toMarketOfferBody } from '../routes/shapes/source.ts';
import type { Market } from '../services/sources/source-services.ts';
import { action, makeCommand, type Cli, type SharedOptions } from './command.ts';
import { readNamedFile } from './files.ts';
import { formatTable, oneLine } from './format.ts';
import { withServices } from './services.ts';
import { readSigningKey } from './signing-file.ts';

const MAX_KEY_BYTES = 1024;
const MAX_INDEX_BYTES = 12 * 1024 * 1024;

export function marketCommand(cli: Cli): Command {
  const command = makeCommand('market', {
    summary: 'Find datasources in signed lists, and publish such a list',
    description:
      'A market says which datasources there are and which bytes each version has. It vouches for no publisher: what is installed from it needs a trusted signature like everything from elsewhere.',
    examples: [
      ['market add acme https://datasources.example.com/index.json --key market.pub', 'adds a market'],
      ['market search wiki', 'what there is'],
      ['install acme_wiki', 'by its name'],
    ],
  });
  command.enablePositionalOptions();
  for (const make of [addCommand, refreshCommand, searchCommand, listCommand, removeCommand, signCommand]) command.addCommand(make(cli));
  return command;
}

function addCommand(cli: Cli): Command {
  return makeCommand('add', {
    summary: 'Add a market',
    description: 'Gets its index, which must be signed by this key and not be out of date. Added again it gets another address or key.',
    examples: [['market add acme oci://registry.example.com/acme/market:latest --key market.pub', 'from a registry']],
  })
    .argument('<name>', 'what you call it')
    .argument('<address>', 'https://… or oci://HOST/REPOSITORY:TAG')
    .requiredOption('--key <file>', 'the file .pub of the market')
    .action(
      action(cli, async (name: string, url: string, options: SharedOptions & { key: string }) => {
        const publicKey = Buffer.from(await readNamedFile(options.key, { maxBytes: MAX_KEY_BYTES })).toString('utf8');
        return withServices(cli.io, options, async ({ markets }) => shown([await markets.add({ name, url, publicKey }, COMMAND_LINE)]));
      }),
    );
}

function refreshCommand(cli: Cli): Command {
  return makeCommand('refresh', {
    summary: 'Get the newest index',
    description: 'Of one market, or of all. An older one than was seen, or one that is out of date, is refused.',
    examples: [['market refresh', 'all']],
  })
    .argument('[name]', 'a market')
    .action(
      action(cli, async (name: string | undefined, options: SharedOptions) =>
        withServices(cli.io, options, async ({ markets }) => {
          const wanted = name === undefined ? (await markets.list()).map((market) => market.name) : [name];
          const refreshed: Market[] = [];
          for (const one of wanted) refreshed.push(await markets.refresh(one, COMMAND_LINE));
          return shown(refreshed);
        }),
      ),
    );
}

function searchCommand(cli: Cli): Command {
  return makeCommand('search', {
    summary: 'Look for datasources',
    description: 'By a part of the name or of the description; all when nothing is said.',
    examples: [['market search wiki', 'those about wikis']],
  })
    .argument('[text]', 'what to look for', '')
    .action(
      action(cli, async (text: string, options: SharedOptions) =>
        withServices(cli.io, options, async ({ markets }) => {
          const items = await markets.search(text);
          const rows = items.map(({ name, version, market, description }) => [name, version, market, oneLine(description)]);
          return {
            json: { items: items.map(toMarketOfferBody) },
            text: items.length === 0 ? 'Nothing was found.' : formatTable([['NAME', 'VERSION', 'MARKET', ''], ...rows]),
          };
        }),
      ),
    );
}

function listCommand(cli: Cli): Command {
  return makeCommand('list', {
    summary: 'List markets',
    description: 'With the age of their indexes.',
    examples: [['market list', 'all']],
  }).action(
    action(cli, async (options: SharedOptions) => withServices(cli.io, options, async ({ markets }) => shown(await markets.list()))),
  );
}

function removeCommand(cli: Cli): Command {
  return makeCommand('remove', {
    summary: 'Forget a market',
    description: 'What was installed from it stays. Which index was seen last is forgotten too.',
    examples: [['market remove acme', 'forgets it']],
  })
    .argument('<name>', 'a market')
    .action(
      action(cli, async (name: string, options: SharedOptions) =>
        withServices(cli.io, options, async ({ markets }) => {
          await markets.remove(name, COMMAND_LINE);
          return { json: { name, removed: true }, text: `Market ${oneLine(name)} is forgotten.` };
        }),
      ),
    );
}

function signCommand(cli: Cli): Command {
  return makeCommand('sign', {
    onTheMachine: true,
    summary: 'Sign an index, and publish it',
    description: 'Checks it and writes it signed. Raise its version each time, and sign it again before it expires.',
    examples: [
      ['market sign index.json --key market.key --out signed.json', 'for a web server'],
      ['market sign index.json --key market.key --publish oci://registry.example.com/acme/market:latest', 'for a registry'],
    ],
  })
    .argument('<file>', 'the index: version, expires, datasources')
    .requiredOption('--key <file>', 'the key of the market, as `keygen` made it')
    .option('--out <file>', 'where the signed index is written')
    .option('--publish <address>', 'oci://HOST/REPOSITORY:TAG to put it under')
    .action(
      action(cli, async (file: string, options: SharedOptions & { key: string; out?: string; publish?: string }) => {
        const { out, publish } = options;
        const text = Buffer.from(await readNamedFile(file, { maxBytes: MAX_INDEX_BYTES })).toString('utf8');
        const { envelope, index } = sealIndex(text, await readSigningKey(options.key));
        if (out !== undefined) await writeFile(out, envelope);
        const artifact =
          publish === undefined
            ? undefined
            : await withServices(cli.io, options, ({ sources }) => sources.publishSigned(publish, INDEX_TYPE, envelope));
        const expires = new Date(index.expiresAtMs).toISOString();
        return {
          json: {
            version: index.version,
            expires,
            datasources: index.datasources.length,
            ...(out === undefined ? {} : { out }),
            ...(artifact === undefined ? {} : { artifact }),
          },
          text:
            out === undefined && artifact === undefined ? envelope : `Signed version ${index.version} of the index, good until ${expires}.`,
        };
      }),
    );
}

function shown(markets: readonly Market[]): { json: unknown; text: string } {
  const items = markets.map(toMarketBody);
  const rows = items.map(({ name, url, indexVersion, expires }) => [name, String(indexVersion), expires, oneLine(url)]);
  return {
    json: { items },
    text: items.length === 0 ? 'There is no market.' : formatTable([['NAME', 'INDEX', 'GOOD UNTIL', 'FROM'], ...rows]),
  };
}
