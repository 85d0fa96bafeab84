import { once } from 'node:events';
import { createServer, STATUS_CODES, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import { ulid } from 'ulid';
import { RequestError, type ErrorCode } from './domain/errors.ts';
import type { Log } from './log.ts';
import type { Edge } from './middleware/edge.ts';
import { PROBLEM_KINDS, PROBLEM_MEDIA_TYPE, problemBody, toRequestError } from './middleware/problem.ts';

/** A server that accepts requests. */
export interface Listener {
  /** `http://127.0.0.1:8787`. */
  url: string;
  /** Stops accepting, lets requests end within `graceMs`, then cuts the rest off. */
  close(graceMs: number): Promise<void>;
}

/** All of a request's headers, its address included. */
const MAX_HEADER_BYTES = 16 * 1024;
/** How long clients may take, in milliseconds. */
export interface ClientTimeouts {
  /** From the first byte of a request to the end of its headers. */
  headersMs: number;
  /** From the first byte of a request to its last. */
  requestMs: number;
  /** Between requests. */
  keepAliveMs: number;
  /** Without a byte in either direction, a response that nobody reads included. No request of ours is silent for so long. */
  idleMs: number;
  /** How often headers and requests that are late are looked for. */
  checkMs: number;
}

const CLIENT_TIMEOUTS: ClientTimeouts = { headersMs: 10_000, requestMs: 30_000, keepAliveMs: 5_000, idleMs: 180_000, checkMs: 2_000 };

export interface ListenOptions {
  host: string;
  /** 0 takes any free port. */
  port: number;
  log: Log;
  timeouts?: ClientTimeouts;
}

/** Serves the app on a port. PORT_IN_USE; INVALID_SETTING when the address or the port cannot be used here. */
export async function listen(app: Hono<Edge>, options: ListenOptions): Promise<Listener> {
  const { timeouts = CLIENT_TIMEOUTS } = options;
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: timeouts.headersMs,
      requestTimeout: timeouts.requestMs,
      keepAliveTimeout: timeouts.keepAliveMs,
      connectionsCheckingInterval: timeouts.checkMs,
    },
    getRequestListener(app.fetch, { errorHandler: (thrown) => adapterProblem(thrown, options.log) }),
  );
  server.setTimeout(timeouts.idleMs);
  server.on('clientError', answerBrokenRequest);
  await bind(server, options);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  const name = options.host.includes(':') ? `[${options.host}]` : options.host;
  return { url: `http://${name}:${port}`, close: (graceMs) => close(server, graceMs) };
}

async function bind(server: Server, { host, port }: ListenOptions): Promise<void> {
  server.listen({ host, port });
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw bindError(cause, host, port);
  }
}

function bindError(cause: unknown, host: string, port: number): unknown {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  switch (code) {
    case 'EADDRINUSE':
      return new RequestError('PORT_IN_USE', `Port ${port} on ${host} is taken by another program.`, {
        remedy: 'Stop that program, or set PORT to another port, or to 0 for any free one.',
        cause,
      });
    case 'EACCES':
      return invalidSetting('PORT', `Port ${port} needs rights that this process does not have.`, 'Set PORT to 1024 or above.', cause);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return invalidSetting('HOST', `${host} is not an address of this machine.`, 'Set HOST=127.0.0.1.', cause);
    default:
      return cause;
  }
}

function invalidSetting(name: string, reason: string, remedy: string, cause: unknown): RequestError {
  const message = `The setting ${name} cannot be used: ${reason}`;
  return new RequestError('INVALID_SETTING', message, { remedy, problems: [{ path: name, reason, remedy }], cause });
}

async function close(server: Server, graceMs: number): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  const cutOff = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(cutOff);
}

/** For what fails before or after the app itself: an address that is no URL, a Host header that is no host. */
function adapterProblem(thrown: unknown, log: Log): Response {
  const caller = thrown instanceof Error && thrown.name === 'RequestError' && !(thrown instanceof RequestError);
  const error = caller
    ? new RequestError('INVALID_REQUEST', 'The address or the Host header is not well formed.', {
        remedy: 'Mend the request line.',
        cause: thrown,
      })
    : toRequestError(thrown);
  if (!caller) log.error('request failed outside the app', { error: thrown });
  const { body, status, requestId } = bareProblem(error);
  return new Response(body, { status, headers: { 'Content-Type': PROBLEM_MEDIA_TYPE, 'X-Request-Id': requestId } });
}

/** For what Node's parser refuses: there is no request to answer, so the response is written by hand. */
function answerBrokenRequest(fault: Error & { code?: string }, socket: Duplex): void {
  if (fault.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { body, status, requestId } = bareProblem(brokenRequest(fault.code));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Connection: close',
    `Content-Type: ${PROBLEM_MEDIA_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${requestId}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function brokenRequest(code: string | undefined): RequestError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new RequestError('HEADERS_TOO_LARGE', `The address and the headers have more than ${MAX_HEADER_BYTES} bytes.`, {
        remedy: 'Send shorter ones.',
      });
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new RequestError('BODY_TOO_LARGE', 'The chunk extensions of the body are too large.', { remedy: 'Send none.' });
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new RequestError('REQUEST_TIMEOUT', 'The request did not arrive in time.', { remedy: 'Send it faster.' });
    default:
      return new RequestError('INVALID_REQUEST', 'The request is not HTTP/1.1.', { remedy: 'Mend the request line and the headers.' });
  }
}

function bareProblem(error: RequestError): { body: string; status: number; requestId: string } {
  const requestId = ulid();
  const code: ErrorCode = error.code;
  return { body: JSON.stringify(problemBody(error, requestId)), status: PROBLEM_KINDS[code].status, requestId };
}
