import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { rolldown, type Plugin, type RolldownLog } from 'rolldown';
import { stripVTControlCharacters } from 'node:util';
import { RequestError, type Problem } from '../domain/errors.ts';
import { SDK_DIR } from './sdk-dir.ts';

/** The author's module in a datasource's folder. */
const SOURCE_FILE = 'source.ts';

const ENTRY = 'datasource-entry';
/** What the world of `datasource-core` imports; the engine links these by name. */
const HOST_MODULES = /^lorelai:datasource\/(http-client|storage|log|metrics)@1\.0\.0$/;

/**
 * One ES module of everything that `source.ts` imports, with the SDK's platform in front. Wherever the folder is, the
 * SDK is the host's own: it belongs to the contract that the host speaks. BUILD_FAILED with file and line.
 */
export async function bundleSource(dir: string): Promise<string> {
  if (!existsSync(join(dir, SOURCE_FILE))) {
    throw new RequestError('BUILD_FAILED', `${join(dir, SOURCE_FILE)} is not there.`, {
      remedy: 'Write source.ts with `export const source = defineDatasource(manifest, { … })`.',
    });
  }
  const warnings: RolldownLog[] = [];
  try {
    const bundle = await rolldown({
      input: ENTRY,
      cwd: dir,
      platform: 'neutral',
      plugins: [entryPlugin(dir)],
      resolve: { alias: { '@lorelai/datasource-sdk': join(SDK_DIR, 'index.ts') }, mainFields: ['module', 'main'] },
      external: HOST_MODULES,
      onwarn: (warning) => warnings.push(warning),
    });
    const { output } = await bundle.generate({
      format: 'esm',
      codeSplitting: false,
      // Names stay, for the stacks that authors read; the rest makes a fresh instance a third quicker.
      minify: { mangle: false, compress: true, codegen: { removeWhitespace: true } },
    });
    await bundle.close();
    const unresolved = warnings.filter(({ code }) => code === 'UNRESOLVED_IMPORT');
    if (unresolved.length > 0) throw buildFailed(dir, unresolved);
    return output[0].code;
  } catch (cause) {
    if (cause instanceof RequestError) throw cause;
    throw buildFailed(dir, errorsOf(cause), cause);
  }
}

/** The module that the engine runs: the platform first, then the author's own, checked for what it exports. */
function entryPlugin(dir: string): Plugin {
  const platform = JSON.stringify(join(SDK_DIR, 'platform.ts'));
  const authored = JSON.stringify(join(dir, SOURCE_FILE));
  return {
    name: ENTRY,
    resolveId: (id) => (id === ENTRY ? `\0${ENTRY}` : undefined),
    load: (id) =>
      id === `\0${ENTRY}`
        ? `import { requireSource } from ${platform};\nimport { source as authored } from ${authored};\nexport const source = requireSource(authored);\n`
        : undefined,
  };
}

function errorsOf(cause: unknown): RolldownLog[] {
  if (cause instanceof Error && 'errors' in cause && Array.isArray(cause.errors)) return cause.errors;
  return [{ message: cause instanceof Error ? cause.message : String(cause) }];
}

function buildFailed(dir: string, logs: readonly RolldownLog[], cause?: unknown): RequestError {
  return new RequestError('BUILD_FAILED', `${join(dir, SOURCE_FILE)} cannot be bundled.`, {
    remedy: 'Mend what the problems name.',
    problems: logs.slice(0, 20).map((log) => toProblem(dir, log)),
    cause,
  });
}

function toProblem(dir: string, log: RolldownLog): Problem {
  const file = log.loc?.file ?? log.id;
  // The entry that this file makes stands for the author's module.
  const inAuthored = file === undefined || file.startsWith('\0');
  const path = inAuthored ? SOURCE_FILE : `${relative(dir, file)}${log.loc === undefined ? '' : `:${log.loc.line}:${log.loc.column + 1}`}`;
  // Some versions of the bundler colour their messages, terminal or not.
  const message = stripVTControlCharacters(log.message).replaceAll(relative(dir, join(SDK_DIR, 'index.ts')), '@lorelai/datasource-sdk');
  const [head = ''] = message.replace(/^\[[A-Z_]+\] /, '').split('\n', 1);
  const hint = /╰─+ ([^\n]+)/.exec(message)?.[1];
  const detail = hint === undefined || /^(Module not found|Missing export)/.test(hint) ? '' : ` (${hint.trim()})`;
  return { path, reason: `${head.replace(/\.$/, '')}${detail}.`, remedy: remedyFor(log, inAuthored) };
}

function remedyFor(log: RolldownLog, inAuthored: boolean): string {
  if (log.code === 'MISSING_EXPORT' && inAuthored) return 'Add `export const source = defineDatasource(manifest, { … })`.';
  if (log.code === 'UNRESOLVED_IMPORT') {
    return 'Correct the path, or install the package beside source.ts. Node.js modules do not exist inside a component.';
  }
  return 'Mend this line.';
}
