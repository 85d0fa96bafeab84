import { describe, expect, it } from 'vitest';
import { openLog } from '../../../host/capabilities/log.ts';
import { Meter } from '../../../host/domain/meter.ts';
import { DEFAULT_LIMITS } from '../../../host/domain/limits.ts';

/** What the operator sees after a guest has called `write` with these arguments. */
function written(calls: unknown[][], maxLogLines = 10): [level: string, message: string][] {
  const lines: [string, string][] = [];
  const log = openLog({ meter: new Meter({ ...DEFAULT_LIMITS, maxLogLines }) }, (level, message) => lines.push([level, message]));
  for (const args of calls) expect(log.write?.(args)).toBeUndefined();
  return lines;
}

describe('a line of a guest', () => {
  it('is written with its level', () => {
    const calls = [
      ['debug', 'a'],
      ['info', 'b'],
      ['warn', 'c'],
      ['error', 'd'],
    ];
    expect(written(calls)).toEqual(calls);
  });

  it('cannot forge another line, a colour or a title of the terminal', () => {
    const [[, message] = ['', '']] = written([['info', 'a\r\x1b[31mred\x1b]0;title\x07\0\u0085\u2028b\u009b31m']]);
    expect(message).toBe('a\ufffd\ufffd[31mred\ufffd]0;title\ufffd\ufffd\ufffd\ufffdb\ufffd31m');
  });

  it('is cut at 4 KiB', () => {
    expect(written([['info', 'x'.repeat(5_000)]])[0]?.[1]).toHaveLength(4_096);
  });

  it.each<[string, unknown[]]>([
    ['no arguments', []],
    ['an unknown level', ['fatal', 'text']],
    ['a level that every object has', ['constructor', 'text']],
    ['a message that is a number', ['info', 5]],
    ['a message that is an object', ['info', { a: 1 }]],
    ['a message that cannot become text', ['info', { toString: 1, valueOf: 1 }]],
    ['a level that cannot become text', [{ toString: 1, valueOf: 1 }, 'text']],
    ['a message nested without end', ['info', JSON.parse(`${'['.repeat(5_000)}${']'.repeat(5_000)}`)]],
  ])('that is forged with %s is written as something harmless', (_, args) => {
    expect(written([args])).toEqual([['info', expect.any(String)]]);
  });
});

describe('lines above the limit', () => {
  it('are dropped, with one line that says so', () => {
    const calls = Array.from({ length: 50 }, (_, at) => ['info', `line ${at}`]);
    expect(written(calls, 2)).toEqual([
      ['info', 'line 0'],
      ['info', 'line 1'],
      ['warn', "more lines than the limit maxLogLines of 2: the rest of this call's is dropped"],
    ]);
  });
});
