import type { Command } from 'commander';
import { COMMAND_LINE } from '../domain/caller.ts';
import { DEFAULT_ORGANISATION } from '../domain/organisation.ts';
import { toRevocationBody } from '../routes/shapes/authorisation.ts';
import type { Connection } from '../services/connections/connection-service.ts';
import type { Revocation } from '../services/authorisations/authorisation-view.ts';
import { chooseConnection } from './choose-connection.ts';
import { action, makeCommand, type Cli, type SharedOptions } from './command.ts';
import { EXIT } from './exit.ts';
import { count, oneLine } from './format.ts';
import { withServices } from './services.ts';

export function disconnectCommand(cli: Cli): Command {
  return makeCommand('disconnect', {
    summary: 'End the access of a connection, at the source and here',
    description:
      'Tells the source, where it can be told, and deletes the credential with all documents, passages and access that were read with it. The connection stays, paused. Ends with 1 when the source could not be told.',
    examples: [['disconnect 01KATM4X7Z6V0R1Q2W3E4R5T6Y', 'by the id of the connection, or by its name']],
  })
    .argument('<connection>', 'id or name of the connection')
    .option('--organisation <id>', 'whose connection it is', DEFAULT_ORGANISATION)
    .action(
      action(cli, async (name: string, options: SharedOptions & { organisation: string }) =>
        withServices(cli.io, options, async (services) => {
          const connection = await chooseConnection(services, options.organisation, name);
          const revocation = await services.authorisations.revoke(options.organisation, connection.id, COMMAND_LINE);
          const failed = revocation.atSource.outcome === 'failed';
          return {
            json: toRevocationBody(revocation),
            text: revokedText(connection, revocation),
            exitCode: failed ? EXIT.failed : EXIT.ok,
          };
        }),
      ),
    );
}

function revokedText({ name, id }: Connection, { atSource, documents, passages, accessEntries }: Revocation): string {
  const said = {
    revoked: 'The source was told and took its tokens back.',
    nothing: 'No tokens of a source were kept: what was set by hand is ended there by hand.',
    unsupported: `The source cannot be told: ${oneLine(atSource.reason ?? '')}.`,
    failed: `The source could not be told: ${oneLine(atSource.reason ?? '')}. End it there by hand.`,
  };
  return [
    `Revoked ${oneLine(name)} (${id}).`,
    said[atSource.outcome],
    `Deleted here: the credential, ${count(documents, 'document')}, ${count(passages, 'passage')}, ${count(accessEntries, 'list')} of who may see them.`,
  ].join('\n');
}
