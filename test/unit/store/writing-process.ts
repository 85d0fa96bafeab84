import { commitBatch } from '../../../host/store/batch.ts';
import { openDatabase } from '../../../host/store/database.ts';
import { addConnection, batchOf, claimRun, upsert } from './fixture.ts';

// Commits batch after batch into the file of its argument, and says the number of each when it is kept.
const database = await openDatabase({ file: process.argv[2] ?? '' });
const home = await addConnection(database);
const lease = await claimRun(database, home);
for (let batch = 1; batch < 256; batch += 1) {
  const changes = Array.from({ length: 100 }, (_, place) =>
    upsert(`${batch}-${place}`, [`passage ${place} of batch ${batch}`, 'and one more']),
  );
  await commitBatch(database, batchOf(home, lease, { changes, checkpoint: new Uint8Array([batch]) }));
  process.send?.(batch);
}
