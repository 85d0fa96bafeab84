import type { Command } from 'commander';
import { COMMAND_LINE } from '../domain/caller.ts';
import { DEFAULT_ORGANISATION } from '../domain/organisation.ts';
import { toOpenedWebhookBody, toWebhookBody } from '../routes/shapes/webhook.ts';
import type { Services } from '../services/services.ts';
import type { Webhook } from '../services/connections/webhook-service.ts';
import { action, makeCommand, type Cli, type Outcome, type SharedOptions } from './command.ts';
import { chooseConnection } from './choose-connection.ts';
import { readCredential } from './credential-options.ts';
import { UsageError } from './exit.ts';
import { oneLine } from './format.ts';
import { withServices } from './services.ts';

interface WebhookOptions extends SharedOptions {
  organisation: string;
  show?: true;
  close?: true;
  secretFile?: string;
  secretStdin?: true;
}

export function webhookCommand(cli: Cli): Command {
  return makeCommand('webhook', {
    summary: 'Open the entry through which a source tells of changes',
    description:
      'Prints the path to set at the source, below the address of this host, and a secret that was made for it. Give the secret when the source makes it, as Slack does. Opening again changes the secret.',
    examples: [
      ['webhook handbook', 'opens the entry of a connection and makes a secret'],
      ['webhook slack --secret-file signing-secret.txt', 'with the secret that the source shows'],
      ['webhook handbook --show', 'what has come so far'],
      ['webhook handbook --close', 'takes nothing any more'],
    ],
  })
    .argument('<connection>', 'id or name of a connection')
    .option('--organisation <id>', 'whose connection', DEFAULT_ORGANISATION)
    .option('--secret-file <file>', 'file that holds the secret')
    .option('--secret-stdin', 'read the secret from stdin')
    .option('--show', 'change nothing')
    .option('--close', 'close the entry and forget what waits')
    .action(
      action(cli, async (name: string, options: WebhookOptions) => {
        if (options.show === true && options.close === true)
          throw new UsageError('--show and --close are both given.', 'Give one of them.');
        const { secretFile, secretStdin } = options;
        const secret = await readCredential(
          { ...cli.io, env: {} },
          {
            ...(secretFile === undefined ? {} : { credentialFile: secretFile }),
            ...(secretStdin === true ? { credentialStdin: true } : {}),
          },
        );
        return withServices(cli.io, options, (services) => change(services, { name, options, secret }));
      }),
    );
}

async function change(
  services: Services,
  { name, options, secret }: { name: string; options: WebhookOptions; secret: string | undefined },
): Promise<Outcome> {
  const { organisation } = options;
  const { id } = await chooseConnection(services, organisation, name);
  if (options.show === true) return shown(await services.webhooks.get(organisation, id));
  if (options.close === true) return shown(await services.webhooks.close(organisation, id, COMMAND_LINE));
  const opened = await services.webhooks.open(organisation, id, secret, COMMAND_LINE);
  const made = opened.secret === undefined ? [] : [`secret  ${opened.secret}   (shown this once)`];
  return { json: toOpenedWebhookBody(opened), text: [webhookText(opened), ...made].join('\n') };
}

function shown(webhook: Webhook): Outcome {
  return { json: toWebhookBody(webhook), text: webhookText(webhook) };
}

function webhookText({ path, scheme, open, pending, done, failed, lastReason }: Webhook): string {
  if (scheme === undefined) return 'The datasource takes no webhooks.';
  return [
    `path    ${path}`,
    `proof   ${scheme}`,
    `state   ${open ? 'open' : 'closed'}, deliveries: ${pending} waiting, ${done} taken, ${failed} failed`,
    ...(lastReason === undefined ? [] : [`        the last one that failed: ${oneLine(lastReason)}`]),
  ].join('\n');
}
