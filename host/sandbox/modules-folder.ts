import { createRequire } from 'node:module';
import { sep } from 'node:path';

/** The outermost `node_modules` around a package: package managers that link packages keep what they link to inside it. */
export function modulesFolder(packageName: string): string {
  const file = createRequire(import.meta.url).resolve(packageName);
  const name = `${sep}node_modules${sep}`;
  return file.slice(0, file.indexOf(name) + name.length - 1);
}
