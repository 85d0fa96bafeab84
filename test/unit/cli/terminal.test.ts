import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { action } from '../../../host/cli/command.ts';
import { command, type CommandResult } from '../../helpers/command.ts';

/** Clears the screen, changes the title of the window, does so with C1 characters, and turns the line around. */
const EVIL = 'all \u001b[2J\u001b]0;owned\u0007\u009b31m\u009d0;x\u009c\r\u202efine\u2028\u007f';
/** What a terminal acts upon. A newline is the only control character of text. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const ACTS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;

/** What a command says when the host that it calls answers like this. */
async function against(body: object, ...args: string[]): Promise<CommandResult> {
  const server = createServer((_, response) => {
    response.writeHead(422, { 'content-type': 'application/problem+json' }).end(JSON.stringify(body));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const folder = await mkdtemp(join(tmpdir(), 'lorelai-terminal-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const keyFile = join(folder, 'key');
  await writeFile(keyFile, 'a-key');
  const { port } = server.address() as AddressInfo;
  return command([...args, '--url', `http://127.0.0.1:${port}`, '--key-file', keyFile]);
}

const PROBLEM = {
  type: 'about:blank',
  status: 422,
  code: 'INVALID_CONFIG',
  title: 'x',
  detail: EVIL,
  requestId: 'x',
  errors: [
    { path: EVIL, reason: EVIL, remedy: `${EVIL}\nerror: forged` },
    { path: '/a', reason: 'b', remedy: 'c' },
  ],
};

describe('what strangers wrote cannot act upon the terminal', () => {
  test('in an error and its problems, which stay one line each', async () => {
    const { exitCode, stdout, stderr } = await against(PROBLEM, 'list');
    expect([exitCode, stdout]).toEqual([1, '']);
    expect(stderr).not.toMatch(ACTS);
    expect(stderr).toContain('all');
    expect(stderr.split('\n').filter((line) => line.startsWith('error: '))).toHaveLength(1);
  });

  test('in an error as JSON, which says the same', async () => {
    const { stderr } = await against(PROBLEM, 'list', '--json');
    expect(stderr.trimEnd()).not.toMatch(ACTS);
    expect(JSON.parse(stderr)).toMatchObject({ detail: EVIL, errors: PROBLEM.errors });
  });

  test.each([true, false])('in what any command prints (as JSON: %s)', async (json) => {
    let printed = '';
    const io = { stdout: { write: (text: string) => (printed += text) } };
    const cli = { io: io as never, json, exit: () => undefined };
    await action(cli, () => Promise.resolve({ json: { name: EVIL }, text: `one ${EVIL}\ntwo` }))();
    expect(printed.trimEnd()).not.toMatch(ACTS);
    if (json) expect(JSON.parse(printed)).toEqual({ name: EVIL });
    else expect(printed).toMatch(/^one .*\ntwo\n$/);
  });
});
