import { closeSync, readdirSync, readFileSync } from 'node:fs';

const LAST_STDIO = 2;
const O_CLOEXEC = 0o2000000;

/**
 * Closes what this process inherited besides its stdio, so that nothing of a supervisor's goes on to sandbox processes.
 * Node marks the first inherited descriptors so that no child gets them, and all that it opens itself, but not inherited
 * ones beyond a gap. Linux only.
 */
export function closeInherited(): void {
  if (process.platform !== 'linux') return;
  for (const descriptor of readdirSync('/proc/self/fd').map(Number)) {
    if (descriptor <= LAST_STDIO) continue;
    try {
      const [, flags = ''] = /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8')) ?? [];
      if (flags !== '' && (Number.parseInt(flags, 8) & O_CLOEXEC) === 0) closeSync(descriptor);
    } catch {
      // It is the one that the folder was read by, and gone.
    }
  }
}
