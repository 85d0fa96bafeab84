import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { createApp } from '../../../host/app.ts';
import { buildDatasource } from '../../../host/authoring/build.ts';
import { readConfig } from '../../../host/config.ts';
import { COMMAND_LINE } from '../../../host/domain/caller.ts';
import { listen } from '../../../host/listen.ts';
import { createLog } from '../../../host/log.ts';
import { openServices } from '../../../host/services/open.ts';

/** A host in a folder of its own that has indexed one collection and answers over HTTP. */
export interface BenchHost {
  databaseFile: string;
  /** Reads everything that the origin serves, through the datasource in its sandbox; gives the milliseconds. */
  index(origin: string): Promise<number>;
  /** `POST /api/v1/retrieve` over a connection that stays open; gives the parsed body. */
  retrieve(input: Record<string, unknown>): Promise<unknown>;
  close(): Promise<void>;
}

const ORGANISATION = 'default';
const DATASOURCE = join(import.meta.dirname, '..', 'collection');

export async function openBenchHost(scratch: string): Promise<BenchHost> {
  const { file } = await buildDatasource(DATASOURCE, { outFile: join(scratch, 'collection.wasm') });
  const config = readConfig({ DATA_DIR: join(scratch, 'host'), LOG_LEVEL: 'error' });
  const log = createLog({ level: 'error', pretty: false, write: (line) => process.stderr.write(line) });
  const { services, close } = await openServices(config, log);
  const listener = await listen(createApp(services, { log, config }), { host: '127.0.0.1', port: 0, log });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  await services.organisations.create({ id: ORGANISATION }, COMMAND_LINE);
  return {
    databaseFile: join(config.dataDir, 'lorelai.db'),
    async index(origin) {
      const grant = { http: { origins: [origin], privateNetworks: ['127.0.0.1/32'] }, storage: false, limits: {} };
      await services.registry.install(new Uint8Array(await readFile(file)), grant, COMMAND_LINE);
      const connection = await services.connections.create(
        ORGANISATION,
        { datasource: 'bench_collection', config: { base_url: origin } },
        COMMAND_LINE,
      );
      const startedMs = performance.now();
      const run = await services.runs.start(ORGANISATION, connection.id, {}, COMMAND_LINE);
      await services.runs.work({ signal: new AbortController().signal, untilIdle: true });
      const elapsedMs = performance.now() - startedMs;
      const ended = await services.runs.get(ORGANISATION, run.id);
      if (ended.state !== 'succeeded') throw new Error(`the run ${ended.state}: ${ended.reason}`);
      return elapsedMs;
    },
    retrieve: (input) => post(agent, `${listener.url}/api/v1/retrieve`, input),
    async close() {
      agent.destroy();
      await listener.close(1_000);
      await close();
    },
  };
}

function post(agent: Agent, url: string, input: unknown): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const body = JSON.stringify(input);
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
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
