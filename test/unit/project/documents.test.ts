import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { command } from '../../helpers/command.ts';

const ROOT = join(import.meta.dirname, '../../..');
const DOCUMENTS = globSync(['*.md', 'docs/**/*.md', 'wit/**/*.md'], { cwd: ROOT });

/** Paths as documents write them: `host/routes/` with or without a star, and no placeholder in capitals. */
const PATH = /`((?:host|test|scripts|datasources|wit|schemas|docs|clients|bin)\/[\w./*-]+)`/g;
const LINK = /\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)/g;

test.each(DOCUMENTS)('every file that %s names is there', (document) => {
  const text = readFileSync(join(ROOT, document), 'utf8');
  const named = [...text.matchAll(PATH)].map(([, path = '']) => path).filter((path) => !/[A-Z]{3}/.test(path));
  const linked = [...text.matchAll(LINK)].map(([, path = '']) => join(dirname(document), path));
  const missing = [
    ...named.filter((path) => globSync(path, { cwd: ROOT }).length === 0),
    ...linked.filter((path) => !existsSync(join(ROOT, path))),
  ];
  expect(missing).toEqual([]);
});

/** Command lines in blocks of the shell: `npx datasources NAME …`, without comments and what they are fed. */
function commandLines(text: string): string[] {
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block = '']) => block.replaceAll('\\\n', ' '));
  return blocks.flatMap((block) =>
    [...block.matchAll(/(?:npx )?\bdatasources ((?:[a-z]|--).*)$/gm)].map(([, line = '']) => line.replace(/\s+(#|[|<>]|&&).*$/, '')),
  );
}

const LINES = DOCUMENTS.flatMap((document) =>
  commandLines(readFileSync(join(ROOT, document), 'utf8')).map((line) => [document, line] as const),
);

test.each(LINES)('%s: "datasources %s" is a command that there is, with options that it has', async (_, line) => {
  const words = line.split(/\s+/).filter((word) => word !== '');
  const [name = '', inner = ''] = words;
  const group = (await command([name, '--help'])).stdout;
  const isGroup = new RegExp(`^ {2}${inner}\\b`, 'm').test(group.split('Commands:')[1] ?? '') && /^[a-z-]+$/.test(inner);
  const { exitCode, stdout } = isGroup ? await command([name, inner, '--help']) : { exitCode: 0, stdout: group };
  expect([exitCode, stdout]).toEqual([0, expect.stringContaining(`Usage: datasources ${name}`)]);
  const options = words.filter((word) => /^--[a-z]/.test(word)).map((word) => word.replace(/=.*$/, ''));
  expect(options.filter((option) => !new RegExp(`${option}\\b`).test(stdout))).toEqual([]);
});
