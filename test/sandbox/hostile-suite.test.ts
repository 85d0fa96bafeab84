import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { HostileTable } from '../helpers/hostile.ts';
import { HOSTILE_C_GUESTS } from './hostile/c-guests.ts';
import { HOSTILE_FILES } from './hostile/files.ts';
import { HOSTILE_GUESTS, HOSTILE_SCRIPTS } from './hostile/guests.ts';
import { HOSTILE_PEERS } from './hostile/peers.ts';
import { HOSTILE_PROCESSES } from './hostile/processes.ts';

const TABLES: readonly [who: string, table: HostileTable][] = [
  ['Component files', HOSTILE_FILES],
  ['Guests', { ...HOSTILE_GUESTS, ...HOSTILE_C_GUESTS, ...HOSTILE_SCRIPTS }],
  ['Guests that own their process', HOSTILE_PROCESSES],
  ['Servers, and requests to them', HOSTILE_PEERS],
];
const REFERENCE = join(import.meta.dirname, '../../docs/reference/hostile-suite.md');

const entries = TABLES.flatMap(([, table]) => Object.values(table).flat());

describe('the hostile suite', () => {
  it('has at least eighty strangers', () => {
    expect(entries.length).toBeGreaterThanOrEqual(80);
  });

  it('tells them apart by name', () => {
    expect(new Set(entries.map(({ name }) => name)).size).toBe(entries.length);
  });

  it('is listed in docs/reference/hostile-suite.md (`npx vitest run test/sandbox/hostile-suite.test.ts -u` writes it)', async () => {
    await expect(listing()).toMatchFileSnapshot(REFERENCE);
  });
});

function listing(): string {
  const parts = TABLES.map(([who, table]) => {
    const promises = Object.entries(table).map(
      ([promise, strangers]) =>
        `### ${promise[0]?.toUpperCase()}${promise.slice(1)} (${strangers.length})\n\n${strangers.map(({ name }) => `- ${oneLine(name)}`).join('\n')}\n`,
    );
    return `## ${who} (${Object.values(table).flat().length})\n\n${promises.join('\n')}`;
  });
  const intro = `# The hostile suite

${entries.length} components, guests, processes and servers that mean harm, by the promise that each tries to break. For every one of them \`npm test\` asserts what comes of it,
that the host that it was let at answered \`/healthz\` all the while, that the run of another organisation's other datasource ended well, and that its
processes are gone and the host's memory is back afterwards. Written by \`test/sandbox/hostile-suite.test.ts\`.
`;
  return `${intro}\n${parts.join('\n')}`;
}

function oneLine(text: string): string {
  return text.replaceAll('\n', ' ');
}
