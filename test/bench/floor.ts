import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { median, timings } from './figure.ts';

const ROUND_TRIPS = 5_000;
/** About as long as a question to the storage. */
const MESSAGE_BYTES = 120;
const ECHO = `process.stdin.on('data', (bytes) => require('node:fs').writeSync(1, bytes));`;

/** Milliseconds of a round trip between two bare processes of Node.js: what no protocol over pipes goes below on this machine. */
export async function floorMs(): Promise<number> {
  const child = spawn(process.execPath, ['-e', ECHO], { stdio: ['pipe', 'pipe', 'inherit'] });
  const message = Buffer.alloc(MESSAGE_BYTES);
  try {
    return median(
      await timings(ROUND_TRIPS, async () => {
        child.stdin.write(message);
        await once(child.stdout, 'data');
      }),
    );
  } finally {
    child.kill('SIGKILL');
  }
}
