import type { Log } from '../../log.ts';
import type { Database } from '../../store/database.ts';
import { countSealedByKey, finishRotation, lastRotation, replaceSealed, sealedValues, takeRotation } from '../../store/sealed-values.ts';
import type { Vault } from '../connections/credentials.ts';
import type { VaultService } from './vault-service.ts';

/** The service with what the host does by itself. */
export interface VaultRotation extends VaultService {
  /** Wraps what lies under old keys anew when it is time for a look. Never rejects. */
  workWhenDue(): Promise<void>;
}

/** The store is asked so often; a look that finds nothing to do reads the sealed values and no more. */
const EVERY_MS = 3_600_000;
/** A host that ends in the middle of it has done no harm: another one goes on then. */
const AGAIN_AFTER_MS = 60_000;

export function createVaultRotation({ database, vault, log }: { database: Database; vault: Vault; log: Log }): VaultRotation {
  /** Every value is replaced only where it is still the one that was read, so hosts that do this at once do no harm. */
  async function rewrapAll(): Promise<{ rewrapped: number; failed: number }> {
    await vault.keys.reload();
    let rewrapped = 0;
    let failed = 0;
    for await (const value of sealedValues(database)) {
      const { organisation, connection, kind, sealed } = value;
      try {
        const renewed = await vault.rewrap({ organisation, connection, kind }, sealed);
        if (renewed !== undefined && (await replaceSealed(database, value, renewed))) rewrapped += 1;
      } catch (error) {
        failed += 1;
        log.error('a sealed value could not be wrapped anew', { kind, connection, error });
      }
    }
    await finishRotation(database, { nowMs: Date.now(), dueMs: Date.now() + EVERY_MS, failed });
    return { rewrapped, failed };
  }

  const service: VaultRotation = {
    async status() {
      const [keys, counts, last] = await Promise.all([vault.keys.reload(), countSealedByKey(database), lastRotation(database)]);
      const valuesOf = (id: string | undefined): number => counts.find(({ key }) => key === id)?.values ?? 0;
      const unknown = counts.filter(({ key }) => key !== undefined && !keys.some(({ id }) => id === key));
      return {
        source: vault.keys.source,
        keys: keys.map(({ id }, at) => ({ id, seals: at === 0, values: valuesOf(id) })),
        withoutKeyId: valuesOf(undefined),
        lost: unknown.map(({ key = '', values }) => ({ id: key, values })),
        finishedAtMs: last.finishedAtMs,
      };
    },
    async rotate({ newKey }) {
      if (newKey) await vault.keys.add();
      const result = await rewrapAll();
      return { ...result, status: await service.status() };
    },
    async retire() {
      const before = await service.status();
      const unused = before.keys.filter(({ seals, values }) => !seals && values === 0).map(({ id }) => id);
      // Values without a key's name may be sealed under any of them.
      if (unused.length > 0 && before.withoutKeyId === 0) await vault.keys.retire(unused);
      const status = await service.status();
      return { retired: before.keys.map(({ id }) => id).filter((id) => !status.keys.some((key) => key.id === id)), status };
    },
    async workWhenDue() {
      try {
        if (!(await takeRotation(database, Date.now(), Date.now() + AGAIN_AFTER_MS))) return;
        const { rewrapped } = await rewrapAll();
        if (rewrapped > 0) log.info('sealed values were wrapped anew', { values: rewrapped });
      } catch (error) {
        log.error('sealed values could not be looked through', { error });
      }
    },
  };
  return service;
}
