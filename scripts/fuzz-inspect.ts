/**
 * `npm run fuzz:inspect [-- COUNT [SEED]]`: has `datasources inspect --json` judge so many tampered copies of the project's own
 * components, 1,000 by default. Every one gets a verdict; a crash, a hang or a stranger exit code ends with 1. Prints times.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildDatasource } from '../host/authoring/build.ts';
import { command } from '../test/helpers/command.ts';
import { mutated } from '../test/helpers/mutate.ts';
import { seededRandom } from '../test/helpers/random.ts';
import { watDatasource } from '../test/helpers/wat-component.ts';

const [count = 1_000, seed = 1] = process.argv.slice(2).map(Number);
const AT_ONCE = 2;
const MAX_MS = 2_000;
/** Accepted, refused. */
const EXIT_CODES: readonly number[] = [0, 1];

const scratch = await mkdtemp(join(tmpdir(), 'fuzz-inspect-'));
try {
  await fuzz();
} finally {
  await rm(scratch, { recursive: true, force: true });
}

async function fuzz(): Promise<void> {
  const hello = await buildDatasource(join(import.meta.dirname, '../datasources/hello'), { outFile: join(scratch, 'hello.wasm') });
  const files = [
    new Uint8Array(await readFile(hello.file)),
    await watDatasource(),
    await watDatasource(undefined, { world: 'datasource' }),
  ];
  const random = seededRandom(seed);
  const tookMs: number[] = [];
  const verdicts = new Map<string, number>();
  const faults: string[] = [];
  let next = 0;
  async function work(): Promise<void> {
    for (let at = next++; at < count; at = next++) {
      const file = join(scratch, `${at}.wasm`);
      await writeFile(file, mutated(files[at % files.length] ?? new Uint8Array(), random));
      const beganMs = performance.now();
      const { exitCode, stdout, stderr } = await command(['inspect', file, '--json']);
      tookMs.push(performance.now() - beganMs);
      const verdict = verdictOf(stdout);
      verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
      if (!EXIT_CODES.includes(exitCode) || verdict === 'none')
        faults.push(`number ${at} of seed ${seed}: exit code ${exitCode}, ${stderr.slice(0, 300)}`);
      await rm(file);
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const sorted = tookMs.toSorted((one, other) => one - other);
  const at = (share: number): string => `${Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0)} ms`;
  const slow = tookMs.filter((ms) => ms > MAX_MS).length;
  process.stdout.write(`${count} files of seed ${seed}: ${[...verdicts].map(([verdict, times]) => `${times} ${verdict}`).join(', ')}\n`);
  process.stdout.write(`p50 ${at(0.5)}, p99 ${at(0.99)}, longest ${at(1)}; ${slow} above ${MAX_MS} ms; ${AT_ONCE} at a time\n`);
  for (const fault of faults) process.stderr.write(`error: ${fault}\n`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}

function verdictOf(stdout: string): string {
  try {
    const said: unknown = JSON.parse(stdout);
    if (typeof said !== 'object' || said === null || !('accepted' in said)) return 'none';
    return said.accepted === true ? 'accepted' : 'code' in said ? String(said.code) : 'none';
  } catch {
    return 'none';
  }
}
