import type { Command } from 'commander';
import { COMMAND_LINE } from '../domain/caller.ts';
import type { FeatureOverride, OffDocuments } from '../domain/connection.ts';
import type { JsonObject } from '../domain/json.ts';
import { DEFAULT_ORGANISATION } from '../domain/organisation.ts';
import { toChangeBody } from '../routes/shapes/change.ts';
import { toConnectionBody } from '../routes/shapes/connection.ts';
import { toFeatureStatusBody } from '../routes/shapes/datasource.ts';
import { knownFeature } from '../services/registry/flags.ts';
import type { FeaturePurging, FeatureStatus } from '../services/registry/registry-service.ts';
import type { Services } from '../services/services.ts';
import { allPages } from './all-pages.ts';
import { chooseConnection } from './choose-connection.ts';
import { action, makeCommand, type Cli, type Outcome, type SharedOptions } from './command.ts';
import { parseConfigOption } from './connection-options.ts';
import { UsageError } from './exit.ts';
import { count, formatTable, oneLine } from './format.ts';
import { withServices } from './services.ts';

interface FeatureOptions extends SharedOptions {
  config?: string;
  connection?: string;
  organisation: string;
  hide?: true;
  purge?: true;
  history?: true;
}

/** What is to be changed; nothing means that it is shown. */
interface Wanted {
  enabled: boolean | undefined;
  config: JsonObject | undefined;
  documents: OffDocuments | undefined;
}

export function featureCommand(cli: Cli): Command {
  return makeCommand('feature', {
    summary: 'Switch a feature of a datasource on or off, configure it, or show it',
    description:
      'For all connections of the datasource, or for one with --connection; what is off for the datasource is off for all. It takes effect from the next batch on. What was read stays to be found, unless --hide or --purge says otherwise.',
    examples: [
      ['feature github issue_tracking', 'shows how it is set'],
      ['feature github issue_tracking off --hide', 'reads it no more; its documents are kept and not found'],
      ['feature github issue_tracking off --purge', 'the same, and deletes its documents'],
      [`feature github issue_tracking on --config '{"include_comments": false}'`, 'switches it on with these settings'],
      ['feature github issue_tracking off --connection handbook', 'for one connection only'],
      ['feature github issue_tracking --history', 'who set it, and when'],
    ],
  })
    .argument('<datasource>', 'name of an installed datasource')
    .argument('<feature>', 'name of one of its features')
    .argument('[state]', 'on or off')
    .option('--config <json>', 'its settings as a JSON object, or @file; they replace what was set before')
    .option('--connection <id>', 'id or name of the one connection that it is meant for')
    .option('--organisation <id>', 'whose connection', DEFAULT_ORGANISATION)
    .option('--hide', 'with off: documents are kept and not found')
    .option('--purge', 'with off: documents are deleted')
    .option('--history', 'show who set it for the datasource, newest first')
    .action(
      action(cli, async (datasource: string, feature: string, state: string | undefined, options: FeatureOptions) => {
        const wanted = await toWanted(state, options);
        return withServices(cli.io, options, (services) => {
          if (options.history === true) return history(services, datasource, feature);
          return options.connection === undefined
            ? ofDatasource(services, { datasource, feature, wanted })
            : ofConnection(services, { datasource, feature, wanted, connection: options.connection, organisation: options.organisation });
        });
      }),
    );
}

async function toWanted(state: string | undefined, { config, hide, purge, history: shown }: FeatureOptions): Promise<Wanted> {
  if (state !== undefined && state !== 'on' && state !== 'off')
    throw new UsageError(`"${state}" is neither on nor off.`, 'Write on or off.');
  const documents = purge === true ? 'purge' : hide === true ? 'hide' : undefined;
  if (purge === true && hide === true) throw new UsageError('--hide and --purge exclude each other.', 'Choose one of them.');
  if (documents !== undefined && state !== 'off')
    throw new UsageError(`--${documents} goes with off only.`, 'Write off before it, or leave it out.');
  if (shown === true && (state !== undefined || config !== undefined)) {
    throw new UsageError('--history shows, and changes nothing.', 'Leave it out, or leave out what is to be changed.');
  }
  return {
    enabled: state === undefined ? undefined : state === 'on',
    config: config === undefined ? undefined : await parseConfigOption(config),
    documents,
  };
}

interface Target {
  datasource: string;
  feature: string;
  wanted: Wanted;
}

