import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const HOST = join(import.meta.dirname, '../fixtures/spinning-host.ts');

/** Whether there is such a process and it still runs. */
async function runs(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const [state] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return state !== undefined && state !== '' && state !== 'Z' && state !== 'X';
}

describe.runIf(process.platform === 'linux')('a host that is killed with SIGKILL', () => {
  it('leaves no spinning guest behind', async () => {
    const host = spawn(process.execPath, [HOST], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [chunk] = await once(host.stdout, 'data');
    const guest = Number(String(chunk).trim());
    expect(await runs(guest)).toBe(true);
    host.kill('SIGKILL');
    await once(host, 'exit');
    try {
      await expect.poll(() => runs(guest), { timeout: 10_000 }).toBe(false);
    } finally {
      if (await runs(guest)) process.kill(guest, 'SIGKILL');
    }
  });
});
