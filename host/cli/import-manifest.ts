import type { Command } from 'commander';
import { action, makeCommand, type Cli } from './command.ts';
import { readNamedFile } from './files.ts';

const MAX_READ_BYTES = 1024 * 1024;

export function importManifestCommand(cli: Cli): Command {
  return makeCommand('import-manifest', {
    onTheMachine: true,
    summary: "Make a datasource.yaml of a Python plug-in's manifest.json",
    description: 'Prints the manifest; what of the old one has no place in it is told on stderr.',
    examples: [
      ['import-manifest manifest.json > datasource.yaml', 'translates it'],
      ['import-manifest manifest.json --json', 'prints the manifest and the notices as JSON'],
    ],
  })
    .argument('<file>', "the plug-in's manifest.json")
    .action(
      action(cli, async (file: string) => {
        const { importManifest } = await import('../authoring/import-manifest.ts');
        const imported = importManifest(new TextDecoder().decode(await readNamedFile(file, { maxBytes: MAX_READ_BYTES })));
        if (!cli.json) for (const notice of imported.notices) cli.io.stderr.write(`notice: ${notice}\n`);
        return { json: { file, ...imported }, text: imported.yaml };
      }),
    );
}
