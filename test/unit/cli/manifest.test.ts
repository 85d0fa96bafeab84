import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { command } from '../../helpers/command.ts';

const FIXTURES = join(import.meta.dirname, '../../fixtures/manifests');
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lorelai-manifest-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('datasources manifest', () => {
  it.each(['plan-github.yaml', 'plan-google-drive.yaml'])('accepts %s as it stands', async (name) => {
    const { exitCode, stdout, stderr } = await command(['manifest', join(FIXTURES, name)]);
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).toContain(' is accepted.');
    expect(stdout).toContain('works with framework >=1.0.0 <2.0.0');
  });

  it('tells what replaces the words of Python, and where they stand', async () => {
    const { stdout } = await command(['manifest', join(FIXTURES, 'plan-google-drive.yaml'), '--json']);
    const { accepted, notices, manifest } = JSON.parse(stdout);
    expect(accepted).toBe(true);
    expect(notices.map(({ path }: { path: string }) => path)).toEqual([
      '/python_version',
      '/core_dependencies/langchain',
      '/core_dependencies/pydantic',
      '/core_dependencies/sqlalchemy',
      '/monitoring/health_check_endpoint',
    ]);
    expect(notices[0]).toMatchObject({ line: 6, column: 1 });
    expect(manifest.dependencies).toEqual([]);
  });

  it('keeps what is needed of the host and of other datasources', async () => {
    const file = join(folder, 'needs.yaml');
    const text = `name: a
version: 1.0.0
author: Ada
description: A.
framework_version: ^1.0.0
core_dependencies: { "wasi:http": ">=0.2.0,<0.3.0", github: ^1.0.0 }
features: { a: {} }
`;
    await writeFile(file, text);
    const { stdout } = await command(['manifest', file, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      notices: [],
      manifest: {
        dependencies: [
          { name: 'wasi:http', range: '>=0.2.0 <0.3.0' },
          { name: 'github', range: '^1.0.0' },
        ],
      },
    });
  });

  it('names each problem with its line, its remedy and the nearest known word', async () => {
    const file = join(folder, 'bad.yaml');
    await writeFile(file, 'name: a\nversion: 1.0.0\nauthor: Ada\ndescripton: A.\nframework_version: ^1.0.0\nfeatures: { a: {} }\n');
    const { exitCode, stdout } = await command(['manifest', file]);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/is refused: INVALID_MANIFEST\.\n[^]*line 4, column 1: \/descripton: [^\n]*\n {4}remedy: [^\n]*description/);
    expect((await command(['manifest', file, '--json'])).exitCode).toBe(1);
  });

  it('takes the folder of a datasource', async () => {
    const { exitCode, stdout } = await command(['manifest', join(import.meta.dirname, '../../../datasources/hello')]);
    expect([exitCode, stdout.split('\n')[0]]).toEqual([0, expect.stringMatching(/datasource\.yaml is accepted\.$/)]);
  });

  it('ends with 1 for a file that is not there', async () => {
    const { exitCode, stderr } = await command(['manifest', join(folder, 'none.yaml')]);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('there is no such file')]);
  });
});

it('datasources import-manifest prints a manifest that is accepted, and what is left to do on stderr', async () => {
  const [old, made] = [join(folder, 'manifest.json'), join(folder, 'datasource.yaml')];
  const manifest = { name: 'wiki', display_name: 'Wiki', version: '1.0.0', author: 'Ada', description: 'Reads.', config: [] };
  await writeFile(old, JSON.stringify(manifest));
  const { exitCode, stdout, stderr } = await command(['import-manifest', old]);
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining('notice: ')]);
  await writeFile(made, stdout);
  expect((await command(['manifest', made])).exitCode).toBe(0);
});
