// Makes the engine inside a component look like what authors know. `datasources build` puts this module before
// the author's own, so that its effects are there when theirs begins; they are part of the component's snapshot
// and cost nothing at run time. Nothing else imports it.
import { TextDecoder, TextEncoder } from '@exodus/bytes/encoding-lite.js';
import { URL, URLSearchParams } from 'whatwg-url-minimum';
import { toUtf8 } from './bytes.ts';
import { now } from './clock.ts';
import { log } from './log.ts';

// Of those that follow the standard, the one that leaves least in the snapshot, which every fresh instance copies.
install('URL', URL);
install('URLSearchParams', URLSearchParams);
install('TextEncoder', TextEncoder);
install('TextDecoder', TextDecoder);
install('console', {
  debug: (...values: unknown[]) => log.debug(format(values)),
  log: (...values: unknown[]) => log.info(format(values)),
  info: (...values: unknown[]) => log.info(format(values)),
  warn: (...values: unknown[]) => log.warn(format(values)),
  error: (...values: unknown[]) => log.error(format(values)),
});
install('Date', hostDate(Date));

// The library's encoder is written for engines without native base64; see bytes.ts.
TextEncoder.prototype.encode = (text = '') => toUtf8(String(text));

const SOURCE_FUNCTIONS = ['describe', 'validateConfig', 'check', 'read', 'listIds', 'listGroups', 'search', 'receive'];

/** What the author's module exports, if it is a datasource. Throws while the component is built. */
export function requireSource(source: unknown): object {
  if (typeof source === 'object' && source !== null) {
    const functions: Readonly<Record<string, unknown>> = { ...source };
    if (SOURCE_FUNCTIONS.every((name) => typeof functions[name] === 'function')) return source;
  }
  throw new TypeError('`source` is no datasource. Make it with defineDatasource(manifest, { … }).');
}

function install(name: string, value: unknown): void {
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
}

function format(values: readonly unknown[]): string {
  return values.map(formatOne).join(' ');
}

function formatOne(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

/** A `Date` that stands at the moment when the call began: the engine's own ends the instance, having no clock. */
function hostDate(native: DateConstructor): DateConstructor {
  const date = new Proxy(native, {
    construct: (target, given, newTarget) => Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget),
    apply: () => new native(now()).toString(),
    get: (target, key, receiver) => (key === 'now' ? now : Reflect.get(target, key, receiver)),
  });
  native.prototype.constructor = date;
  return date;
}
