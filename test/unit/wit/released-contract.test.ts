import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { contractSurface } from '../../../scripts/pin-contract.ts';

const ROOT = join(import.meta.dirname, '../../..');

describe('the contract', () => {
  it('has the surface that was released as 1.0.0: change the version, never a released text', async () => {
    const released: unknown = JSON.parse(await readFile(join(ROOT, 'test/fixtures/contract-1.0.0.json'), 'utf8'));
    expect(await contractSurface(join(ROOT, 'wit'))).toEqual(released);
  });

  it('documents every item and says since when it is there', async () => {
    for (const name of ['types', 'source', 'http-client', 'storage', 'log', 'metrics']) {
      const lines = (await readFile(join(ROOT, 'wit', `${name}.wit`), 'utf8')).split('\n');
      lines.forEach((line, index) => {
        if (!/^ {4}(record|variant|enum|type|[a-z-]+: func)\b/.test(line)) return;
        expect(lines[index - 1], `${name}.wit: ${line.trim()}`).toMatch(/@since\(version = \d+\.\d+\.\d+\)/);
        expect(lines[index - 2], `${name}.wit: ${line.trim()}`).toMatch(/^ {4}\/\/\/ /);
      });
    }
  });
});
