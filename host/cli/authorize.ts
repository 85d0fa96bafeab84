import { Option, type Command } from 'commander';
import { setTimeout as sleep } from 'node:timers/promises';
import { FLOWS, type Flow } from '../domain/authorisation.ts';
import { COMMAND_LINE } from '../domain/caller.ts';
import { DEFAULT_ORGANISATION } from '../domain/organisation.ts';
import { toAuthorisationBody } from '../routes/shapes/authorisation.ts';
import type { Attempt, AuthorisationStatus } from '../services/authorisations/authorisation-view.ts';
import type { Connection } from '../services/connections/connection-service.ts';
import type { Services } from '../services/services.ts';
import { chooseConnection } from './choose-connection.ts';
import { action, makeCommand, type Cli, type Outcome, type SharedOptions } from './command.ts';
import { EXIT, Interrupted } from './exit.ts';
import { oneLine } from './format.ts';
import { withAuthorisations } from './with-authorisations.ts';

interface AuthorizeOptions extends SharedOptions {
  organisation: string;
  flow?: Flow;
  choice?: string;
  status?: true;
}

const LOOK_AGAIN_MS = 500;

export function authorizeCommand(cli: Cli): Command {
  return makeCommand('authorize', {
    onTheMachine: true,
    summary: 'Have a connection authorised by its source',
    description:
      'Prints the address or the code for a person, and waits until they have agreed. The browser comes back to the host at LORELAI_PUBLIC_URL, or at HOST and PORT; where none runs there, this command waits for it itself. Client ids and secrets are set with `datasources variable`.',
    examples: [
      ['authorize acme-github', 'prints an address to open in a browser'],
      ['authorize acme-github --flow device', 'prints a code to type on another device'],
      ['authorize acme-confluence --choice 11223344', 'names the site, where there are several'],
      ['authorize acme-github --status', 'says how it is authorised, and how to bring it back'],
    ],
  })
    .argument('<connection>', 'id or name of the connection')
    .option('--organisation <id>', 'whose connection it is', DEFAULT_ORGANISATION)
    .addOption(new Option('--flow <flow>', 'how; the first that the datasource offers when left out').choices(FLOWS))
    .option('--choice <id>', 'what the token is for, where the source gives it for several things')
    .option('--status', 'begin nothing: say how it is authorised, with a link that brings it back where the source has ended it')
    .action(
      action(cli, (name: string, options: AuthorizeOptions) =>
        withAuthorisations(cli.io, options, async (services, serve) => {
          const connection = await chooseConnection(services, options.organisation, name);
          if (options.status === true)
            return toStatus(connection, await services.authorisations.status(options.organisation, connection.id));
          if (options.choice !== undefined) {
            const status = await services.authorisations.choose(options.organisation, connection.id, options.choice, COMMAND_LINE);
            return toOutcome(connection, status);
          }
          return authorize(cli, services, connection, { ...options, serve });
        }),
      ),
    );
}

async function authorize(
  { io }: Cli,
  services: Services,
  connection: Connection,
  { organisation, flow, serve }: AuthorizeOptions & { serve(): Promise<void> },
): Promise<Outcome> {
  const input = flow === undefined ? {} : { flow };
  const { attempt, authorisation } = await services.authorisations.begin(organisation, connection.id, input, COMMAND_LINE);
  if (attempt === undefined) return toOutcome(connection, authorisation);
  if (attempt.flow === 'code') await serve();
  io.stderr.write(`${instructions(attempt)}\n`);
  for (;;) {
    const status = await services.authorisations.status(organisation, connection.id);
    const { state } = status.attempt ?? {};
    if (status.attempt?.id !== attempt.id || (state !== 'waiting' && state !== 'exchanging')) return toOutcome(connection, status);
    await sleep(LOOK_AGAIN_MS, undefined, { signal: io.signal }).catch(() => {
      throw new Interrupted('Stopped waiting. The address or the code stays good for some minutes while a host runs.');
    });
  }
}

function instructions({ authorizationUrl, userCode, verificationUri, expiresAtMs }: Attempt): string {
  const until = new Date(expiresAtMs).toISOString();
  if (authorizationUrl !== undefined)
    return `Open this address in a browser, go on to the source and agree, before ${until}:\n\n  ${oneLine(authorizationUrl)}\n`;
  return `Open ${oneLine(verificationUri ?? '')} and type this code, before ${until}:\n\n  ${oneLine(userCode ?? '')}\n`;
}

/** A link lets whoever has it begin an authorisation of this connection: it goes to who is asked to, and into no log. */
function toStatus(connection: Connection, status: AuthorisationStatus): Outcome {
  const { state, reason, account, reconnectUrl } = status;
  const lines = [
    `${oneLine(connection.name)} (${connection.id}): ${state === 'none' ? 'not authorised' : state}${account === undefined ? '' : `, as ${oneLine(account)}`}`,
    ...(reason === undefined ? [] : [oneLine(reason)]),
    ...(reconnectUrl === undefined
      ? []
      : ['', 'To bring it back, open this link in a browser. It needs no key:', '', `  ${reconnectUrl}`, '']),
  ];
  const json = toAuthorisationBody({ organisation: connection.organisation, connection: connection.id }, status);
  return { json, text: lines.join('\n'), exitCode: state === 'active' ? EXIT.ok : EXIT.failed };
}

function toOutcome(connection: Connection, status: AuthorisationStatus): Outcome {
  const json = toAuthorisationBody({ organisation: connection.organisation, connection: connection.id }, status);
  const done = status.attempt === undefined || status.attempt.state === 'done';
  if (done && status.state === 'active') {
    const account = status.account === undefined ? '' : ` as ${oneLine(status.account)}`;
    return {
      json,
      text: `Authorised ${oneLine(connection.name)}${account}.\nIndex it with: datasources index ${connection.id}`,
      exitCode: EXIT.ok,
    };
  }
  if (status.attempt?.state === 'choosing') {
    const choices = status.attempt.choices.map(({ id, label }) => `  ${oneLine(id)}  ${oneLine(label)}`);
    const text = ['The source gave a token for several things. Name one of them with --choice:', ...choices].join('\n');
    return { json, text, exitCode: EXIT.failed };
  }
  const reason = status.attempt?.reason ?? status.reason ?? 'another authorisation was begun';
  return { json, text: `Not authorised: ${oneLine(reason)}.`, exitCode: EXIT.failed };
}
