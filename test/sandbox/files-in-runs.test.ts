import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../host/config.ts';
import { COMMAND_LINE } from '../../host/domain/caller.ts';
import { createLog } from '../../host/log.ts';
import { openServices, type OpenServices } from '../../host/services/open.ts';
import type { Run } from '../../host/services/runs/run-view.ts';
import type { Step } from '../fixtures/probe/steps.ts';
import { componentFile } from '../helpers/components.ts';
import { dumpIndex } from '../helpers/index-dump.ts';
import { makePdf } from '../helpers/office-files.ts';

// Files of every kind on the whole way of a run: read, cut, found; or said why not.

let dataDir: string;
let opened: OpenServices;
let connections = 0;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'files-'));
  opened = await openServices(readConfig({ DATA_DIR: dataDir }), createLog({ level: 'silent', pretty: false, write: () => undefined }));
  const { organisations, registry } = opened.services;
  await organisations.create({ id: 'default' }, COMMAND_LINE);
  const component = new Uint8Array(await readFile(componentFile('probe')));
  await registry.install(component, { http: { origins: [], privateNetworks: [] }, storage: true, limits: {} }, COMMAND_LINE);
});

afterAll(async () => {
  await opened.close();
  await rm(dataDir, { recursive: true });
});

/** One document of this type and text, and one that is plain text. */
async function index(mediaType: string, text: string): Promise<Run> {
  const { services } = opened;
  const steps: Step[] = [
    { do: 'documents', count: 1, text },
    { do: 'document', fields: { mediaType } },
    { do: 'documents', count: 1, from: 1, text: `harmless${connections}` },
  ];
  connections += 1;
  const { id } = await services.connections.create(
    'default',
    { datasource: 'probe', config: { steps: structuredClone(steps) as never } },
    COMMAND_LINE,
  );
  const run = await services.runs.start('default', id, {}, COMMAND_LINE);
  await services.runs.work({ signal: AbortSignal.timeout(60_000), untilIdle: true });
  return services.runs.get('default', run.id);
}

describe('a run', () => {
  it('reads a PDF in a process of its own and finds its pages by their numbers', async () => {
    const run = await index('application/pdf', Buffer.from(makePdf([['The first.'], ['The second says xylophone.']])).toString('latin1'));
    expect(run).toMatchObject({ state: 'succeeded', problems: [] });
    const indexed = dumpIndex(dataDir).passages;
    expect(indexed).toContainEqual(expect.objectContaining({ headings: '["Page 2"]', text: 'The second says xylophone.' }));
  });

  it('is partial with the reason when a file cannot be read, and has all others', async () => {
    const run = await index('application/pdf', 'no PDF at all');
    expect(run).toMatchObject({ state: 'partial', problems: [{ path: 'document-0', reason: 'it is no PDF that can be read' }] });
    const found = dumpIndex(dataDir).passages;
    expect(found).toContainEqual(expect.objectContaining({ text: `harmless${connections - 1}` }));
  });

  it('says of files that nothing reads that it left them out', async () => {
    expect(await index('video/mp4', 'x')).toMatchObject({
      state: 'partial',
      problems: [{ path: 'document-0', reason: 'media type video/mp4 is not text, and nothing here reads it' }],
    });
  });
});
