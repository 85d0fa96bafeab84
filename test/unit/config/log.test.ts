import { expect, test } from 'vitest';
import { createLog, type LogLevel } from '../../../host/log.ts';

function capture(level: LogLevel, pretty = false) {
  const lines: string[] = [];
  return { lines, log: createLog({ level, pretty, write: (line) => void lines.push(line), now: () => 0 }) };
}

test('a line is one JSON object with time, level, message and its fields', () => {
  const { lines, log } = capture('info');
  log.child({ run: 'r1' }).info('batch committed', { documents: 3, absent: undefined });
  expect(lines).toEqual([expect.stringMatching(/\n$/)]);
  expect(JSON.parse(lines[0] ?? '')).toEqual({
    run: 'r1',
    documents: 3,
    time: '1970-01-01T00:00:00.000Z',
    level: 'info',
    message: 'batch committed',
  });
});

test('lines below the level are not written, and silent writes none', () => {
  const warn = capture('warn');
  warn.log.info('no');
  warn.log.warn('yes');
  expect(warn.lines).toHaveLength(1);
  const silent = capture('silent');
  silent.log.error('no');
  expect(silent.lines).toEqual([]);
});

test('what a key calls a secret is blanked, however deep', () => {
  const { lines, log } = capture('info');
  log.info('x', { credential: 's3cret', nested: { authorization: 's3cret', apiKey: 's3cret', master_key: 's3cret' }, hasCredential: true });
  expect(lines[0]).not.toContain('s3cret');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ credential: '[secret]', hasCredential: true });
});

test('an error is written with its causes', () => {
  const { lines, log } = capture('info');
  log.error('failed', { error: new Error('outer', { cause: new TypeError('inner') }) });
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    error: { name: 'Error', message: 'outer', cause: { name: 'TypeError', message: 'inner' } },
  });
});

test('a field cannot pose as the time, the level or the message', () => {
  const { lines, log } = capture('info');
  log.warn('real', { level: 'debug', message: 'forged', time: 'never' });
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'warn', message: 'real', time: '1970-01-01T00:00:00.000Z' });
});

test('what cannot be written as JSON does not take the caller down', () => {
  const { lines, log } = capture('info');
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  log.info('circular', { circular });
  log.info('bigint', { size: 10n });
  expect(lines).toHaveLength(2);
  expect(lines[1]).toContain('"size":"10"');
});

test('a message for people cannot move the cursor of their terminal', () => {
  const { lines, log } = capture('info', true);
  log.info('a\u001b[2Jb\nc');
  expect(lines).toEqual(['00:00:00 INFO  a [2Jb c\n']);
});

test.each([true, false])('no line acts upon a terminal, whoever wrote what it says (for people: %s)', (pretty) => {
  const { lines, log } = capture('info', pretty);
  const evil = 'a\u001b[2J\u009b31m\u202eb\r\n\u2028c';
  log.warn(evil, { reason: evil, [evil]: 1, nested: { error: new Error(evil) } });
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
  expect(lines.join('').slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e]/);
});
