import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { COMMAND_LINE } from '../../host/domain/caller.ts';
import { buildDatasource } from '../../host/authoring/build.ts';
import { EMPTY_GRANT } from '../../host/domain/grant.ts';
import { readConfig } from '../../host/config.ts';
import { createLog } from '../../host/log.ts';
import { openServices } from '../../host/services/open.ts';
import { ADMIN_KEY } from '../helpers/admin-key.ts';
import { startHostProcess } from '../helpers/host-process.ts';
import { descendantsOf, residentMib } from '../helpers/processes.ts';
import { compared, type Figure } from './figure.ts';

const HELLO = join(import.meta.dirname, '../../datasources/hello');

/** From the command to the first answer; the first call into a datasource against a second one; memory of both kinds of process. */
export async function benchColdStart(scratch: string): Promise<Figure[]> {
  const dataDir = join(scratch, 'cold');
  const connection = await prepare(scratch, dataDir);
  const startedMs = performance.now();
  const host = await startHostProcess({ dataDir });
  const readyMs = performance.now() - startedMs;
  try {
    const check = async (): Promise<number> => {
      const beganMs = performance.now();
      const response = await fetch(`${host.url}/api/v1/connections/${connection}/check`, {
        method: 'POST',
        headers: { authorization: `Bearer ${ADMIN_KEY}` },
      });
      if (!response.ok) throw new Error(await response.text());
      return performance.now() - beganMs;
    };
    const coldMs = await check();
    const warmMs = await check();
    // The wrapper of a sandbox process comes before it.
    const sandbox = (await descendantsOf(host.pid)).at(-1);
    return [
      { name: 'host, from start to ready', value: readyMs, unit: 'ms' },
      compared('check over HTTP, cold sandbox', 'ms', coldMs, { name: 'warm sandbox', value: warmMs }),
      { name: 'host, resident', value: await residentMib(host.pid), unit: 'MiB' },
      ...(sandbox === undefined ? [] : [{ name: 'sandbox process, resident', value: await residentMib(sandbox), unit: 'MiB' } as const]),
    ];
  } finally {
    await host.stop();
  }
}

async function prepare(scratch: string, dataDir: string): Promise<string> {
  const { file } = await buildDatasource(HELLO, { outFile: join(scratch, 'hello-cold.wasm') });
  const log = createLog({ level: 'error', pretty: false, write: (line) => process.stderr.write(line) });
  const { services, close } = await openServices(readConfig({ DATA_DIR: dataDir }), log);
  try {
    await services.organisations.create({ id: 'default' }, COMMAND_LINE);
    await services.registry.install(new Uint8Array(await readFile(file)), { ...EMPTY_GRANT, storage: true }, COMMAND_LINE);
    return (await services.connections.create('default', { datasource: 'hello' }, COMMAND_LINE)).id;
  } finally {
    await close();
  }
}
