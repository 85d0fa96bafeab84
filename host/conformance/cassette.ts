import { createHash } from 'node:crypto';
import { Scrubber } from '../capabilities/scrub.ts';
import { RequestError } from '../domain/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';

/**
 * A cassette: every call that was made of a component, with every call that it made of the host and what it was told, as
 * JSON lines. The first says what it is of; byte strings that are long or no text lie in lines of their own, each once.
 * Secrets are taken out before anything is written.
 */
export interface CassetteHead {
  datasource: { name: string; version: string; digest: string };
  config: JsonObject;
  /** Those that were tested. */
  features: string[];
  /** The host's clock, milliseconds since 1970: what each call is told counts from it. */
  nowMs: number;
  /** Whether there was a source to ask. */
  hasSource: boolean;
}

/** One call of the host by the guest, as it is compared: values are JSON, byte strings in them `{"$bytes": …}`. */
export interface TapedHostCall {
  interface: string;
  function: string;
  args: Json;
  /** None for a function without an answer, and for one whose answer the call did not live to see. */
  answer?: { ok: boolean; value: Json };
}

/** One call of the component. `scene` and `number` name it. */
export interface TapedCall {
  scene: string;
  number: number;
  function: string;
  args: Json;
  hostCalls: TapedHostCall[];
  /** What came of it: the kind, and the digest of what it gave. None for a call that was cancelled on purpose. */
  end?: string;
}

export interface Cassette extends CassetteHead {
  calls: Map<string, TapedCall>;
  /** The value as the guest got it, byte strings included. */
  restore(value: Json): unknown;
}

const FORMAT = 'lorelai-cassette';
const VERSION = 1;
/** Shorter text stays where it is, so that a cassette can be read. */
const MAX_INLINE_BYTES = 200;

/** Turns calls into lines. Everything that is written passes here, and with it the scrubber. */
export class CassetteWriter {
  readonly #scrubber: Scrubber;
  readonly #write: (line: string) => void;
  readonly #known = new Set<string>();

  constructor(head: CassetteHead, { secret, write }: { secret: string | undefined; write: (line: string) => void }) {
    this.#scrubber = new Scrubber(secret);
    this.#write = write;
    const { datasource, config, features, nowMs, hasSource } = head;
    this.#line({ kind: FORMAT, version: VERSION, datasource, config: this.tape(config), features, nowMs, hasSource });
  }

  /** A value as a cassette holds it; long byte strings are written on the way. */
  tape(value: unknown): Json {
    return toTaped(value, this.#scrubber, (bytes) => this.#keep(bytes));
  }

  write({ scene, number, function: func, args, hostCalls, end }: TapedCall): void {
    this.#line({ kind: 'call', scene, number, function: func, args });
    for (const call of hostCalls) this.#line({ kind: 'host', ...call });
    this.#line({ kind: 'end', ...(end === undefined ? {} : { came: end }) });
  }

  #keep(bytes: Uint8Array): string {
    const id = digestOf(bytes);
    if (!this.#known.has(id)) {
      this.#known.add(id);
      this.#line({ kind: 'bytes', id, ...spelled(bytes) });
    }
    return id;
  }

  #line(value: object): void {
    this.#write(`${JSON.stringify(value)}\n`);
  }
}

/** The same form without a place to keep bytes: what a player compares with. */
export function tapedForm(value: unknown): Json {
  return toTaped(value, new Scrubber(), digestOf);
}

function toTaped(value: unknown, scrubber: Scrubber, keep: (bytes: Uint8Array) => string): Json {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') return scrubber.text(value);
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (value instanceof Uint8Array) {
    const bytes = scrubber.bytes(value);
    return { $bytes: bytes.byteLength > MAX_INLINE_BYTES ? { id: keep(bytes) } : spelled(bytes) };
  }
  if (Array.isArray(value)) return value.map((item) => toTaped(item, scrubber, keep));
  if (typeof value !== 'object') return null;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([key, member]) => [key, toTaped(member, scrubber, keep)]));
}

function spelled(bytes: Uint8Array): { text: string } | { base64: string } {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { base64: Buffer.from(bytes).toString('base64') };
  }
}

