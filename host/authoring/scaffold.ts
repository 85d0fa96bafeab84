import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join, relative, resolve, sep } from 'node:path';
import { RequestError } from '../domain/errors.ts';
import { GENERATED_FILE } from './generate.ts';
import { MANIFEST_FILE, readManifest, writeManifestModule } from './manifest-file.ts';
import { SDK_DIR } from './sdk-dir.ts';
import { makeFolder } from '../make-folder.ts';

const TEMPLATES_DIR = join(import.meta.dirname, 'templates');
const TEMPLATES = {
  [MANIFEST_FILE]: 'datasource.yaml.template',
  'source.ts': 'source.ts.template',
  'README.md': 'README.md.template',
  'tsconfig.json': 'tsconfig.json.template',
  '.gitignore': 'gitignore.template',
} as const;

/**
 * Writes a datasource that builds as it is into a new or empty folder, and gives the absolute names of its files. `name`
 * is a datasource's name; when left out it is made of the folder's.
 *
 * INVALID_REQUEST when the name cannot be one, CONFLICT when the folder holds anything, FILE_NOT_READABLE when it cannot be written.
 */
export async function scaffoldDatasource(dir: string, options: { name?: string } = {}): Promise<string[]> {
  const folder = resolve(dir);
  const name =
    options.name ??
    basename(folder)
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '_');
  if (!/^[a-z][a-z0-9_]{0,63}$/.test(name)) {
    throw new RequestError('INVALID_REQUEST', `"${name}" cannot be the name of a datasource.`, {
      remedy: 'Use a lower-case letter, then a-z, 0-9 and "_"; at most 64.',
    });
  }
  await claimFolder(folder);
  const values = { name, sdk: relative(folder, SDK_DIR).split(sep).join('/') };
  for (const [file, template] of Object.entries(TEMPLATES)) {
    const text = await readFile(join(TEMPLATES_DIR, template), 'utf8');
    await writeFile(join(folder, file), fillIn(text, values));
  }
  await writeManifestModule(folder, await readManifest(folder));
  return [...Object.keys(TEMPLATES), GENERATED_FILE].map((file) => join(folder, file));
}

/** Makes the folder, unless there is one with something in it. */
async function claimFolder(folder: string): Promise<void> {
  try {
    await makeFolder(folder);
    const inside = await readdir(folder);
    if (inside.length === 0) return;
  } catch (cause) {
    throw new RequestError('FILE_NOT_READABLE', `${folder} cannot be written.`, { remedy: 'Name a folder that can be made.', cause });
  }
  throw new RequestError('CONFLICT', `${folder} is not empty.`, { remedy: 'Name a new folder, or empty this one.' });
}

function fillIn(template: string, values: { name: string; sdk: string }): string {
  return template.replaceAll('{{name}}', values.name).replaceAll('{{sdk}}', values.sdk);
}
