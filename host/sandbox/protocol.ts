import type { Wire } from './frame.ts';

/**
 * What the host and a sandbox process say to each other. The host believes nothing that comes
 * back: every message passes `parseFromSandbox`, and one that does not ends the process.
 */

/** The functions that a datasource exports, by their WIT names. */
export const SOURCE_FUNCTIONS = ['describe', 'validate-config', 'check', 'read', 'list-ids', 'list-groups', 'search', 'receive'] as const;
export type SourceFunction = (typeof SOURCE_FUNCTIONS)[number];

/**
 * Limits that the far side counts, because only it sees what they are about. A guest that owns its process can ignore
 * them and gains nothing: random bytes and handles cost it nothing but its own processor time and memory, which the host
 * measures, and the host refuses by its header a frame that is too large.
 */
export const FAR_LIMITS = ['maxResultBytes', 'maxRandomBytes', 'maxHandles'] as const;
export type FarLimit = (typeof FAR_LIMITS)[number];

/**
 * Powers that the host answers from its own store, in less time than it takes to suspend a guest and to wake it again. The
 * far side waits for their answers in the kernel, and does nothing else meanwhile: they come over a pipe of their own. All
 * others may take as long as a source takes, and the process serves other calls until then.
 */
const WAITED_FOR = ['storage'] as const;
export type WaitedFor = (typeof WAITED_FOR)[number];

export function isWaitedFor(name: string): name is WaitedFor {
  return WAITED_FOR.some((waited) => waited === name);
}

/** Where the far side reads those answers. */
export const ANSWERS_FD = 3;

export type ToSandbox =
  /** Instantiate afresh and call one function. */
  | { type: 'call'; call: number; function: SourceFunction; args: readonly Wire[]; limits: Readonly<Record<FarLimit, number>> }
  /** The answer to a `host-call`. */
  | { type: 'host-result'; request: number; ok: boolean; value: Wire };

export type FromSandbox =
  /** Compiled; calls may come. */
  | { type: 'ready' }
  /** The instance exists; the call's own deadline begins. */
  | { type: 'started'; call: number }
  /** The guest asks for a power. `request` 0 wants no answer. */
  | { type: 'host-call'; call: number; request: number; interface: string; function: string; args: unknown[] }
  | { type: 'result'; call: number; value: unknown }
  /** The function's own error: the payload of its `result`. */
  | { type: 'error'; call: number; error: unknown }
  /** The call went over a limit that this side counts. The process is done for. */
  | { type: 'overrun'; call: number; limit: FarLimit; used: number }
  /** The guest broke: a trap, a stack overflow, a missing import. The process is done for. */
  | { type: 'trap'; call: number; message: string };

/** The message, or undefined for anything that this protocol does not have. */
export function parseFromSandbox(value: unknown): FromSandbox | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const message = value as Record<string, unknown>;
  if (message.type === 'ready') return { type: 'ready' };
  const call = message.call;
  if (!isId(call)) return undefined;
  switch (message.type) {
    case 'started':
      return { type: 'started', call };
    case 'result':
      return { type: 'result', call, value: message.value };
    case 'error':
      return { type: 'error', call, error: message.error };
    case 'trap':
      return typeof message.message === 'string' ? { type: 'trap', call, message: message.message } : undefined;
    case 'overrun':
      return parseOverrun(call, message);
    case 'host-call':
      return parseHostCall(call, message);
    default:
      return undefined;
  }
}

function parseOverrun(call: number, { limit, used }: Record<string, unknown>): FromSandbox | undefined {
  const known = FAR_LIMITS.find((name) => name === limit);
  return known === undefined || !isId(used) ? undefined : { type: 'overrun', call, limit: known, used };
}

function parseHostCall(call: number, message: Record<string, unknown>): FromSandbox | undefined {
  const { request, args } = message;
  const name = message.interface;
  const func = message.function;
  if (request !== 0 && !isId(request)) return undefined;
  if (typeof name !== 'string' || typeof func !== 'string' || !Array.isArray(args)) return undefined;
  return { type: 'host-call', call, request, interface: name, function: func, args };
}

function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}
