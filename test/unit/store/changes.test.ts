import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { COMMAND_LINE } from '../../../host/domain/caller.ts';
import type { Change } from '../../../host/domain/change.ts';
import { listChains, listChanges, recordChange, recording, verifyChain } from '../../../host/store/changes.ts';
import { openDatabase } from '../../../host/store/database.ts';
import { getOrganisation, insertOrganisation } from '../../../host/store/organisations.ts';
import { inspectFile, temporaryDatabase, temporaryFolder } from './fixture.ts';

function change(target: string, more: Partial<Change> = {}): Change {
  return { actor: COMMAND_LINE, organisation: 'acme', action: 'thing.change', target, ...more };
}

describe('the log of changes', () => {
  test('gives what was recorded, newest first and in pages', async () => {
    const database = await temporaryDatabase();
    const actor = { kind: 'key', id: 'k1', requestId: 'r1' } as const;
    await recordChange(database, change('thing/1', { actor, before: { size: 1 }, after: { size: 2 } }));
    await recordChange(database, change('thing/2'));
    await recordChange(database, change('thing/3'));
    const first = await listChanges(database, 'acme', { limit: 2 });
    expect(first.items.map(({ target, sequence }) => [target, sequence])).toEqual([
      ['thing/3', 3],
      ['thing/2', 2],
    ]);
    const rest = await listChanges(database, 'acme', { limit: 2, after: first.next ?? '' });
    expect(rest).toMatchObject({ items: [{ actor, action: 'thing.change', before: { size: 1 }, after: { size: 2 } }], next: undefined });
  });

  test('keeps a chain for each organisation and one for the host, each numbered from 1', async () => {
    const database = await temporaryDatabase();
    await recordChange(database, change('thing/1'));
    await recordChange(database, change('thing/2', { organisation: 'other' }));
    await recordChange(database, change('thing/3', { organisation: undefined }));
    expect(await listChains(database)).toEqual([undefined, 'acme', 'other']);
    expect((await listChanges(database, 'other', { limit: 10 })).items).toMatchObject([{ target: 'thing/2', sequence: 1 }]);
    expect(await verifyChain(database, undefined)).toMatchObject({ entries: 1, brokenAt: undefined });
  });

  test('records a change in the transaction of the change: neither happens alone', async () => {
    const database = await temporaryDatabase();
    const acme = { id: 'acme', name: 'Acme', createdAtMs: 1 };
    await insertOrganisation(recording(database, change('organisation/acme')), acme);
    const again = insertOrganisation(recording(database, change('organisation/acme', { action: 'thing.again' })), acme);
    await expect(again).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await getOrganisation(database, 'acme')).toBeDefined();
    expect((await listChanges(database, 'acme', { limit: 10 })).items.map(({ action }) => action)).toEqual(['thing.change']);
  });

  test('stays one chain when several hosts write to it at the same time', async () => {
    const file = join(await temporaryFolder(), 'test.db');
    const [one, other] = [await openDatabase({ file }), await openDatabase({ file })];
    const written = Array.from({ length: 60 }, (_, index) => recordChange(index % 2 === 0 ? one : other, change(`thing/${index}`)));
    await Promise.all(written);
    expect(await verifyChain(one, 'acme')).toMatchObject({ entries: 60, brokenAt: undefined });
    await Promise.all([one.close(), other.close()]);
  });

  test('refuses every way to alter or take back an entry', async () => {
    const database = await temporaryDatabase();
    await recordChange(database, change('thing/1'));
    await recordChange(database, change('thing/2'));
    inspectFile(database.file, (direct) => {
      const attempts = [
        `UPDATE changes SET entry = '{}' WHERE sequence = 1`,
        'DELETE FROM changes WHERE sequence = 2',
        'INSERT OR REPLACE INTO changes SELECT chain, 1, entry, previous, hash FROM changes WHERE sequence = 2',
        'REPLACE INTO changes SELECT chain, 2, entry, previous, hash FROM changes WHERE sequence = 1',
        'INSERT INTO changes SELECT chain, 9, entry, previous, hash FROM changes WHERE sequence = 2',
      ];
      for (const sql of attempts) expect(() => direct.exec(sql), sql).toThrow('append-only');
    });
    expect(await verifyChain(database, 'acme')).toMatchObject({ entries: 2, brokenAt: undefined });
  });

  test.each([
    ['changed', `UPDATE changes SET entry = replace(entry, 'thing/2', 'thing/9') WHERE sequence = 2`, 2],
    ['taken out', 'DELETE FROM changes WHERE sequence = 2', 3],
    ['put in another order', 'UPDATE changes SET sequence = CASE sequence WHEN 2 THEN 13 ELSE 12 END WHERE sequence > 1', 12],
  ])('shows an entry that was %s by somebody who took the triggers away', async (_how, sql, brokenAt) => {
    const database = await temporaryDatabase();
    for (const target of ['thing/1', 'thing/2', 'thing/3']) await recordChange(database, change(target));
    inspectFile(database.file, (direct) => direct.exec(`DROP TRIGGER changes_stay; DROP TRIGGER changes_are_kept; ${sql}`));
    expect((await verifyChain(database, 'acme')).brokenAt).toBe(brokenAt);
  });

  test('keeps no secret, and of a huge state only its digest', async () => {
    const database = await temporaryDatabase();
    await recordChange(
      database,
      change('thing/1', { after: { name: 'x', credential: 'canary', nested: { apiToken: 'canary' }, hasCredential: true } }),
    );
    await recordChange(database, change('thing/2', { after: { text: 'canary'.repeat(20_000) } }));
    const { items } = await listChanges(database, 'acme', { limit: 10 });
    expect(items.map(({ entry }) => entry).join('')).not.toContain('canary');
    expect(items).toMatchObject([
      { after: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) } },
      { after: { name: 'x', hasCredential: true } },
    ]);
  });
});
