import { access } from 'node:fs/promises';
import { isRemote } from '../domain/source-location.ts';

/** Whether an argument means an address or a name in a market: not when there is a file of this name, or it could be nothing else. */
export async function comesFromElsewhere(argument: string): Promise<boolean> {
  if (isRemote(argument)) return true;
  if (/[./\\]/.test(argument.split('@')[0] ?? '')) return false;
  return access(argument).then(
    () => false,
    () => true,
  );
}
