import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMAND_LINE } from '../../host/domain/caller.ts';
import { appendCustomSection } from '../../host/authoring/custom-section.ts';
import { readConfig } from '../../host/config.ts';
import { MANIFEST_SECTION } from '../../host/domain/manifest.ts';
import { createLog } from '../../host/log.ts';
import { openServices, type OpenServices } from '../../host/services/open.ts';
import { componentFile, COMPONENTS_FOLDER } from '../helpers/components.ts';

const ROOT = join(import.meta.dirname, '../..');
const FIXTURE = join(ROOT, 'test/fixtures/starlingmonkey');
const SECRET = 'a-key-that-nobody-sees';

let dataDir: string;
let server: Server;
let origin: string;
let opened: OpenServices;
let component: Uint8Array;
const seen: { method: string | undefined; headers: IncomingHttpHeaders; body: string }[] = [];

beforeAll(async () => {
  component = appendCustomSection(await starlingMonkey(), MANIFEST_SECTION, await readFile(join(FIXTURE, 'manifest.yaml')));
  dataDir = await mkdtemp(join(tmpdir(), 'other-toolchain-'));
  server = createServer(async (request, response) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk as Uint8Array);
    seen.push({ method: request.method, headers: request.headers, body: Buffer.concat(chunks).toString('utf8') });
    response.setHeader('content-type', 'text/plain').end(`the zebra answers ${String(request.headers['x-api-key'])}`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  origin = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  opened = await openServices(readConfig({ DATA_DIR: dataDir }), createLog({ level: 'silent', pretty: false, write: () => undefined }));
  await opened.services.organisations.create({ id: 'acme' }, COMMAND_LINE);
}, 240_000);

afterAll(async () => {
  await opened.close();
  server.close();
  await rm(dataDir, { recursive: true, force: true });
});

/** Some ten seconds, so it is kept until its source, the contract or the toolchain changes. */
async function starlingMonkey(): Promise<Uint8Array> {
  const hash = createHash('sha256');
  const inputs = [
    'test/fixtures/starlingmonkey/source.js',
    'wit/world.wit',
    'wit/source.wit',
    'wit/types.wit',
    'wit/http-client.wit',
    'package-lock.json',
  ];
  for (const input of inputs) hash.update(await readFile(join(ROOT, input)));
  const file = join(COMPONENTS_FOLDER, `starlingmonkey-${hash.digest('hex').slice(0, 16)}.wasm`);
  if (!existsSync(file)) {
    await mkdir(COMPONENTS_FOLDER, { recursive: true });
    const jco = join(ROOT, 'node_modules/@bytecodealliance/jco/dist/jco.js');
    const world = ['-w', join(ROOT, 'wit'), '-n', 'datasource'];
    await promisify(execFile)(process.execPath, [jco, 'componentize', join(FIXTURE, 'source.js'), ...world, '-o', `${file}.partial`]);
    await rename(`${file}.partial`, file);
  }
  return new Uint8Array(await readFile(file));
}

/** Indexes the server's one page under a grant of these origins. */
async function index(origins: string[]): Promise<{ state: string; reason: string | undefined; text: string | undefined }> {
  const { registry, connections, runs, retrieval } = opened.services;
  await registry.install(component, { http: { origins, privateNetworks: ['127.0.0.1/32'] }, storage: false, limits: {} }, COMMAND_LINE);
  const connection = await connections.create(
    'acme',
    {
      datasource: 'fetching',
      config: { url: `${origin}/page?q=1` },
      credential: SECRET,
    },
    COMMAND_LINE,
  );
  const run = await runs.start('acme', connection.id, {}, COMMAND_LINE);
  await runs.work({ signal: new AbortController().signal, untilIdle: true });
  const { state, reason } = await runs.get('acme', run.id);
  const { hits } = await retrieval.retrieve({ organisation: 'acme', question: 'zebra', k: 1 });
  return { state, reason, text: hits[0]?.text };
}

describe('a component that StarlingMonkey made, with fetch over wasi:http', () => {
  it('cannot fetch what is not granted: both ways out end in the same broker', async () => {
    const { state, reason } = await index([]);
    expect(state).toBe('failed');
    expect(reason).toMatch(/the datasource broke/);
    expect(seen).toHaveLength(0);
  });

  it('is inspected, installed, indexed and found; the credential is attached, and scrubbed from the echo', async () => {
    expect(await index([origin])).toEqual({ state: 'succeeded', reason: undefined, text: '200 text/plain the zebra answers [secret]' });
    expect(seen).toMatchObject([{ method: 'POST', body: 'please', headers: { 'x-api-key': SECRET, 'x-asked-by': 'a component' } }]);
  });
});

describe('a component that clang made of C, bindings written by hand', () => {
  it('is installed, indexed a batch at a time and found', async () => {
    const { registry, connections, runs, retrieval } = opened.services;
    const grant = { http: { origins: [], privateNetworks: [] }, storage: false, limits: {} };
    await registry.install(new Uint8Array(await readFile(componentFile('c-hello'))), grant, COMMAND_LINE);
    const connection = await connections.create('acme', { datasource: 'hello_c' }, COMMAND_LINE);
    const { id } = await runs.start('acme', connection.id, {}, COMMAND_LINE);
    await runs.work({ signal: new AbortController().signal, untilIdle: true });
    expect(await runs.get('acme', id)).toMatchObject({ state: 'succeeded', reason: undefined });
    const { hits } = await retrieval.retrieve({ organisation: 'acme', question: 'who has the ladder', k: 1 });
    expect(hits).toMatchObject([{ title: 'The ladder', link: 'https://notes.example/ladder' }]);
  });
});
