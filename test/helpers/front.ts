import { createServer, request as forward, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

/** A server in front of another one: counts requests, slows them down, and lets a test act at the n-th. */
export interface Front {
  url: string;
  /** Where requests go. */
  forwardTo(url: string): void;
  /** Requests since the last `restart`. */
  readonly requests: number;
  /** Counts from 0 again; `act` runs when request number `at` arrives, before it is forwarded. */
  restart(at?: number, act?: () => void): void;
  close(): Promise<void>;
}

export interface FrontOptions {
  delayMs: number;
  /** Speaks TLS, as a proxy that people reach a host through. */
  tls?: { privatePem: string; certificatePem: string };
}

export async function startFront({ delayMs, tls }: FrontOptions): Promise<Front> {
  let target = '';
  let count = 0;
  let due: { at: number; act: () => void } | undefined;
  const pass: RequestListener = async (incoming, outgoing) => {
    count += 1;
    if (due !== undefined && count === due.at) due.act();
    await sleep(delayMs);
    const passed = forward(`${target}${incoming.url ?? ''}`, { method: incoming.method ?? 'GET', headers: incoming.headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on('error', () => outgoing.destroy());
    incoming.pipe(passed);
  };
  const server = tls === undefined ? createServer(pass) : createTlsServer({ key: tls.privatePem, cert: tls.certificatePem }, pass);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    forwardTo(url) {
      target = url;
    },
    get requests() {
      return count;
    },
    restart(at, act) {
      count = 0;
      due = at === undefined || act === undefined ? undefined : { at, act };
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
