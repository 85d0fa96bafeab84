import { expect, test } from 'vitest';
import { commitBatch } from '../../../host/store/batch.ts';
import {
  viewConnection,
  getSealedCredential,
  insertConnection,
  listConnections,
  updateConnection,
} from '../../../host/store/connections.ts';
import { putFlag, listFlags } from '../../../host/store/flags.ts';
import { getOrganisation, insertOrganisation, listOrganisations } from '../../../host/store/organisations.ts';
import { getDatasource, listDatasources, putDatasource } from '../../../host/store/registry.ts';
import { finishRemovals, removeConnection } from '../../../host/store/removals.ts';
import { createRun, finishRun } from '../../../host/store/runs.ts';
import { searchPassages } from '../../../host/store/search.ts';
import { EVERYTHING } from '../../../host/store/visibility.ts';
import {
  addConnection,
  batchOf,
  claimRun,
  dumpRebuiltIndex,
  dumpSearchIndex,
  index,
  inspectFile,
  temporaryDatabase,
  upsert,
} from './fixture.ts';

test('an organisation is added once: CONFLICT', async () => {
  const database = await temporaryDatabase();
  const acme = { id: 'acme', name: 'Acme', createdAtMs: 5 };
  await insertOrganisation(database, acme);
  await expect(insertOrganisation(database, { ...acme, name: 'Other' })).rejects.toMatchObject({ code: 'CONFLICT' });
  await insertOrganisation(database, { ...acme, id: '0-a' });
  expect(await getOrganisation(database, 'acme')).toEqual(acme);
  expect(await getOrganisation(database, 'nobody')).toBeUndefined();
  expect((await listOrganisations(database)).map(({ id }) => id)).toEqual(['0-a', 'acme']);
});

test('an id that could leave the name of its table is refused', async () => {
  const database = await temporaryDatabase();
  for (const id of ['', 'A', 'a_data', 'a"b', '-a', 'a'.repeat(64), 'ä']) {
    await expect(insertOrganisation(database, { id, name: '', createdAtMs: 1 })).rejects.toThrow(TypeError);
  }
  expect(await listOrganisations(database)).toEqual([]);
});

test('installing a datasource again replaces it and keeps its flags and the first time', async () => {
  const database = await temporaryDatabase();
  const input = {
    name: 'github',
    version: '1.0.0',
    digest: 'sha256:a',
    manifest: { a: [1] },
    grant: {},
    inspection: { ok: true },
    nowMs: 5,
  };
  await putDatasource(database, input);
  await database.write([putFlag('github', { feature: 'issues', enabled: true, config: { days: 3 }, updatedAtMs: 6 })]);
  await putDatasource(database, { ...input, version: '2.0.0', nowMs: 9 });
  expect(await getDatasource(database, 'github')).toEqual({
    ...{ name: 'github', version: '2.0.0', digest: 'sha256:a', manifest: { a: [1] }, grant: {}, inspection: { ok: true } },
    ...{ enabled: true, previousVersion: undefined, installedAtMs: 5, updatedAtMs: 9 },
  });
  expect(await listDatasources(database)).toHaveLength(1);
  await database.write([putFlag('github', { feature: 'issues', enabled: false, config: {}, updatedAtMs: 7 })]);
  expect(await listFlags(database, 'github')).toEqual([
    { feature: 'issues', enabled: false, config: {}, documents: 'keep', updatedAtMs: 7 },
  ]);
});

test('a change touches what it names and nothing else', async () => {
  const database = await temporaryDatabase();
  await addConnection(database);
  const config = { url: 'https://example.com' };
  const sealedCredential = new Uint8Array([1, 2]);
  await insertConnection(database, {
    id: 'c2',
    organisation: 'acme',
    datasource: 'github',
    name: 'two',
    config,
    features: {},
    sealedCredential,
    nowMs: 5,
  });
  expect(await updateConnection(database, 'acme', 'c2', { features: { issues: { enabled: true, config: { a: 1 } } }, nowMs: 6 })).toBe(
    true,
  );
  expect(await viewConnection(database, 'acme', 'c2')).toEqual({
    ...{ id: 'c2', organisation: 'acme', datasource: 'github', name: 'two', config, hasCredential: true },
    features: { issues: { enabled: true, config: { a: 1 } } },
    ...{ documents: 0, passages: 0, metrics: {}, createdAtMs: 5, updatedAtMs: 6, revision: 0 },
  });
  expect(await getSealedCredential(database, 'acme', 'c2')).toEqual(sealedCredential);
  await updateConnection(database, 'acme', 'c2', { name: 'three', config: {}, sealedCredential: null, nowMs: 7 });
  expect(await viewConnection(database, 'acme', 'c2')).toMatchObject({ name: 'three', config: {}, hasCredential: false });
});

test('a connection does not exist for another organisation', async () => {
  const database = await temporaryDatabase();
  const { connection } = await addConnection(database);
  await addConnection(database, { organisation: 'rival' });
  expect(await viewConnection(database, 'rival', connection)).toBeUndefined();
  expect(await getSealedCredential(database, 'rival', connection)).toBeUndefined();
  expect(await updateConnection(database, 'rival', connection, { name: 'mine', nowMs: 1 })).toBe(false);
  await expect(removeConnection(database, 'rival', connection, 1)).rejects.toMatchObject({ code: 'UNKNOWN_CONNECTION' });
  const page = await listConnections(database, 'rival', { limit: 200 });
  expect(page.items.map(({ id }) => id)).toEqual(['rival-c1']);
});

