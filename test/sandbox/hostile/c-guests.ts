import { readFile } from 'node:fs/promises';
import { expect } from 'vitest';
import type { Limits } from '../../../host/domain/limits.ts';
import type { SourceFunction } from '../../../host/sandbox/protocol.ts';
import { cComponent, componentFile } from '../../helpers/components.ts';
import type { Hostile, HostileTable } from '../../helpers/hostile.ts';

/** Enough for an honest answer, on a machine that others keep busy too. */
const LIMITS: Partial<Limits> = { callTimeoutMs: 3_000, instantiateTimeoutMs: 3_000, maxMemoryBytes: 64 * 1024 * 1024 };

/** A component that clang made of `test/fixtures/c/hostile/SOURCE.c`, with the allocator of a real library. */
function c(name: string, source: string, expected: object, call: SourceFunction = 'describe'): Hostile {
  const attempt = async (): Promise<Awaited<ReturnType<Hostile['attempt']>>> => {
    const component = new Uint8Array(await readFile(componentFile(cComponent(`hostile/${source}.c`))));
    return { kind: 'component', component, function: call, limits: LIMITS };
  };
  return { name, attempt, expected };
}

const trapped = { ended: 'killed', cause: 'trap' };

/** What mistakes and malice of C come to: memory of the guest may be ruined, and only that. */
export const HOSTILE_C_GUESTS: HostileTable = {
  'memory that a guest ruins is its own': [
    c('gives a block of the allocator a length beyond all memory', 'lying-length', trapped),
    c('counts sixty thousand records where one is', 'lying-count', trapped),
    c('runs over the end of a block and through its own result', 'heap-overflow', trapped),
    c('smashes the stack that its result lies on', 'stack-smash', trapped),
    c('gives a result that it has freed', 'use-after-free', trapped),
    c('recurses until its stack leaves memory', 'deep-stack', trapped),
    c('takes and touches all memory that there is', 'touch-everything', { ...trapped, reason: expect.stringContaining('unreachable') }),
    c(
      'walks a list of free blocks that has no end',
      'spinning-realloc',
      { ended: 'killed', cause: 'timeout', breaches: ['callTimeoutMs'] },
      'check',
    ),
    c('has one block for all that it is told and answers', 'one-block', { ended: 'result' }, 'check'),
  ],
};
