import type { Command } from 'commander';
import type { Grant } from '../domain/grant.ts';
import { parseGrant } from '../domain/grant-parse.ts';
import { collect } from './collect.ts';
import { splitPair } from './connection-options.ts';

/** What the command line grants, thing by thing. */
export interface GrantOptions {
  allow: string[];
  allowPrivate: string[];
  allowAuthorisation: string[];
  storage?: true;
  limit: string[];
}

export function addGrantOptions(command: Command): Command {
  return command
    .option('--allow <origin>', 'grant this origin: https://api.example.com, or https://*.example.com; may be repeated', collect, [])
    .option('--allow-private <cidr>', 'let it dial non-public addresses of this block: 10.1.0.0/16; may be repeated', collect, [])
    .option(
      '--allow-authorisation <origin>',
      'let the host send client secrets and tokens of it to exactly this origin: https://login.example.com; may be repeated',
      collect,
      [],
    )
    .option('--storage', 'let it keep values of its own')
    .option('--limit <name=number>', 'set a limit (docs/reference/limits.md): callTimeoutMs=30000; may be repeated', collect, []);
}

/** A grant with all that the options name added to it; a limit takes the place of another. INVALID_GRANT. */
export function withOptions(base: Readonly<Grant>, { allow, allowPrivate, allowAuthorisation, storage, limit }: GrantOptions): Grant {
  const numbers = limit.map((option) => splitPair(option, '--limit', 'name=number')).map(([name, text]) => [name, Number(text)]);
  return {
    http: {
      origins: [...new Set([...base.http.origins, ...allow])],
      privateNetworks: [...new Set([...base.http.privateNetworks, ...allowPrivate])],
    },
    authorisation: { origins: [...new Set([...(base.authorisation?.origins ?? []), ...allowAuthorisation])] },
    storage: base.storage || storage === true,
    limits: { ...base.limits, ...parseGrant({ limits: Object.fromEntries(numbers) }).limits },
  };
}

/** A grant without what the options name. A limit is named without its number, and goes back to its default. */
export function withoutOptions(base: Readonly<Grant>, { allow, allowPrivate, allowAuthorisation, storage, limit }: GrantOptions): Grant {
  const names = limit.map((option) => option.split('=')[0]);
  return {
    http: { origins: without(base.http.origins, allow), privateNetworks: without(base.http.privateNetworks, allowPrivate) },
    authorisation: { origins: without(base.authorisation?.origins ?? [], allowAuthorisation) },
    storage: base.storage && storage !== true,
    limits: Object.fromEntries(Object.entries(base.limits).filter(([name]) => !names.includes(name))),
  };
}

function without(list: readonly string[], named: readonly string[]): string[] {
  return list.filter((entry) => !named.includes(entry));
}
