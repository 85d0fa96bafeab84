import { describe, expect, it } from 'vitest';
import { importManifest } from '../../../host/authoring/import-manifest.ts';
import { RequestError } from '../../../host/domain/errors.ts';
import { parseManifest } from '../../../host/domain/manifest-parse.ts';
import type { Manifest } from '../../../host/domain/manifest.ts';

/** As the GitHub plug-in of the older architecture describes itself. */
const OLD = {
  name: 'GitHub-Datasource',
  display_name: 'GitHub',
  version: '0.1.0',
  author: 'Ada',
  description: 'Reads issues.',
  logo: 'github.png',
  config: [
    { key: 'base_url', datatype: 'url', title: 'Address', description: 'Where the API is.', sensitive: false, required: true },
    { key: 'notes', datatype: 'long_text', title: 'Notes', description: '', sensitive: false, required: false },
    { key: 'page_size', datatype: 'number', title: 'Page size', description: 'Issues at one time.', sensitive: false, required: false },
    { key: 'contact', datatype: 'email', title: 'Contact', description: '', sensitive: false, required: false },
    { key: 'closed', datatype: 'boolean', title: 'Closed ones too', description: '', sensitive: false, required: false },
    { key: 'token', datatype: 'sensitive', title: 'Token', description: '', sensitive: true, required: true },
  ],
};

function imported(old: object): { manifest: Manifest; notices: string[] } {
  const { yaml, notices } = importManifest(JSON.stringify(old));
  const verdict = parseManifest(yaml);
  if (!verdict.ok) throw new Error(JSON.stringify(verdict.problems));
  return { manifest: verdict.manifest, notices };
}

function refusedAt(text: string): string[] {
  try {
    importManifest(text);
  } catch (error) {
    if (error instanceof RequestError && error.code === 'INVALID_MANIFEST') return error.problems.map(({ path }) => path);
    throw error;
  }
  return [];
}

describe('importManifest()', () => {
  it('turns settings into a schema, the secret into the credential and addresses into what is asked for', () => {
    const { manifest } = imported(OLD);
    expect(manifest).toMatchObject({
      name: 'github_datasource',
      version: '0.1.0',
      configSchema: {
        required: ['base_url'],
        properties: {
          base_url: { type: 'string', format: 'uri', description: 'Address: Where the API is.' },
          notes: { type: 'string', description: 'Notes' },
          page_size: { type: 'number' },
          contact: { type: 'string', format: 'email' },
          closed: { type: 'boolean' },
        },
      },
      auth: { type: 'api_key', attach: [{ header: 'authorization', format: 'Bearer {secret}', originsFromConfig: ['base_url'] }] },
      capabilities: { http: [{ kind: 'from-config', configKey: 'base_url', reason: 'Reads GitHub.' }], storage: false, limits: [] },
    });
    expect(manifest.features.map(({ name }) => name)).toEqual(['documents']);
  });

  it('never leaves a secret among the settings', () => {
    const second = { key: 'webhook_secret', datatype: 'text', title: 'Second', description: '', sensitive: true, required: false };
    const { manifest, notices } = imported({ ...OLD, config: [...OLD.config, second] });
    expect(JSON.stringify(manifest.configSchema)).not.toMatch(/token|webhook_secret/);
    expect(notices.join('\n')).toMatch(/"webhook_secret" is a second secret/);
  });

  it('says what has no place, and what is left to do', () => {
    const { notices } = imported({ ...OLD, config: [] });
    expect(notices.join('\n')).toMatch(/"GitHub-Datasource" is written "github_datasource"/);
    expect(notices.join('\n')).toMatch(/"logo" has no place/);
    expect(notices.join('\n')).toMatch(/No setting is an address/);
  });

  it.each([
    ['no JSON', 'name: x', ['']],
    ['a list', '[]', ['']],
    ['nothing', '{}', ['/name', '/display_name', '/version', '/author', '/description']],
    ['a version that is none', JSON.stringify({ ...OLD, version: 'one' }), ['/version']],
    ['a name that none can be made of', JSON.stringify({ ...OLD, name: '1x' }), ['/name']],
    ['settings that are no list', JSON.stringify({ ...OLD, config: {} }), ['/config']],
    ['a setting of an unknown type', JSON.stringify({ ...OLD, config: [{ key: 'a', datatype: 'colour' }] }), ['/config/0']],
    ['a setting called by the prototype', JSON.stringify({ ...OLD, config: [{ key: 'a', datatype: 'constructor' }] }), ['/config/0']],
  ])('refuses %s', (_, text, paths) => {
    expect(refusedAt(text)).toEqual(paths);
  });
});
