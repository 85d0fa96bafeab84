/** Runs on the other side of the boundary: what `wasi:http` gives a guest of the answer to its request. */
import { Handle } from './handle.sandboxed.ts';
import { Fields, fail, type Tagged } from './wasi-http-fields.sandboxed.ts';
import { InputStream, Pollable } from './wasi-io.sandboxed.ts';

export class IncomingBody extends Handle {
  #bytes: Uint8Array | undefined;
  constructor(bytes: Uint8Array) {
    super();
    this.#bytes = bytes;
  }
  stream(): InputStream {
    if (this.#bytes === undefined) throw fail('already-taken');
    const stream = new InputStream(this.#bytes);
    this.#bytes = undefined;
    return stream;
  }
  static finish(): FutureTrailers {
    return new FutureTrailers();
  }
}

export class FutureTrailers extends Handle {
  subscribe(): Pollable {
    return new Pollable();
  }
  /** No response here has trailers. */
  get(): Tagged {
    return { tag: 'ok', val: { tag: 'ok', val: undefined } };
  }
}

interface ClientResponse {
  status: number;
  headers: { name: string; value: string }[];
  body: Uint8Array;
}

export class IncomingResponse extends Handle {
  readonly #response: ClientResponse;
  #consumed = false;
  constructor(response: ClientResponse) {
    super();
    this.#response = response;
  }
  status(): number {
    return this.#response.status;
  }
  headers(): Fields {
    return Fields.fromList(this.#response.headers.map(({ name, value }) => [name, new Uint8Array(Buffer.from(value, 'latin1'))])).freeze();
  }
  consume(): IncomingBody {
    if (this.#consumed) throw fail('already-taken');
    this.#consumed = true;
    return new IncomingBody(this.#response.body);
  }
}

export class FutureIncomingResponse extends Handle {
  #outcome: Tagged | undefined;
  #taken = false;
  readonly #settled: Promise<void>;

  constructor(response: Promise<unknown>) {
    super();
    this.#settled = response.then(
      (value) => {
        this.#outcome = { tag: 'ok', val: new IncomingResponse(value as ClientResponse) };
      },
      (error: unknown) => {
        this.#outcome = { tag: 'err', val: errorCode(error) };
      },
    );
  }
  subscribe(): Pollable {
    return new Pollable(this.#settled);
  }
  get(): Tagged | undefined {
    if (this.#outcome === undefined) return undefined;
    if (this.#taken) return { tag: 'err' };
    this.#taken = true;
    return { tag: 'ok', val: this.#outcome };
  }
}

/** `http-client`'s error as the nearest `wasi:http` error code. */
function errorCode(error: unknown): Tagged {
  const payload = typeof error === 'object' && error !== null && 'payload' in error ? (error.payload as Tagged) : undefined;
  switch (payload?.tag) {
    case 'denied':
      return { tag: 'HTTP-request-denied' };
    case 'invalid-request':
      return { tag: 'HTTP-request-URI-invalid' };
    case 'timed-out':
      return { tag: 'connection-read-timeout' };
    case 'too-large':
      return { tag: 'HTTP-response-body-size', val: undefined };
    case 'unreachable':
      return { tag: 'destination-unavailable' };
    default:
      return { tag: 'internal-error', val: payload === undefined ? undefined : payload.tag };
  }
}
