/**
 * Runs on the other side of the boundary: one datasource of one organisation, a fresh instance for
 * each call, several calls at a time. It holds no secret, no socket and no path but its own folder;
 * whatever runs here is assumed to belong to the guest.
 *
 *   node [flags] runner.sandboxed.ts FOLDER
 */
import { readFileSync, readdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { answersOf } from './answers.sandboxed.ts';
import { closeWhatIsOpen, easeGeneratedCode } from './ambience.sandboxed.ts';
import { encodeFrame, FrameReader, type Wire } from './frame.ts';
import { allowHandles } from './handle.sandboxed.ts';
import { Overrun } from './overrun.sandboxed.ts';
import type { FromSandbox, SourceFunction, ToSandbox, WaitedFor } from './protocol.ts';
import { tidyUp } from './tidy.sandboxed.ts';
import { wasiImports } from './wasi.sandboxed.ts';

/** The host's own frames are at most a response body and its headers. */
const MAX_FRAME_BYTES = 256 * 1024 * 1024;

type HostImport = (...args: unknown[]) => unknown;
type Imports = Record<string, Record<string, unknown>>;
type Source = Record<string, (...args: unknown[]) => unknown>;
type Instantiate = (getCoreModule: (path: string) => WebAssembly.Module, imports: Imports) => Promise<Record<string, Source>>;

type Call = ToSandbox & { type: 'call' };

interface Waiting {
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
}

// Written to without the stream that Node would make of it: a frame is one call of the kernel, which waits while the host
// has not read what came before.
const OUTPUT = 1;
const nextAnswer = answersOf(MAX_FRAME_BYTES);
const waiting = new Map<number, Waiting>();
let lastRequest = 0;

function send(message: FromSandbox, maxBytes = Number.POSITIVE_INFINITY): void {
  const frame = encodeFrame(message as unknown as Wire);
  // The host would end the process for a larger message, without knowing which call was at fault.
  if (frame.byteLength > maxBytes) throw new Overrun('maxResultBytes', frame.byteLength);
  for (let at = 0; at < frame.byteLength;) at += writeSync(OUTPUT, frame, at);
}

function askHost({ call, limits }: Call, name: string, func: string, args: unknown[]): Promise<unknown> {
  lastRequest += 1;
  const request = lastRequest;
  return new Promise((resolve, reject) => {
    waiting.set(request, { resolve, reject });
    send({ type: 'host-call', call, request, interface: name, function: func, args }, limits.maxResultBytes);
  });
}

/** Asks for what the whole process waits for. */
function askAndWait({ call, limits }: Call, name: WaitedFor, func: string, args: unknown[]): unknown {
  lastRequest += 1;
  send({ type: 'host-call', call, request: lastRequest, interface: name, function: func, args }, limits.maxResultBytes);
  const { ok, value } = nextAnswer() as ToSandbox & { type: 'host-result' };
  if (!ok) throw refusal(value);
  return value;
}

/** As jco's bindings expect the error of a WIT `result`. */
function refusal(payload: Wire): Error {
  return Object.assign(new Error('the host refused'), { payload });
}

function tellHost({ call, limits }: Call, name: string, func: string, args: unknown[]): void {
  send({ type: 'host-call', call, request: 0, interface: name, function: func, args }, limits.maxResultBytes);
}

/** Everything a datasource may import. Functions that take as long as a source takes are asynchronous: JSPI suspends the guest. */
function importsFor(call: Call): Imports {
  const ask =
    (name: string, func: string): HostImport =>
    (...args) =>
      askHost(call, name, func, args);
  const store =
    (func: string): HostImport =>
    (...args) =>
      askAndWait(call, 'storage', func, args);
  const tell =
    (name: string, func: string): HostImport =>
    (...args) =>
      tellHost(call, name, func, args);
  return {
    'lorelai:datasource/types': {},
    'lorelai:datasource/http-client': { send: ask('http-client', 'send') },
    'lorelai:datasource/storage': {
      get: store('get'),
      put: store('put'),
      remove: store('remove'),
      scan: store('scan'),
    },
    'lorelai:datasource/log': { write: tell('log', 'write') },
    'lorelai:datasource/metrics': { add: tell('metrics', 'add'), set: tell('metrics', 'set') },
    ...wasiImports(
      (request) => askHost(call, 'http-client', 'send', [request]),
      (level, line) => tellHost(call, 'log', 'write', [level, line]),
      call.limits.maxRandomBytes,
      beganAtMs(call),
    ),
  };
}

/** What the context of a call says that the time is; there is none for `describe`. */
function beganAtMs({ args: [context] }: Call): number {
  const nowMs = typeof context === 'object' && context !== null && 'nowMs' in context ? Number(context.nowMs) : Number.NaN;
  return Number.isFinite(nowMs) ? nowMs : Date.now();
}

/** The payload that jco's bindings put on the error of a WIT `result`, when it is one. */
function resultError(error: unknown): { payload: unknown } | undefined {
  if (typeof error === 'object' && error !== null && error.constructor?.name === 'ComponentError' && 'payload' in error) {
    return { payload: error.payload };
  }
  return undefined;
}

async function answer(instantiate: Instantiate, modules: Map<string, WebAssembly.Module>, message: Call): Promise<void> {
  const { call, limits } = message;
  allowHandles(limits.maxHandles);
  try {
    const instance = await instantiate((path) => {
      const found = modules.get(path);
      if (found === undefined) throw new Error(`no core module ${path}`);
      return found;
    }, importsFor(message));
    send({ type: 'started', call });
    const value = await instance.source?.[camelCase(message.function)]?.(...message.args);
    send({ type: 'result', call, value }, limits.maxResultBytes);
  } catch (error) {
    const own = resultError(error);
    try {
      if (own === undefined) throw error;
      send({ type: 'error', call, error: own.payload }, limits.maxResultBytes);
    } catch (broken) {
      if (broken instanceof Overrun) send({ type: 'overrun', call, limit: broken.limit, used: broken.used });
      else send({ type: 'trap', call, message: String(broken).slice(0, 2_000) });
    }
  }
}

function camelCase(name: SourceFunction): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function settle(message: ToSandbox & { type: 'host-result' }): void {
  const asked = waiting.get(message.request);
  waiting.delete(message.request);
  if (message.ok) asked?.resolve(message.value);
  else asked?.reject(refusal(message.value));
}

async function main(folder: string): Promise<void> {
  closeWhatIsOpen();
  const tidy = tidyUp();
  const modules = new Map<string, WebAssembly.Module>();
  for (const file of readdirSync(folder)) {
    if (file.endsWith('.wasm')) modules.set(file, await WebAssembly.compile(readFileSync(join(folder, file))));
  }
  const { instantiate } = (await import(pathToFileURL(join(folder, 'component.js')).href)) as { instantiate: Instantiate };
  easeGeneratedCode();
  const reader = new FrameReader(MAX_FRAME_BYTES);
  process.stdin.on('data', (chunk: Uint8Array) => {
    for (const value of reader.push(chunk)) {
      const message = value as ToSandbox;
      if (message.type === 'call') {
        tidy.begin();
        void answer(instantiate, modules, message).finally(tidy.end);
      } else settle(message);
    }
  });
  // The host is gone: nobody is left to work for.
  process.stdin.on('end', () => process.exit(0));
  send({ type: 'ready' });
}

await main(process.argv[2] ?? '');
