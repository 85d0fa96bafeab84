import type { Command } from 'commander';
import type { InspectionReport } from '../sandbox/inspect.ts';
import { action, makeCommand, type Cli } from './command.ts';
import { EXIT } from './exit.ts';
import { readNamedFile } from './files.ts';
import { count, formatBytes, oneLine } from './format.ts';
import { manifestLines } from './manifest.ts';

/** Somewhat more than the largest component, so that the report can say that it is too large. */
export const MAX_READ_BYTES = 256 * 1024 * 1024;

export function inspectCommand(cli: Cli): Command {
  return makeCommand('inspect', {
    onTheMachine: true,
    summary: 'Say what a component file is, without running it',
    description:
      'Checks its size, its imports and exports with their types and its manifest, and lists what it asks for. Ends with 1 when it would be refused.',
    examples: [
      ['inspect github.wasm', 'prints the verdict and what it asks for'],
      ['inspect github.wasm --json', 'prints the whole report'],
    ],
  })
    .argument('<file>', 'a component (.wasm)')
    .action(
      action(cli, async (file: string) => {
        const bytes = await readNamedFile(file, { maxBytes: MAX_READ_BYTES });
        const [{ examineOnce }, { findIsolation }] = await Promise.all([
          import('../sandbox/examine.ts'),
          import('../sandbox/find-isolation.ts'),
        ]);
        const { isolation } = await findIsolation('auto');
        const { verdict, ...report } = await examineOnce(bytes, { isolation, types: true });
        const accepted = verdict === 'accepted';
        return {
          json: { file, accepted, ...(accepted ? {} : { code: verdict }), ...report },
          text: reportText(file, verdict, report),
          exitCode: accepted ? EXIT.ok : EXIT.failed,
        };
      }),
    );
}

function reportText(file: string, verdict: InspectionReport['verdict'], report: Omit<InspectionReport, 'verdict'>): string {
  const { manifest, problems, counts } = report;
  return [
    verdict === 'accepted' ? `${file} is accepted.` : `${file} is refused: ${verdict}.`,
    ...problems.flatMap(({ path, reason, remedy }) => [`  ${oneLine(path)}: ${oneLine(reason)}`, `    remedy: ${oneLine(remedy)}`]),
    `  digest    ${report.digest}`,
    `  size      ${formatBytes(report.sizeBytes)}`,
    `  contract  ${report.contract ?? 'none'}`,
    `  made by   ${oneLine(report.producers.join(', ')) || 'unknown'}`,
    `  holds     ${count(counts.coreModules, 'core module')}, ${count(counts.functions, 'function')}, ${count(counts.tables, 'table')}, ${count(counts.dataSegments, 'data segment')}, ${count(counts.startFunctions, 'start function')}`,
    `  memory    ${counts.memories === 1 ? '1 memory' : `${counts.memories} memories`}, the largest begins with ${formatBytes(report.memory.largestInitialBytes)}, ${report.memory.maximumBytes === undefined ? 'no end of its own' : `${formatBytes(report.memory.maximumBytes)} at most`}`,
    `  imports   ${report.imports.join(', ') || 'nothing'}`,
    `  exports   ${report.exports.join(', ') || 'nothing'}`,
    ...(manifest === undefined ? [] : ['', ...manifestLines(manifest)]),
  ].join('\n');
}