/** Of what a call gave: kind and digest, so that a cassette does not hold every document twice. */
export function endOf(kind: string, value: unknown): string {
  return `${kind} ${digestOf(Buffer.from(JSON.stringify(tapedForm(value)) ?? ''))}`;
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}`;
}

/** Reads a cassette, which may be anybody's. FILE_NOT_READABLE with the line. */
export function parseCassette(text: string): Cassette {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const head = parseHead(parseLine(lines[0] ?? '', 1));
  const calls = new Map<string, TapedCall>();
  const kept = new Map<string, Uint8Array>();
  let open: TapedCall | undefined;
  lines.slice(1).forEach((line, index) => {
    const at = index + 2;
    const value = parseLine(line, at);
    switch (value.kind) {
      case 'bytes':
        kept.set(textOf(value, 'id', at), bytesOf(value, at));
        return;
      case 'call':
        open = {
          scene: textOf(value, 'scene', at),
          number: Number(value.number),
          function: textOf(value, 'function', at),
          args: value.args ?? null,
          hostCalls: [],
        };
        calls.set(`${open.scene} ${open.number}`, open);
        return;
      case 'host':
        if (open === undefined) throw invalid(at, 'it is of no call');
        open.hostCalls.push(parseHostCall(value, at));
        return;
      case 'end':
        if (open !== undefined && typeof value.came === 'string') open.end = value.came;
        open = undefined;
        return;
      default:
        throw invalid(at, 'it is of no kind that cassettes have');
    }
  });
  return { ...head, calls, restore: (value) => restored(value, kept) };
}

function parseHead(value: JsonObject): CassetteHead {
  const { kind, version, datasource, config, features, nowMs, hasSource } = value;
  if (kind !== FORMAT) throw invalid(1, 'it is not the head of a cassette');
  if (version !== VERSION) throw invalid(1, `cassettes of version ${JSON.stringify(version)} are not known here`);
  if (!isJsonObject(datasource) || !isJsonObject(config) || !Array.isArray(features) || typeof nowMs !== 'number')
    throw invalid(1, 'something of the head is missing');
  return {
    datasource: { name: textOf(datasource, 'name', 1), version: textOf(datasource, 'version', 1), digest: textOf(datasource, 'digest', 1) },
    config,
    features: features.map(String),
    nowMs,
    hasSource: hasSource === true,
  };
}

function parseHostCall(value: JsonObject, at: number): TapedHostCall {
  const { answer } = value;
  const call = { interface: textOf(value, 'interface', at), function: textOf(value, 'function', at), args: value.args ?? null };
  return isJsonObject(answer) ? { ...call, answer: { ok: answer.ok === true, value: answer.value ?? null } } : call;
}

function parseLine(line: string, at: number): JsonObject {
  try {
    const value: unknown = JSON.parse(line);
    if (isJsonObject(value)) return value;
  } catch {
    // Told below, as for anything else that is no object.
  }
  throw invalid(at, 'it is not a JSON object');
}

function textOf(value: JsonObject, key: string, at: number): string {
  const text = value[key];
  if (typeof text !== 'string') throw invalid(at, `${key} is not a text`);
  return text;
}

function bytesOf({ text, base64 }: JsonObject, at: number): Uint8Array {
  if (typeof text === 'string') return new TextEncoder().encode(text);
  if (typeof base64 === 'string') return new Uint8Array(Buffer.from(base64, 'base64'));
  throw invalid(at, 'it has neither text nor base64');
}

function restored(value: Json, kept: ReadonlyMap<string, Uint8Array>): unknown {
  if (Array.isArray(value)) return value.map((item) => restored(item, kept));
  if (!isJsonObject(value)) return value;
  const { $bytes } = value;
  if (isJsonObject($bytes)) return typeof $bytes.id === 'string' ? (kept.get($bytes.id) ?? new Uint8Array()) : bytesOf($bytes, 0);
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, restored(member, kept)]));
}

function invalid(line: number, reason: string): RequestError {
  return new RequestError('FILE_NOT_READABLE', `Line ${line} of the cassette cannot be used: ${reason}.`, {
    remedy: 'Record it anew with `datasources test … --record FILE`.',
  });
}
