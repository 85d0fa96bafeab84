import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { QUESTIONS } from '../../scripts/demo/questions.ts';

const DEMO = join(import.meta.dirname, '../../scripts/demo.ts');

describe('the demo', () => {
  it('goes from an emulated GitHub to three right answers, and ends with one line of JSON', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [DEMO, '--json']);
    const lines = stdout.trimEnd().split('\n');
    const outcome: unknown = JSON.parse(lines.at(-1) ?? '');
    expect(outcome).toMatchObject({
      documents: expect.any(Number),
      passages: expect.any(Number),
      elapsedMs: expect.any(Number),
      questions: QUESTIONS.map(({ question, expected }) => ({
        question,
        hits: expect.arrayContaining([
          {
            title: expect.stringContaining(expected),
            link: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\//),
            score: expect.any(Number),
          },
        ]),
      })),
    });
  });
});
