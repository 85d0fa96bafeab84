/** Runs on the other side of the boundary: what the program of a process finds around it. */
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import v8 from 'node:v8';

function refuse(): never {
  throw new Error('a sandbox may not do this');
}

/**
 * Takes away what Node's permission model leaves open and a guest that broke out of WebAssembly could turn against the
 * host or other sandboxes: signals, priorities and the engine's own caps.
 */
export function closeWhatIsOpen(): void {
  for (const name of ['kill', '_kill', '_debugProcess', '_debugEnd', 'setuid', 'setgid', 'seteuid', 'setegid', 'setgroups', 'initgroups']) {
    Object.defineProperty(process, name, { value: refuse, writable: false, configurable: false });
  }
  Object.defineProperty(os, 'setPriority', { value: refuse, writable: false, configurable: false });
  Object.defineProperty(v8, 'setFlagsFromString', { value: refuse, writable: false, configurable: false });
  // So that `import { kill } from 'node:process'` finds the same.
  syncBuiltinESMExports();
}

/**
 * Makes cheap what generated code does at every step of a call. It looks for a variable of the environment, for which Node
 * asks the kernel's copy; it is empty here. It throws errors that it catches itself, and nobody reads where they came from.
 */
export function easeGeneratedCode(): void {
  Error.stackTraceLimit = 0;
  Object.defineProperty(process, 'env', { value: Object.freeze({ __proto__: null }), writable: false, configurable: false });
  Object.defineProperty(globalThis, 'process', { value: process, writable: false, configurable: false });
}
