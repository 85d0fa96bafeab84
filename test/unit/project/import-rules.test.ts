import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../../..');
let copy: string;

beforeEach(async () => {
  copy = await mkdtemp(join(tmpdir(), 'import-rules-'));
  for (const name of ['host', 'schemas', 'package.json', 'tsconfig.json', '.dependency-cruiser.js']) {
    await cp(join(ROOT, name), join(copy, name), { recursive: true });
  }
  await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
});

afterEach(() => rm(copy, { recursive: true, force: true }));

/** What `npm run check` does with the import rules, in the copy. */
async function cruise(): Promise<{ code: number; output: string }> {
  const program = join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [program, '--config', '.dependency-cruiser.js', 'host'], { cwd: copy });
    return { code: 0, output: stdout };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && 'stdout' in error)) throw error;
    return { code: Number(error.code), output: String(error.stdout) };
  }
}

describe('the import rules', () => {
  it('see every module of the host', async () => {
    const { code, output } = await cruise();
    expect(output).toMatch(/no dependency violations found/);
    expect(Number(/\((\d+) modules/.exec(output)?.[1])).toBeGreaterThan(80);
    expect(code).toBe(0);
  });

  it.each([
    { from: 'host/routes/shortcut.ts', imports: '../store/database.ts', rule: 'routes-imports-inwards' },
    { from: 'host/store/shortcut.ts', imports: '../services/services.ts', rule: 'store-imports-inwards' },
    { from: 'host/sandbox/shortcut.sandboxed.ts', imports: './pool.ts', rule: 'far-side-stands-alone' },
    { from: 'host/sandbox/shortcut.ts', imports: '../capabilities/registry.ts', rule: 'sandbox-imports-inwards' },
  ])('fail when $from imports $imports', async ({ from, imports, rule }) => {
    await writeFile(join(copy, from), `import * as shortcut from '${imports}';\nexport const used = shortcut;\n`);
    const { code, output } = await cruise();
    expect(output).toContain(rule);
    expect(code).not.toBe(0);
  });
});
