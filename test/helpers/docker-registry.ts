import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';

/** Debian's `docker-registry` on loopback, with its files in a folder of its own. */
export interface DockerRegistry {
  /** `127.0.0.1:PORT`. */
  host: string;
  /** Changes what lies under a digest, as somebody who got into the registry could. */
  tamper(digest: string, change: (bytes: Buffer) => Buffer): Promise<void>;
  close(): Promise<void>;
}

export interface DockerRegistryOptions {
  /** Lines of an Apache htpasswd file with bcrypt hashes; nobody is asked for a password when left out. */
  htpasswd?: string;
  /** Where tokens are made; `realm` may be of another host. */
  token?: { realm: string; service: string; issuer: string; certificatePem: string };
}

/** Of the Debian package of the same name. */
const PROGRAM = 'docker-registry';

export async function startDockerRegistry(options: DockerRegistryOptions = {}): Promise<DockerRegistry> {
  const folder = await mkdtemp(join(tmpdir(), 'lorelai-registry-'));
  const host = `127.0.0.1:${await freePort()}`;
  const config = {
    version: '0.1',
    log: { level: 'error' },
    storage: { filesystem: { rootdirectory: join(folder, 'data') } },
    http: { addr: host },
    ...(await auth(folder, options)),
  };
  await writeFile(join(folder, 'config.yml'), JSON.stringify(config));
  // Its client of traces has no use for a test.
  const child = spawn(PROGRAM, ['serve', join(folder, 'config.yml')], {
    env: { PATH: process.env.PATH, OTEL_TRACES_EXPORTER: 'none' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await answers(child, host);
  return {
    host,
    async tamper(digest, change) {
      const hex = digest.replace('sha256:', '');
      const file = join(folder, 'data/docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data');
      await writeFile(file, change(await readFile(file)));
    },
    async close() {
      if (child.exitCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function auth(folder: string, { htpasswd, token }: DockerRegistryOptions): Promise<object> {
  if (htpasswd !== undefined) {
    await writeFile(join(folder, 'htpasswd'), htpasswd);
    return { auth: { htpasswd: { realm: 'test', path: join(folder, 'htpasswd') } } };
  }
  if (token === undefined) return {};
  const { certificatePem, ...rest } = token;
  await writeFile(join(folder, 'token.pem'), certificatePem);
  return { auth: { token: { ...rest, rootcertbundle: join(folder, 'token.pem') } } };
}

/** Until it listens: it says nothing when it does. */
async function answers(child: ChildProcess, host: string): Promise<void> {
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')));
  const failed = new Promise<never>((_, reject) => {
    child.once('error', () => reject(new Error('docker-registry is not installed: apt-get install docker-registry')));
    child.once('exit', () => reject(new Error(`docker-registry ended: ${stderr}`)));
  });
  failed.catch(() => undefined);
  const listens = async (): Promise<void> => {
    for (;;) {
      const answer = await fetch(`http://${host}/v2/`).catch(() => undefined);
      if (answer !== undefined) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (child.exitCode !== null) return;
    }
  };
  await Promise.race([failed, listens()]);
}
