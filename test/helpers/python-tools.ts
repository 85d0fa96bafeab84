import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '../..');

/** The folder of programs that `scripts/python-tools.sh` installs, which it does when they are not there. */
export async function pythonTools(): Promise<string> {
  await promisify(execFile)('sh', [join(ROOT, 'scripts/python-tools.sh')], { env: process.env });
  return join(ROOT, '.venv/bin');
}
