import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { descendantsOf } from '../helpers/processes.ts';

const HOST = join(import.meta.dirname, '../fixtures/spinning-host.ts');

/** Whether there is such a process and it still runs. */
async function runs(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const [state] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return state !== undefined && state !== '' && state !== 'Z' && state !== 'X';
}

describe.runIf(process.platform === 'linux')('a host that is killed with SIGKILL', () => {
  it.each(['process', 'namespace'])('leaves no spinning guest behind with %s isolation', async (isolation) => {
    const host = spawn(process.execPath, [HOST, isolation], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(host.stdout, 'data');
    const guests = await descendantsOf(host.pid ?? 0);
    // The guest, and in namespaces the wrapper around it.
    expect(guests).toHaveLength(isolation === 'namespace' ? 2 : 1);
    host.kill('SIGKILL');
    await once(host, 'exit');
    try {
      await expect.poll(async () => (await Promise.all(guests.map(runs))).includes(true)).toBe(false);
    } finally {
      for (const guest of guests) if (await runs(guest)) process.kill(guest, 'SIGKILL');
    }
  });
});
