/**
 * `npm run check`: types, lint, format, import rules, unused code, and generated files without a
 * difference. Every step runs; the exit code is 1 when any failed.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const CODE = ['host', 'clients', 'datasources', 'scripts', 'test', 'bin'];

interface Step {
  name: string;
  command: string[];
}

const STEPS: Step[] = [
  { name: 'types', command: ['tsc', '-p', 'tsconfig.json'] },
  { name: 'guest types', command: ['tsc', '-p', 'datasources/tsconfig.json'] },
  { name: 'lint', command: ['oxlint', '--quiet', ...CODE] },
  { name: 'format', command: ['oxfmt', '--check', ...CODE] },
  { name: 'import rules', command: ['depcruise', '--config', '.dependency-cruiser.js', 'host', 'clients', 'datasources', 'scripts'] },
  { name: 'unused code', command: ['knip'] },
  { name: 'generated files', command: ['node', 'scripts/gen.ts', '--check'] },
];

async function run(step: Step): Promise<boolean> {
  const startedMs = performance.now();
  const [program = '', ...args] = step.command;
  const file = program === 'node' ? process.execPath : join(ROOT, 'node_modules/.bin', program);
  const child = spawn(file, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  const code = await new Promise<number>((resolve) => {
    child.on('error', () => resolve(127));
    child.on('close', (exitCode) => resolve(exitCode ?? 1));
  });
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  process.stdout.write(`${code === 0 ? 'ok    ' : 'FAILED'} ${step.name} (${seconds} s)\n`);
  if (code !== 0) process.stdout.write(`${output.trimEnd()}\n`);
  return code === 0;
}

let green = true;
for (const step of STEPS) green = (await run(step)) && green;
process.exitCode = green ? 0 : 1;
