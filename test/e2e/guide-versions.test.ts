import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

it('the commands of docs/guides/versions.md do what the guide says, as they stand', async () => {
  const guide = await readFile(join(ROOT, 'docs/guides/versions.md'), 'utf8');
  const blocks = [...guide.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block ?? '');
  expect(blocks.length).toBeGreaterThan(5);
  // What `npx datasources` finds in the root of the repository.
  const npx = 'npx() { shift; "$NODE" bin/datasources.js "$@"; }\n';
  const script = `set -e\n${npx}trap 'test -n "$DATA_DIR" && rm -rf "$DATA_DIR"' EXIT\n${blocks.join('\necho "--"\n')}`;
  const env = { PATH: process.env.PATH, NODE: process.execPath, ISOLATION: 'process' };
  const child = spawn('bash', ['-c', script], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')));
  const [code] = await once(child, 'close');
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  const [, looked, upgraded, back, granted, features, removed] = stdout.split('\n--\n');
  expect(looked).toContain('Everything fits.');
  expect(stderr).toContain('hello 1.1.0 asks for more than 1.0.0 did: http https://hello.example.com');
  expect(upgraded).toContain('http https://hello.example.com: Fetches new greetings.');
  expect(upgraded).toContain('hello went from 1.0.0 to 1.1.0.');
  expect(upgraded).toContain('awaiting-approval');
  expect(back).toContain('hello runs version 1.0.0 again.');
  expect(granted).toContain('http https://hello.example.com');
  expect(features).toContain('greetings of hello is off, and what was read of it is kept and not found.');
  expect(removed).toContain('Removed hello: 2 versions and 0 connections.');
}, 240_000);