async function ofDatasource({ flags }: Services, { datasource, feature, wanted }: Target): Promise<Outcome> {
  const now = await flags.get(datasource, feature);
  const { enabled = now.enabled, config, documents } = wanted;
  if (wanted.enabled === undefined && config === undefined) return { json: toFeatureStatusBody(now), text: statusText(datasource, now) };
  const input = { enabled, ...(config === undefined ? {} : { config }), ...(documents === undefined ? {} : { documents }) };
  await flags.set(datasource, feature, input, COMMAND_LINE);
  // A host that serves would do so too; nobody has to run for it.
  if (documents === 'purge') await flags.purgeDue();
  const after = await flags.get(datasource, feature);
  return { json: toFeatureStatusBody(after), text: statusText(datasource, after) };
}

async function ofConnection(
  services: Services,
  { datasource, feature, wanted, ...whose }: Target & { connection: string; organisation: string },
): Promise<Outcome> {
  const { connections, flags, registry } = services;
  const connection = await chooseConnection(services, whose.organisation, whose.connection);
  if (connection.datasource !== datasource) {
    throw new UsageError(`The connection is of ${connection.datasource}, and not of ${datasource}.`, 'Name the datasource that it is of.');
  }
  knownFeature((await registry.get(datasource)).manifest, feature);
  const changes = wanted.enabled !== undefined || wanted.config !== undefined;
  const features = { ...connection.features, [feature]: toOverride(connection.features[feature], wanted) };
  const after = changes
    ? await connections.change(whose.organisation, connection.id, { features, ifRevision: connection.revision }, COMMAND_LINE)
    : connection;
  if (wanted.documents === 'purge') await flags.purgeDue();
  const left = await flags.purging(datasource, feature, connection.id);
  const override = after.features[feature] ?? {};
  const state =
    override.enabled === undefined
      ? 'as it is for the datasource'
      : override.enabled
        ? 'on'
        : `off, ${DOCUMENTS[override.documents ?? 'keep']}`;
  const lines = [`${feature} of connection ${oneLine(after.name)} is ${state}.`, ...configLines(override.config), ...purgingLines(left)];
  return { json: { ...toConnectionBody(after), ...(left === undefined ? {} : { purging: left }) }, text: lines.join('\n') };
}

function toOverride(before: FeatureOverride | undefined, { enabled, config, documents }: Wanted): FeatureOverride {
  const { documents: kept, ...rest } = before ?? {};
  const word = documents ?? (enabled === undefined && rest.enabled === false ? kept : undefined);
  return {
    ...rest,
    ...(enabled === undefined ? {} : { enabled }),
    ...(config === undefined ? {} : { config }),
    ...(word === undefined ? {} : { documents: word }),
  };
}

async function history({ flags }: Services, datasource: string, feature: string): Promise<Outcome> {
  const items = await allPages((page) => flags.history(datasource, feature, page));
  const rows = items.map(({ atMs, actor, before, after }) => [
    new Date(atMs).toISOString(),
    `${actor.kind}/${oneLine(actor.id)}`,
    oneLine(before === undefined ? 'as its manifest says' : JSON.stringify(before)),
    oneLine(JSON.stringify(after)),
  ]);
  const text =
    rows.length === 0 ? 'Nobody has set it: it is as its manifest says.' : formatTable([['AT', 'BY', 'BEFORE', 'AFTER'], ...rows]);
  return { json: { items: items.map(toChangeBody) }, text };
}

const DOCUMENTS: Readonly<Record<OffDocuments, string>> = {
  keep: 'and what was read of it is still found',
  hide: 'and what was read of it is kept and not found',
  purge: 'and what was read of it is purged',
};

function statusText(datasource: string, { feature, enabled, config, documents, purging }: FeatureStatus): string {
  const state = enabled ? 'on' : `off, ${DOCUMENTS[documents]}`;
  return [`${feature} of ${datasource} is ${state}.`, ...configLines(config), ...purgingLines(purging)].join('\n');
}

function configLines(config: JsonObject | undefined): string[] {
  return Object.entries(config ?? {}).map(([key, value]) => `  ${oneLine(key)}: ${oneLine(JSON.stringify(value))}`);
}

function purgingLines(left: FeaturePurging | undefined): string[] {
  if (left === undefined) return [];
  return [
    `Still to be deleted: ${count(left.documents, 'document')} of ${count(left.connections, 'connection')}; a host that serves goes on with it.`,
  ];
}
