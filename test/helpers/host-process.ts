import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { adminKeyEnv } from './admin-key.ts';

const BIN = join(import.meta.dirname, '../../bin/datasources.js');

/** A host in a process of its own, as an operator runs it. */
export interface HostProcess {
  url: string;
  pid: number;
  /** SIGKILL: nothing gets a chance to end well. */
  kill(): Promise<void>;
  /** SIGTERM: gives the exit code. */
  stop(): Promise<number | null>;
  /** All that it wrote to stderr. */
  log(): string;
}

/** Starts `datasources serve` on any free port and waits until it listens. It takes `ADMIN_KEY`, unless `env` says otherwise. */
export async function startHostProcess(options: { dataDir: string; env?: Record<string, string> }): Promise<HostProcess> {
  const child = spawn(process.execPath, [BIN, 'serve', '--json'], {
    env: {
      PATH: process.env.PATH,
      PORT: '0',
      DATA_DIR: options.dataDir,
      LOG_LEVEL: 'info',
      ...(await adminKeyEnv(options.dataDir)),
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')));
  const exited = once(child, 'exit');
  const url = await Promise.race([
    firstUrl(child),
    exited.then(() => Promise.reject(new Error(`the host ended before it listened: ${stderr}`))),
  ]);
  return {
    url,
    pid: child.pid ?? 0,
    log: () => stderr,
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
    async stop() {
      child.kill('SIGTERM');
      await exited;
      return child.exitCode;
    },
  };
}

async function firstUrl(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new TypeError('stdout is piped');
  for await (const line of createInterface({ input: child.stdout })) {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed === 'object' && parsed !== null && 'url' in parsed) return String(parsed.url);
  }
  return new Promise(() => undefined);
}
