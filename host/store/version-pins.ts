import { operation } from './database.ts';
import type { Database, Operation } from './database.ts';
import { defineStatement } from './statement.ts';
import type { NoParams } from './statement.ts';

/** The bytes that a version has, for good. */
export interface VersionPin {
  name: string;
  version: string;
  digest: string;
  /** Where they came from first, in words. */
  origin: string;
}

/** The statement that fails when a version is pinned to other bytes. */
export const VERSION_PINNED = 'version_pins.pin';

const PIN = defineStatement<Record<keyof VersionPin, string> & { nowMs: number }>(
  VERSION_PINNED,
  `INSERT INTO version_pins (name, version, digest, origin, pinned_at_ms) VALUES (:name, :version, :digest, :origin, :nowMs)
   ON CONFLICT (name, version) DO UPDATE SET digest = excluded.digest WHERE digest = excluded.digest`,
);

const LIST = defineStatement<NoParams, VersionPin>(
  'version_pins.list',
  'SELECT name, version, digest, origin FROM version_pins ORDER BY name, version',
  (row) => ({ name: row.text('name'), version: row.text('version'), digest: row.text('digest'), origin: row.text('origin') }),
);

const RELEASE = defineStatement<{ name: string; version: string }>(
  'version_pins.release',
  'DELETE FROM version_pins WHERE name = :name AND version = :version',
);

/** Part of what adds a version; a guard, `VERSION_PINNED`, that fails when the version is pinned to other bytes. */
export function pinVersion(pin: VersionPin, nowMs: number): Operation {
  return operation(PIN, { ...pin, nowMs }, { expectChanges: 1 });
}

/** By name and version. */
export async function listPins(database: Database): Promise<VersionPin[]> {
  return database.read(LIST, {});
}

/** `ExpectationError` when it is not pinned. */
export async function releasePin(database: Database, name: string, version: string): Promise<void> {
  await database.write([operation(RELEASE, { name, version }, { expectChanges: 1 })]);
}
