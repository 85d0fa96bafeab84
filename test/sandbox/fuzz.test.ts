import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createCompiler } from '../../host/sandbox/compile.ts';
import { findIsolation } from '../../host/sandbox/find-isolation.ts';
import { componentFile } from '../helpers/components.ts';
import { mutated } from '../helpers/mutate.ts';
import { childrenOf } from '../helpers/processes.ts';
import { seededRandom } from '../helpers/random.ts';
import { watDatasource } from '../helpers/wat-component.ts';

/** `npm run fuzz:inspect` does a thousand, through the command line. */
const COUNT = 40;
const SEED = 20;
/** On a machine that others keep busy; a quiet one takes a tenth. */
const MAX_MS = 20_000;
const VERDICTS = ['accepted', 'NOT_A_COMPONENT', 'COMPONENT_TOO_LARGE', 'WRONG_WORLD', 'INVALID_MANIFEST'];

describe('components that somebody has tampered with', () => {
  it('each get a verdict in time, and the good one after them is accepted', async () => {
    const cacheFolder = await mkdtemp(join(tmpdir(), 'fuzz-'));
    const { isolation } = await findIsolation('auto');
    const compiler = createCompiler({ cacheFolder, isolation });
    const good = await watDatasource();
    const files = [good, new Uint8Array(await readFile(componentFile('hello')))];
    const random = seededRandom(SEED);
    const seen = new Set<string>();
    for (let at = 0; at < COUNT; at += 1) {
      const beganMs = performance.now();
      const { report } = await compiler.examine(mutated(files[at % files.length] ?? good, random));
      expect(VERDICTS, `number ${at} of seed ${SEED}`).toContain(report.verdict);
      expect(report.verdict === 'accepted').toBe(report.problems.length === 0);
      expect(performance.now() - beganMs, `number ${at} of seed ${SEED}`).toBeLessThan(MAX_MS);
      seen.add(report.verdict);
    }
    expect(seen.size).toBeGreaterThan(1);
    expect((await compiler.examine(good)).report).toMatchObject({ verdict: 'accepted', problems: [] });
    await expect.poll(() => childrenOf(process.pid)).toEqual([]);
    await rm(cacheFolder, { recursive: true });
  }, 300_000);
});
