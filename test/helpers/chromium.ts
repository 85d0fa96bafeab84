import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';

/** What Debian, and others, call it. */
const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome'];

/**
 * A real browser without a screen. `names`: where it finds hosts by name, as `{ 'datasources.example': '127.0.0.1:8443' }`; any other name is
 * found nowhere, so that no test leaves this machine. Tests fail where none is installed.
 */
export async function startChromium(names: Record<string, string> = {}): Promise<Browser> {
  const rules = [...Object.entries(names).map(([name, to]) => `MAP ${name} ${to}`), 'MAP * ~NOTFOUND', 'EXCLUDE 127.0.0.1'];
  return chromium.launch({
    executablePath: program(),
    // Its own sandbox wants namespaces that root has not, nor most containers; it sees no pages but ours and those of tests.
    chromiumSandbox: false,
    args: [`--host-resolver-rules=${rules.join(', ')}`],
  });
}

function program(): string {
  const found = (process.env.PATH ?? '')
    .split(':')
    .filter((folder) => folder.startsWith('/'))
    .flatMap((folder) => PROGRAMS.map((name) => join(folder, name)))
    .find(isExecutable);
  if (found === undefined) throw new Error('Chromium is not installed: apt-get install chromium');
  return found;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
