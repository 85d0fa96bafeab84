import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { createApp } from '../../../host/app.ts';
import { buildDatasource } from '../../../host/authoring/build.ts';
import { readConfig } from '../../../host/config.ts';
import { COMMAND_LINE } from '../../../host/domain/caller.ts';
import type { EmbeddingSettings } from '../../../host/domain/model-settings.ts';
import { listen } from '../../../host/listen.ts';
import { createLog } from '../../../host/log.ts';
import { openServices } from '../../../host/services/open.ts';
import type { Services } from '../../../host/services/services.ts';

/** A host in a folder of its own that has indexed one collection and answers over HTTP. */
export interface BenchHost {
  databaseFile: string;
  /** The embedder that it was given. */
  embeddings: EmbeddingSettings | undefined;
  /** Reads everything that the origin serves, through the datasource in its sandbox; gives the milliseconds. */
  index(origin: string): Promise<number>;
  /** Makes a vector for each passage; gives the milliseconds. */
  makeVectors(): Promise<number>;
  /** Reads the groups, and makes a person with this account at the source; gives the person's address. */
  addPerson(account: string): Promise<string>;
  /** `POST /api/v1/retrieve` over a connection that stays open; gives the parsed body. */
  retrieve(input: Record<string, unknown>): Promise<unknown>;
  close(): Promise<void>;
}

const ORGANISATION = 'default';
const DATASOURCE = join(import.meta.dirname, '..', 'collection');
/** No request of a benchmark is one too many. */
const REQUESTS_PER_MINUTE = '1000000';

/** `embeddings`: settings of an embedder, as the host reads them from its environment. */
export async function openBenchHost(scratch: string, embeddings: Record<string, string>): Promise<BenchHost> {
  const { file } = await buildDatasource(DATASOURCE, { outFile: join(scratch, 'collection.wasm') });
  const config = readConfig({
    DATA_DIR: join(scratch, 'host'),
    LOG_LEVEL: 'error',
    ...embeddings,
    LORELAI_CALLER_REQUESTS_PER_MINUTE: REQUESTS_PER_MINUTE,
    LORELAI_ADDRESS_REQUESTS_PER_MINUTE: REQUESTS_PER_MINUTE,
  });
  const log = createLog({ level: 'error', pretty: false, write: (line) => process.stderr.write(line) });
  const { services, close } = await openServices(config, log);
  const listener = await listen(createApp(services, { log, config }), { host: '127.0.0.1', port: 0, log });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  await services.organisations.create({ id: ORGANISATION }, COMMAND_LINE);
  const key = await services.keys.create({ organisation: ORGANISATION, name: 'bench', scopes: ['admin', 'on-behalf-of'] }, COMMAND_LINE);
  let connection = '';
  return {
    databaseFile: join(config.dataDir, 'lorelai.db'),
    embeddings: config.embeddings,
    async index(origin) {
      const grant = { http: { origins: [origin], privateNetworks: ['127.0.0.1/32'] }, storage: false, limits: {} };
      await services.registry.install(new Uint8Array(await readFile(file)), grant, COMMAND_LINE);
      const input = { datasource: 'bench_collection', config: { base_url: origin } };
      connection = (await services.connections.create(ORGANISATION, input, COMMAND_LINE)).id;
      return run(services, connection, 'content');
    },
    async makeVectors() {
      const startedMs = performance.now();
      const { lost } = await services.vectors.make(new AbortController().signal);
      if (lost !== undefined) throw new Error(lost);
      return performance.now() - startedMs;
    },
    async addPerson(account) {
      await run(services, connection, 'access');
      const email = account.includes('@') ? account : `${account.replaceAll(/[^A-Za-z0-9]/g, '-')}@people.example`;
      await services.people.create(ORGANISATION, { email, accounts: [{ connection, account }] }, COMMAND_LINE);
      return email;
    },
    retrieve: (input) => post({ agent, url: `${listener.url}/api/v1/retrieve`, key: key.text }, input),
    async close() {
      agent.destroy();
      await listener.close(1_000);
      await close();
    },
  };
}

async function run(services: Services, connection: string, kind: 'content' | 'access'): Promise<number> {
  const startedMs = performance.now();
  const { id } = await services.runs.start(ORGANISATION, connection, { kind }, COMMAND_LINE);
  await services.runs.work({ signal: new AbortController().signal, untilIdle: true });
  const elapsedMs = performance.now() - startedMs;
  const ended = await services.runs.get(ORGANISATION, id);
  if (ended.state !== 'succeeded') throw new Error(`the run ${ended.state}: ${ended.reason}`);
  return elapsedMs;
}

function post({ agent, url, key }: { agent: Agent; url: string; key: string }, input: unknown): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const body = JSON.stringify(input);
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  request(url, { method: 'POST', agent, headers }, (response) => {
    const chunks: Uint8Array[] = [];
    response.on('data', (chunk: Uint8Array) => chunks.push(chunk));
    response.on('error', reject);
    response.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      if (response.statusCode === 200) resolve(JSON.parse(text));
      else reject(new Error(`${response.statusCode} ${text}`));
    });
  })
    .on('error', reject)
    .end(body);
  return promise;
}
