import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

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
