import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appendCustomSection } from '../../host/authoring/custom-section.ts';
import { readConfig } from '../../host/config.ts';
import { COMMAND_LINE } from '../../host/domain/caller.ts';
import { EMPTY_GRANT } from '../../host/domain/grant.ts';
import { MANIFEST_SECTION } from '../../host/domain/manifest.ts';
import { createLog } from '../../host/log.ts';
import { openServices, type OpenServices } from '../../host/services/open.ts';
import { componentFile } from '../helpers/components.ts';
import { SMALL_MANIFEST, watComponent } from '../helpers/wat-component.ts';

// What happens to processes outside of a run is on record too.

let dataDir: string;
let opened: OpenServices;
let hello: string;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'record-'));
  const log = createLog({ level: 'silent', pretty: false, write: () => undefined });
  opened = await openServices(readConfig({ DATA_DIR: dataDir, LORELAI_SANDBOX_PROCESSES: '1' }), log);
  const { organisations, connections } = opened.services;
  await organisations.create({ id: 'acme' }, COMMAND_LINE);
  await install(await readFile(componentFile('hello')));
  await install(await readFile(componentFile('probe')));
  hello = (await connections.create('acme', { datasource: 'hello' }, COMMAND_LINE)).id;
});

afterAll(async () => {
  await opened.close();
  await rm(dataDir, { recursive: true });
});

async function install(component: Uint8Array): Promise<void> {
  await opened.services.registry.install(new Uint8Array(component), { ...EMPTY_GRANT, storage: true }, COMMAND_LINE);
}

/** Kind, cause and reason of what is on record of a connection. */
async function onRecord(connection: string): Promise<[kind: string, cause: string | undefined, reason: string | undefined][]> {
  const { items } = await opened.services.audit.list('acme', connection, {}, { limit: 100 });
  return items.map(({ kind, cause, reason }) => [kind, cause, reason]);
}

describe('on record of a connection is', () => {
  it('that its process gave way to another datasource', async () => {
    await opened.services.connections.check('acme', hello);
    await opened.services.connections.create('acme', { datasource: 'probe', config: { steps: [] } }, COMMAND_LINE);
    await expect.poll(() => onRecord(hello)).toContainEqual(['discard', 'cancelled', 'the process gave way to another one']);
  });

  it('that a check was ended, with the limit that it met', async () => {
    const config = { steps: [{ in: 'check', do: 'recurse' }] };
    const { id } = await opened.services.connections.create('acme', { datasource: 'probe', config }, COMMAND_LINE);
    await opened.services.connections.check('acme', id);
    expect(await onRecord(id)).toContainEqual(['kill', 'trap', expect.stringContaining('call stack')]);
  });

  it('that a new version of its datasource broke while it was installed', async () => {
    const manifest = SMALL_MANIFEST.replace('name: small', 'name: hello');
    const trapping = appendCustomSection(await watComponent(), MANIFEST_SECTION, Buffer.from(manifest));
    await expect(install(trapping)).rejects.toMatchObject({ code: 'DATASOURCE_FAULT' });
    expect(await onRecord(hello)).toContainEqual(['kill', 'trap', expect.stringContaining('unreachable')]);
  });
});
