import type { Actor } from '../../domain/caller.ts';
import { RequestError } from '../../domain/errors.ts';
import { recording } from '../../store/changes.ts';
import { listConfigs } from '../../store/connections.ts';
import type { Database } from '../../store/database.ts';
import { expecting } from '../../store/expectations.ts';
import { deleteDatasource } from '../../store/registry.ts';
import { removeConnections } from '../../store/removals.ts';
import { forgetVariables } from '../../store/variables.ts';
import { listDigests, listVersions, moveVersion } from '../../store/versions.ts';
import type { Components } from './components.ts';
import { known } from './registered.ts';
import { unlessChanged } from './version-switch.ts';

/** DATASOURCE_IN_USE unless its connections go with it; RUN_IN_PROGRESS. */
export async function removeDatasource(
  { database, components }: { database: Database; components: Components },
  name: string,
  { connections, actor }: { connections: boolean; actor: Actor },
): Promise<{ versions: number; connections: number }> {
  const running = await known(database, name);
  const used = await listConfigs(database, name);
  if (used.length > 0 && !connections) {
    throw new RequestError('DATASOURCE_IN_USE', `${used.length} connections use ${name}.`, {
      remedy: 'Remove them first, or have them removed with it (`--with-connections`): their documents go too.',
      problems: used.slice(0, 20).map(({ id, organisation }) => ({ path: id, reason: `It is of ${organisation}.`, remedy: 'Remove it.' })),
    });
  }
  if (used.length > 0) await removeConnections(expecting(database, actor), used, Date.now());
  const versions = await listVersions(database, name);
  const nowMs = Date.now();
  const moves = versions.flatMap(({ version, state }) =>
    moveVersion({ name, version, from: state, to: 'removed', actor, reason: 'the datasource was removed', nowMs }),
  );
  const change = {
    actor,
    organisation: undefined,
    action: 'datasource.remove',
    target: `datasource/${name}`,
    before: { versions: versions.map(({ version }) => version) },
  } as const;
  const digests = new Set([running.digest, ...versions.map(({ digest }) => digest)]);
  await unlessChanged(() => recording(database, change).write([...moves, forgetVariables(name), deleteDatasource(name)]));
  const kept = new Set(await listDigests(database));
  for (const digest of digests) if (!kept.has(digest)) await components.forget(digest);
  return { versions: versions.length, connections: used.length };
}
