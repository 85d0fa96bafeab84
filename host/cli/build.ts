import type { Command } from 'commander';
import { action, makeCommand, type Cli } from './command.ts';
import { formatBytes } from './format.ts';

export function buildCommand(cli: Cli): Command {
  return makeCommand('build', {
    onTheMachine: true,
    summary: 'Build a datasource into one component file',
    description: 'The manifest goes into the component, so that the .wasm file is the whole datasource.',
    examples: [
      ['build mine', 'writes mine/<name>.wasm'],
      ['build mine --module mine/mine.core.wasm', 'puts what clang, rustc or another toolchain made into a component'],
      ['build mine --out dist/mine.wasm --json', 'writes elsewhere and prints where, how large and its digest'],
    ],
  })
    .argument('<dir>', 'folder with datasource.yaml and, unless there is --module, source.ts')
    .option('--out <file>', 'where to write the component')
    .option('--module <file>', 'a core module or a component that another toolchain made, instead of source.ts')
    .action(
      action(cli, async (dir: string, { out, module }: { out?: string; module?: string }) => {
        const { buildDatasource } = await import('../authoring/build.ts');
        const built = await buildDatasource(dir, {
          ...(out === undefined ? {} : { outFile: out }),
          ...(module === undefined ? {} : { module }),
        });
        const { file, sizeBytes, digest, manifest } = built;
        return {
          json: { file, name: manifest.name, version: manifest.version, sizeBytes, digest },
          text: `Built ${manifest.name} ${manifest.version}: ${file}, ${formatBytes(sizeBytes)}, ${digest}\n\nLook at it with: datasources inspect ${file}`,
        };
      }),
    );
}
