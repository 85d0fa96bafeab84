import { createServer } from 'node:net';
import { createEmulator } from 'emulate';
import { DEMO_REPOSITORY, DEMO_TOKEN, demoSeed, seedDemoRepository } from './seed-repository.ts';

/** An emulated GitHub on loopback, filled with this project's own text. */
export interface Emulator {
  /** `http://127.0.0.1:PORT`, which is also the base URL of its REST API. */
  url: string;
  repository: string;
  token: string;
  close(): Promise<void>;
}

/** `publicUrl`: what stands in front of it, when something does; the links that it gives begin with that. */
export async function startEmulator(options: { publicUrl?: string } = {}): Promise<Emulator> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const emulator = await createEmulator({
    service: 'github',
    port,
    hostname: '127.0.0.1',
    baseUrl: options.publicUrl ?? url,
    seed: demoSeed(),
  });
  await seedDemoRepository(url);
  return { url, repository: DEMO_REPOSITORY, token: DEMO_TOKEN, close: () => emulator.close() };
}

/** The emulator wants to be told its port. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
