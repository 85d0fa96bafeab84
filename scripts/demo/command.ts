import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const BIN = join(import.meta.dirname, '../../bin/datasources.js');

/** Runs a `datasources` command as a person would; its own words come with a failure. */
export async function runDatasources(args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [BIN, ...args], { env: { PATH: process.env.PATH } });
  return stdout;
}
