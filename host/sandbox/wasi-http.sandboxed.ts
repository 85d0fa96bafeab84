/**
 * Runs on the other side of the boundary: `wasi:http` (types and outgoing-handler) as a second
 * spelling of `http-client`. It decides nothing: the broker in the host checks the request.
 */
import { Handle } from './handle.sandboxed.ts';
import { Fields, fail, type Tagged } from './wasi-http-fields.sandboxed.ts';
import { FutureIncomingResponse, FutureTrailers, IncomingBody, IncomingResponse } from './wasi-http-incoming.sandboxed.ts';
import { OutputStream } from './wasi-io.sandboxed.ts';

interface ClientRequest {
  method: string;
  url: string;
  headers: { name: string; value: string }[];
  body: Uint8Array | undefined;
  timeoutMs: number | undefined;
}

/** Sends through `http-client`; rejects with its error variant as `payload`. */
export type SendRequest = (request: ClientRequest) => Promise<unknown>;

/** What a request body may hold here; the grant's own limit is checked by the broker. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;
const NANOSECONDS_PER_MS = 1_000_000n;
const latin1 = new TextDecoder('latin1');

class OutgoingBody extends Handle {
  #stream: OutputStream | undefined;
  #finished: (() => void) | undefined;
  readonly finished = new Promise<void>((resolve) => {
    this.#finished = resolve;
  });

  write(): OutputStream {
    if (this.#stream !== undefined) throw fail('already-written');
    this.#stream = new OutputStream(MAX_BODY_BYTES);
    return this.#stream;
  }
  static finish(body: OutgoingBody): void {
    body.#finished?.();
  }
  bytes(): Uint8Array | undefined {
    return this.#stream === undefined || this.#stream.size === 0 ? undefined : this.#stream.bytes();
  }
}

class OutgoingRequest extends Handle {
  readonly #headers: Fields;
  #method: Tagged = { tag: 'get' };
  #path: string | undefined;
  #scheme: Tagged | undefined;
  #authority: string | undefined;
  #body: OutgoingBody | undefined;

  constructor(headers: Fields) {
    super();
    this.#headers = headers.freeze();
  }
  body(): OutgoingBody {
    if (this.#body !== undefined) throw fail('already-taken');
    this.#body = new OutgoingBody();
    return this.#body;
  }
  method(): Tagged {
    return this.#method;
  }
  setMethod(method: Tagged): void {
    this.#method = method;
  }
  pathWithQuery(): string | undefined {
    return this.#path;
  }
  setPathWithQuery(path: string | undefined): void {
    this.#path = path;
  }
  scheme(): Tagged | undefined {
    return this.#scheme;
  }
  setScheme(scheme: Tagged | undefined): void {
    this.#scheme = scheme;
  }
  authority(): string | undefined {
    return this.#authority;
  }
  setAuthority(authority: string | undefined): void {
    this.#authority = authority;
  }
  headers(): Fields {
    return this.#headers;
  }
  /** The same request as `http-client` wants it, once the guest has finished the body. */
  async toClient(options: RequestOptions | undefined): Promise<ClientRequest> {
    await this.#body?.finished;
    return {
      method: String(this.#method.tag === 'other' ? this.#method.val : this.#method.tag).toUpperCase(),
      url: `${schemeName(this.#scheme)}://${this.#authority ?? ''}${this.#path ?? '/'}`,
      // `fetch` sets the length itself; framing is the host's, which refuses it from a guest.
      headers: this.#headers
        .entries()
        .flatMap(([name, value]) => (name === 'content-length' ? [] : [{ name, value: latin1.decode(value) }])),
      body: this.#body?.bytes(),
      timeoutMs: options?.totalMs(),
    };
  }
}

function schemeName(scheme: Tagged | undefined): string {
  if (scheme === undefined || scheme.tag === 'HTTPS') return 'https';
  return scheme.tag === 'HTTP' ? 'http' : String(scheme.val);
}

class RequestOptions extends Handle {
  #connect: bigint | undefined;
  #firstByte: bigint | undefined;
  #betweenBytes: bigint | undefined;

  connectTimeout(): bigint | undefined {
    return this.#connect;
  }
  setConnectTimeout(duration: bigint | undefined): void {
    this.#connect = duration;
  }
  firstByteTimeout(): bigint | undefined {
    return this.#firstByte;
  }
  setFirstByteTimeout(duration: bigint | undefined): void {
    this.#firstByte = duration;
  }
  betweenBytesTimeout(): bigint | undefined {
    return this.#betweenBytes;
  }
  setBetweenBytesTimeout(duration: bigint | undefined): void {
    this.#betweenBytes = duration;
  }
  /** `http-client` has one timeout for everything: the two that lead to the first byte. */
  totalMs(): number | undefined {
    if (this.#connect === undefined && this.#firstByte === undefined) return undefined;
    return Number(((this.#connect ?? 0n) + (this.#firstByte ?? 0n)) / NANOSECONDS_PER_MS) || 1;
  }
}

/** `wasi:http/types` describes servers too; a datasource is none, so these exist but cannot be made. */
function serverOnly(): never {
  throw new TypeError('a datasource handles no incoming HTTP requests');
}

class ServerOnly {
  readonly none = serverOnly();
}

/** The imports `wasi:http/types` and `wasi:http/outgoing-handler`. */
export function httpImports(sendRequest: SendRequest): Record<string, Record<string, unknown>> {
  return {
    'wasi:http/types': {
      Fields,
      OutgoingBody,
      OutgoingRequest,
      RequestOptions,
      IncomingBody,
      FutureTrailers,
      IncomingResponse,
      FutureIncomingResponse,
      IncomingRequest: ServerOnly,
      OutgoingResponse: ServerOnly,
      ResponseOutparam: ServerOnly,
      httpErrorCode: () => undefined,
    },
    'wasi:http/outgoing-handler': {
      handle: (request: OutgoingRequest, options: RequestOptions | undefined) =>
        new FutureIncomingResponse(request.toClient(options).then(sendRequest)),
    },
  };
}
