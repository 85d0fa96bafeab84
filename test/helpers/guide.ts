import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** What came of the commands of a guide. */
export interface GuideResult {
  exitCode: number | null;
  /** Of each block of commands. */
  outputs: string[];
  stderr: string;
}

export interface GuideOptions {
  /** Names of the guide (hosts, folders) and what stands for them on this machine. */
  instead?: Readonly<Record<string, string>>;
  env?: Readonly<Record<string, string>>;
}

/**
 * Runs every block of shell commands of `docs/guides/NAME.md` as it stands, one after the other, from the root of the repository, until one
 * fails. The guide makes DATA_DIR, which is deleted behind it.
 */
export async function runGuide(name: string, { instead = {}, env = {} }: GuideOptions = {}): Promise<GuideResult> {
  const guide = await readFile(join(ROOT, `docs/guides/${name}.md`), 'utf8');
  const blocks = [...guide.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block ?? '');
  const commands = Object.entries(instead).reduce((text, [said, meant]) => {
    if (!text.includes(said)) throw new Error(`the guide does not name ${said}`);
    return text.replaceAll(said, meant);
  }, blocks.join('\necho "--"\n'));
  // What `npx datasources` finds in the root of the repository.
  const npx = 'npx() { shift; "$NODE" bin/datasources.js "$@"; }\n';
  const script = `set -e\n${npx}trap 'test -n "$DATA_DIR" && rm -rf "$DATA_DIR"' EXIT\n${commands}`;
  const child = spawn('bash', ['-c', script], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, NODE: process.execPath, ISOLATION: 'process', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')));
  const [exitCode] = await once(child, 'close');
  return { exitCode, outputs: stdout.split('\n--\n'), stderr };
}