test('connections are listed in pages, oldest first', async () => {
  const database = await temporaryDatabase();
  for (const connection of ['c1', 'c2', 'c3']) await addConnection(database, { connection });
  const first = await listConnections(database, 'acme', { limit: 2 });
  expect(first.items.map(({ id }) => id)).toEqual(['c1', 'c2']);
  const second = await listConnections(database, 'acme', { limit: 2, after: first.next ?? '' });
  expect(second).toMatchObject({ items: [{ id: 'c3' }], next: undefined });
});

test('removing a connection leaves nothing of it, and everything of the others', async () => {
  const database = await temporaryDatabase();
  const gone = await addConnection(database);
  const stays = await addConnection(database, { connection: 'stays' });
  await index(database, stays, [upsert('a', ['fox'])]);
  const lease = await claimRun(database, gone);
  const changes = Array.from({ length: 120 }, (_, id) =>
    upsert(
      `${id}`,
      Array.from({ length: 20 }, (__, place) => `fox ${place}`),
    ),
  );
  await commitBatch(
    database,
    batchOf(gone, lease, {
      changes,
      storage: [{ collection: 'c', key: 'k', value: new Uint8Array(1) }],
      metrics: [{ name: 'm', kind: 'add', value: 1 }],
      problems: [{ path: 'p', reason: 'r', remedy: 'm' }],
    }),
  );
  await expect(removeConnection(database, 'acme', gone.connection, 5)).rejects.toMatchObject({ code: 'RUN_IN_PROGRESS' });
  expect(await viewConnection(database, 'acme', gone.connection)).toBeDefined();
  await finishRun(database, lease, { state: 'succeeded', reason: undefined, nowMs: 6 });

  await removeConnection(database, 'acme', gone.connection, 7);

  expect(await viewConnection(database, 'acme', gone.connection)).toBeUndefined();
  await expect(removeConnection(database, 'acme', gone.connection, 8)).rejects.toMatchObject({ code: 'UNKNOWN_CONNECTION' });
  inspectFile(database.file, (raw) => {
    const count = (table: string) => raw.prepare(`SELECT count(*) AS n FROM ${table}`).all([]);
    for (const table of ['connections', 'documents', 'passages', 'runs', 'run_features', 'checkpoints'])
      expect([table, count(table)]).toEqual([table, [{ n: 1 }]]);
    for (const table of ['run_problems', 'datasource_collections', 'datasource_metrics'])
      expect([table, count(table)]).toEqual([table, [{ n: 0 }]]);
    expect(dumpSearchIndex(raw, 'passages_fts_acme')).toEqual(dumpRebuiltIndex(raw, 'acme'));
  });
});

test('a removal that was interrupted is hidden from everybody and finished later', async () => {
  const database = await temporaryDatabase();
  const home = await addConnection(database);
  await insertConnection(database, {
    id: 'half',
    organisation: 'acme',
    datasource: 'github',
    name: 'half',
    config: {},
    features: {},
    sealedCredential: undefined,
    nowMs: 1,
  });
  await index(database, { ...home, connection: 'half' }, [upsert('a', ['fox'])]);
  await index(database, home, [upsert('b', ['fox'])]);
  // What a host leaves behind that was killed right after the first step of the removal.
  inspectFile(database.file, (raw) =>
    raw.exec(`UPDATE runs SET state = 'succeeded'; UPDATE connections SET removed_at_ms = 5 WHERE id = 'half'`),
  );

  expect(await viewConnection(database, 'acme', 'half')).toBeUndefined();
  expect((await listConnections(database, 'acme', { limit: 9 })).items).toHaveLength(1);
  const search = {
    organisation: 'acme',
    match: '"fox"',
    visibility: EVERYTHING,
    filter: {},
    weights: { title: 1, headings: 1, text: 1, identifiers: 1 },
    share: 1,
    perDocument: 1,
    candidates: 9,
    limit: 9,
  };
  expect((await searchPassages(database, search)).map((passage) => passage.connection)).toEqual([home.connection]);
  await expect(createRun(database, { id: 'r9', organisation: 'acme', connection: 'half', features: [], nowMs: 1 })).rejects.toMatchObject({
    code: 'UNKNOWN_CONNECTION',
  });

  await finishRemovals(database);
  inspectFile(database.file, (raw) => {
    expect(raw.prepare('SELECT id FROM connections').all([])).toEqual([{ id: home.connection }]);
    expect(raw.prepare('SELECT source_id FROM documents').all([])).toEqual([{ source_id: 'b' }]);
    expect(dumpSearchIndex(raw, 'passages_fts_acme')).toEqual(dumpRebuiltIndex(raw, 'acme'));
  });
});

test('a document whose passages are still indexed cannot be deleted by mistake', async () => {
  const database = await temporaryDatabase();
  const home = await addConnection(database);
  await index(database, home, [upsert('a', ['fox'])]);
  inspectFile(database.file, (raw) => {
    raw.exec('PRAGMA foreign_keys = ON');
    expect(() => raw.exec('DELETE FROM documents')).toThrow('FOREIGN KEY');
  });
});
