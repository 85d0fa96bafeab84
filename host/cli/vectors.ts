import type { Command } from 'commander';
import { COMMAND_LINE } from '../domain/caller.ts';
import { toVectorsBody } from '../routes/shapes/vectors.ts';
import type { VectorSetStatus, VectorStatus } from '../services/vectors/vector-services.ts';
import { action, makeCommand, type Cli, type Outcome, type SharedOptions } from './command.ts';
import { EXIT } from './exit.ts';
import { count } from './format.ts';
import { withServices } from './services.ts';

/** What passages are found by beside their words. Works beside running hosts. */
export function vectorsCommand(cli: Cli): Command {
  const command = makeCommand('vectors', {
    summary: 'Look at and remake the vectors of passages',
    description: 'With an embedder, passages are found by what they mean too. The hosts that serve make the vectors.',
    examples: [
      ['vectors status', 'how far they have come, and what is lost without'],
      ['vectors reembed', 'makes all of them anew, in the background'],
    ],
  });
  command.enablePositionalOptions();
  for (const make of [statusCommand, reembedCommand, makeVectorsCommand]) command.addCommand(make(cli));
  return command;
}

function statusCommand(cli: Cli): Command {
  return makeCommand('status', {
    summary: 'Say which vectors there are and how far they have come',
    description: 'Asks the store alone, not the embedder.',
    examples: [['vectors status --json', 'for a program']],
  }).action(action(cli, (options: SharedOptions) => withServices(cli.io, options, async ({ vectors }) => outcome(await vectors.status()))));
}

function reembedCommand(cli: Cli): Command {
  return makeCommand('reembed', {
    summary: 'Make all vectors anew',
    description:
      'For a model that has changed under its name: another name in the settings does this by itself. Questions are answered with the vectors that there are until the new ones are complete.',
    examples: [['vectors reembed', 'begins; a host that serves goes on with it']],
  }).action(
    action(cli, (options: SharedOptions) =>
      withServices(cli.io, options, async ({ vectors }) => outcome(await vectors.reembed(COMMAND_LINE))),
    ),
  );
}

function makeVectorsCommand(cli: Cli): Command {
  return makeCommand('make', {
    onTheMachine: true,
    summary: 'Make the vectors that are missing, now',
    description:
      'For a data folder that no host serves at the moment. Ends when nothing is missing, or with 1 when the embedder is of no use; what was made stays.',
    examples: [['vectors make', 'after `datasources index`']],
  }).action(
    action(cli, (options: SharedOptions) => withServices(cli.io, options, async ({ vectors }) => made(await vectors.make(cli.io.signal)))),
  );
}

/** Whoever runs it in a script goes on when there is something to go on with. */
function made(status: VectorStatus): Outcome {
  const shown = outcome(status);
  if (status.lost === undefined && status.sets.every(({ waiting }) => waiting === 0)) return shown;
  const remedy =
    'remedy: See that the embedder is up, and LORELAI_EMBEDDINGS_URL, LORELAI_EMBEDDINGS_MODEL and its key; the same command goes on.';
  return { ...shown, text: `${shown.text}\n${remedy}`, exitCode: EXIT.failed };
}

function outcome(status: VectorStatus): Outcome {
  const { embedder, sets, lost } = status;
  const asked = embedder === undefined ? [] : [`Embedder: ${embedder.model}`];
  const without = lost === undefined ? [] : [lost];
  return { json: toVectorsBody(status), text: [...asked, ...sets.flatMap(setLines), ...without].join('\n') };
}

function setLines({ model, dimensions, state, vectors, waiting, failed, tokens, trust, fault, waitUntilMs }: VectorSetStatus): string[] {
  const share = vectors + waiting === 0 ? 100 : Math.floor((100 * vectors) / (vectors + waiting));
  const lines = [
    `${state === 'current' ? 'Current' : 'Being made'}: ${model}, ${dimensions} numbers a vector, ${count(vectors, 'vector')} (${share} %), ${waiting} waiting, ${failed} refused, ${count(tokens, 'token')}`,
  ];
  if (trust !== undefined) lines.push(`  ${Math.round(trust * 100)} % of sampled passages are found by their own words`);
  if (fault !== undefined)
    lines.push(`  The embedder: ${fault}${waitUntilMs === undefined ? '' : `; asked again at ${new Date(waitUntilMs).toISOString()}`}`);
  return lines;
}
