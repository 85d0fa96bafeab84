import { execFile } from 'node:child_process';
import { link, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readComponentFile } from '../../../../host/services/sources/component-file.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'component-file-'));
});
afterEach(() => rm(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);

test('a file is read whole, up to the limit and no byte further', async () => {
  await writeFile(at('a.wasm'), 'abcdef');
  expect(Buffer.from(await readComponentFile(at('a.wasm'), 6)).toString()).toBe('abcdef');
  await expect(readComponentFile(at('a.wasm'), 5)).rejects.toMatchObject({ code: 'COMPONENT_TOO_LARGE' });
  await writeFile(at('empty.wasm'), '');
  expect(await readComponentFile(at('empty.wasm'))).toHaveLength(0);
});

test('what has no size is not read for ever', async () => {
  await expect(readComponentFile('/proc/self/mem', 100)).rejects.toThrow();
  // A regular file that says that it is empty, and is not.
  await expect(readComponentFile('/proc/self/status', 100)).rejects.toMatchObject({ code: 'COMPONENT_TOO_LARGE' });
  await expect(readComponentFile('/dev/zero', 100)).rejects.toThrow('no regular file');
});

test('nobody is waited for who writes to a pipe', async () => {
  await promisify(execFile)('mkfifo', [at('pipe.wasm')]);
  await expect(readComponentFile(at('pipe.wasm'))).rejects.toThrow('no regular file');
});

test('a folder and a link are not read', async () => {
  await writeFile(at('real'), 'x');
  await symlink(at('real'), at('link.wasm'));
  await expect(readComponentFile(at('link.wasm'))).rejects.toMatchObject({ code: 'ELOOP' });
  await expect(readComponentFile(folder)).rejects.toThrow('no regular file');
});

test('what takes the place of a file while it is read is not read', async () => {
  await writeFile(at('a.wasm'), 'a'.repeat(1_000_000));
  await writeFile(at('b.wasm'), 'b'.repeat(2_000_000));
  await link(at('a.wasm'), at('kept'));
  const [read] = await Promise.all([readComponentFile(at('a.wasm')), rename(at('b.wasm'), at('a.wasm'))]);
  expect(new Set(read).size).toBe(1);
  expect([1_000_000, 2_000_000]).toContain(read.length);
});
