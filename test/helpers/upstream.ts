import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createSocketServer, type Server, type Socket } from 'node:net';

/** A server on 127.0.0.1 that stands for somebody else's. */
export interface Upstream {
  /** `http://127.0.0.1:PORT`. */
  origin: string;
  port: number;
  /** Every request that reached it. */
  requests: IncomingMessage[];
  close(): Promise<void>;
}

export async function startUpstream(handle: RequestListener): Promise<Upstream> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    handle(request, response);
  });
  return listening(server, requests, () => server.closeAllConnections());
}

/** A server that speaks no HTTP of its own accord: `handle` has the socket to itself. */
export async function startRawUpstream(handle: (socket: Socket) => void): Promise<Upstream> {
  const sockets = new Set<Socket>();
  const server = createSocketServer((socket) => {
    sockets.add(socket);
    // The other side hangs up as it likes.
    socket.on('error', () => undefined);
    handle(socket);
  });
  return listening(server, [], () => {
    for (const socket of sockets) socket.destroy();
  });
}

async function listening(server: Server, requests: IncomingMessage[], hangUp: () => void): Promise<Upstream> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new TypeError('it listens on a port');
  return {
    origin: `http://127.0.0.1:${address.port}`,
    port: address.port,
    requests,
    async close() {
      const closed = once(server, 'close');
      server.close();
      hangUp();
      await closed;
    },
  };
}
