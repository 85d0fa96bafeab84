import { createServer } from 'node:net';

/** Below those that Linux and macOS give out themselves: to whoever asks for any port, and to each connection that goes out. */
const FIRST_PORT = 20_000;
const PORTS = 10_000;

/** A port of loopback that nobody listens on now, and that nobody gets who did not ask for this very one. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(false) : reject(error)));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
