import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createApp, type AppOptions } from '../../host/app.ts';
import { buildDatasource } from '../../host/authoring/build.ts';
import { readConfig } from '../../host/config.ts';
import { COMMAND_LINE } from '../../host/domain/caller.ts';
import { isJsonObject } from '../../host/domain/json.ts';
import { listen } from '../../host/listen.ts';
import { createLog } from '../../host/log.ts';
import { openServices } from '../../host/services/open.ts';
import type { Services } from '../../host/services/services.ts';
import { textOf } from './corpus/words.ts';
import { compared, type Figure, median } from './figure.ts';
import { CORPUS, indexCorpus } from './indexing.ts';

const AUTOCANNON = fileURLToPath(import.meta.resolve('autocannon'));
const ROUNDS = 5;
const ROUND_S = 3;
const CONNECTIONS = 4;

/** Retrieval over HTTP by a key, against the same without a look at the key and without counting: rounds by turns, their middle. */
export async function benchEdge(scratch: string): Promise<Figure[]> {
  const { file } = await buildDatasource(CORPUS, { outFile: join(scratch, 'edge-corpus.wasm') });
  const most = { LORELAI_CALLER_REQUESTS_PER_MINUTE: '1000000', LORELAI_ADDRESS_REQUESTS_PER_MINUTE: '1000000' };
  const config = readConfig({ DATA_DIR: join(scratch, 'edge'), LOG_LEVEL: 'error', ...most });
  const log = createLog({ level: 'error', pretty: false, write: (line) => process.stderr.write(line) });
  const { services, close } = await openServices(config, log);
  try {
    await indexCorpus(services, new Uint8Array(await readFile(file)));
    const { text } = await services.keys.create({ organisation: 'default', name: 'bench', scopes: ['operator'] }, COMMAND_LINE);
    const caller = await services.keys.authenticate(text);
    const unasked = { ...services, callers: { authenticate: async () => caller } };
    const uncounted: NonNullable<AppOptions['limits']> = { address: (_c, next) => next(), take: async () => undefined };
    const [asked, plain]: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round += 1) {
      asked.push(await microseconds(services, { log, config }, text));
      plain.push(await microseconds(unasked, { log, config, limits: uncounted }, text));
    }
    const baseline = { name: 'nobody asked, nothing counted', value: median(plain) };
    return [compared('retrieve with a key and rate limits', 'µs', median(asked), baseline)];
  } finally {
    await close();
  }
}

/** How long the host is busy with one request, under as many as it can serve. */
async function microseconds(services: Services, options: AppOptions, key: string): Promise<number> {
  const listener = await listen(createApp(services, options), { host: '127.0.0.1', port: 0, log: options.log });
  try {
    const args = [
      '-j',
      '-n',
      '-c',
      String(CONNECTIONS),
      '-d',
      String(ROUND_S),
      '-m',
      'POST',
      '-b',
      JSON.stringify({ question: textOf(7, 4), k: 10 }),
    ];
    const headers = ['-H', 'content-type=application/json', '-H', `authorization=Bearer ${key}`];
    const { stdout } = await promisify(execFile)(process.execPath, [AUTOCANNON, ...args, ...headers, `${listener.url}/api/v1/retrieve`]);
    const result: unknown = JSON.parse(stdout);
    const requests = isJsonObject(result) && isJsonObject(result.requests) ? result.requests.average : undefined;
    if (!isJsonObject(result) || typeof requests !== 'number' || result.non2xx !== 0) throw new Error(`autocannon says ${stdout}`);
    return 1_000_000 / requests;
  } finally {
    await listener.close(1_000);
  }
}
