import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openDatabase } from '../../../host/store/database.ts';
import { getCheckpoint } from '../../../host/store/checkpoints.ts';
import { dumpRebuiltIndex, dumpSearchIndex, inspectFile, temporaryFolder } from './fixture.ts';

test.each([1, 4, 9])('a process that is killed after its batch %i has kept every batch it was told of, whole', async (killAfter) => {
  const file = join(await temporaryFolder(), 'test.db');
  const child = fork(new URL('./writing-process.ts', import.meta.url), [file]);
  onTestFinished(() => void child.kill('SIGKILL'));
  let acknowledged = 0;
  const enough = new Promise<void>((resolve) => {
    child.on('message', (batch) => {
      acknowledged = Number(batch);
      if (acknowledged >= killAfter) resolve();
    });
  });
  await enough;
  // Right behind an acknowledgement the next batch is being written.
  child.kill('SIGKILL');
  await once(child, 'exit');

  const database = await openDatabase({ file });
  onTestFinished(() => database.close());
  const [kept = 0] = (await getCheckpoint(database, 'acme-c1', 'issues')) ?? [];
  expect(kept).toBeGreaterThanOrEqual(acknowledged);
  inspectFile(file, (raw) => {
    expect(raw.prepare('PRAGMA integrity_check').all([])).toEqual([{ integrity_check: 'ok' }]);
    expect(raw.prepare('SELECT count(*) AS documents, sum(passage_count) AS passages FROM documents').all([])).toEqual([
      { documents: kept * 100, passages: kept * 200 },
    ]);
    expect(raw.prepare('SELECT batches FROM run_features').all([])).toEqual([{ batches: kept }]);
    expect(dumpSearchIndex(raw, 'passages_fts_acme')).toEqual(dumpRebuiltIndex(raw, 'acme'));
  });
});
