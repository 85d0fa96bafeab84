import { RELEASED_DECLARATIONS } from '../generated/contract.ts';
import type { Problem } from '../domain/errors.ts';
import { SOURCE_FUNCTIONS } from './protocol.ts';

/** The contract that this host implements. */
export const CONTRACT_PACKAGE = 'lorelai:datasource';
export const CONTRACT_VERSION = '1.0.0';

/** Functions that suspend the guest, by interface: jco must know them. What the host's own store answers is not among them. */
const WAITING_IMPORTS: Record<string, readonly string[]> = {
  'lorelai:datasource/http-client': ['send'],
  'wasi:io/poll': ['poll', '[method]pollable.block'],
};

const IMPORTABLE = new Set([
  ...['types', 'http-client', 'storage', 'log', 'metrics'].map((name) => `${CONTRACT_PACKAGE}/${name}`),
  ...['error', 'poll', 'streams'].map((name) => `wasi:io/${name}`),
  ...['monotonic-clock', 'wall-clock'].map((name) => `wasi:clocks/${name}`),
  ...['random', 'insecure', 'insecure-seed'].map((name) => `wasi:random/${name}`),
  ...['types', 'outgoing-handler'].map((name) => `wasi:http/${name}`),
]);

/** What toolchains link without need; the sandbox has them closed (`wasi-closed.sandboxed.ts`). */
const CLOSED = new Set([
  ...[
    'environment',
    'exit',
    'stdin',
    'stdout',
    'stderr',
    'terminal-input',
    'terminal-output',
    'terminal-stdin',
    'terminal-stdout',
    'terminal-stderr',
  ].map((name) => `wasi:cli/${name}`),
  ...['types', 'preopens'].map((name) => `wasi:filesystem/${name}`),
]);

const SOURCE_INTERFACE = `${CONTRACT_PACKAGE}/source`;
/** QuickJS components carry their engine's own entry; nothing here ever calls it. */
const TOLERATED_EXPORTS = new Set(['init']);

interface InterfaceName {
  id: string;
  version: string;
}

function splitVersion(name: string): InterfaceName {
  const at = name.lastIndexOf('@');
  return at < 0 ? { id: name, version: '' } : { id: name.slice(0, at), version: name.slice(at + 1) };
}

/** Ours exactly at the released version; WASI at any 0.2 patch. */
function isKnownVersion({ id, version }: InterfaceName): boolean {
  return id.startsWith('wasi:') ? /^0\.2\.\d{1,5}$/.test(version) : version === CONTRACT_VERSION;
}

/** What is wrong with a component's imports and exports; empty when it fits world `datasource`. */
export function worldProblems(imports: readonly string[], exports: readonly string[]): Problem[] {
  const problems: Problem[] = [];
  for (const name of imports) {
    const split = splitVersion(name);
    if (!IMPORTABLE.has(split.id) && !CLOSED.has(split.id)) {
      problems.push({
        path: `import ${name}`,
        reason: 'world lorelai:datasource/datasource has no such import, so this host will not link it',
        remedy: 'Build the component for world `datasource` or `datasource-core` of wit/; sockets are never linked.',
      });
    } else if (!isKnownVersion(split)) {
      problems.push(versionProblem(`import ${name}`, split));
    }
  }
  for (const name of exports) {
    const split = splitVersion(name);
    if (TOLERATED_EXPORTS.has(name)) continue;
    if (split.id !== SOURCE_INTERFACE) {
      problems.push({
        path: `export ${name}`,
        reason: 'a datasource exports interface source and nothing else',
        remedy: 'Build the component for world `datasource` or `datasource-core` of wit/.',
      });
    } else if (!isKnownVersion(split)) {
      problems.push(versionProblem(`export ${name}`, split));
    }
  }
  if (!exports.some((name) => splitVersion(name).id === SOURCE_INTERFACE)) {
    problems.push({
      path: `export ${SOURCE_INTERFACE}@${CONTRACT_VERSION}`,
      reason: 'the component does not export it',
      remedy: 'Build the component for world `datasource` or `datasource-core` of wit/.',
    });
  }
  return problems;
}

function versionProblem(path: string, { id, version }: InterfaceName): Problem {
  const known = id.startsWith('wasi:') ? '0.2.x' : CONTRACT_VERSION;
  return {
    path,
    reason: `it is of version ${version || 'none'}; this host knows ${known}`,
    remedy: `Build the component against ${id}@${known}.`,
  };
}

/** The functions that the transpiler must treat as asynchronous, by the names this component uses. */
export function waitingFunctions(
  imports: readonly string[],
  exports: readonly string[],
): { asyncImports: string[]; asyncExports: string[] } {
  return {
    asyncImports: imports.flatMap((name) => (WAITING_IMPORTS[splitVersion(name).id] ?? []).map((func) => `${name}#${func}`)),
    asyncExports: exports
      .filter((name) => splitVersion(name).id === SOURCE_INTERFACE)
      .flatMap((name) => SOURCE_FUNCTIONS.map((func) => `${name}#${func}`)),
  };
}

/** The declarations of a generated `.d.ts`, without comments, white space and order. */
export function declarationsOf(dts: string): string[] {
  return withoutComments(dts)
    .replace(/\s+/g, ' ')
    .split(/\bexport (?=function|type|interface|class)/)
    .map((text) => text.trim().replace(/;$/, ''))
    .filter((text) => text !== '')
    .toSorted();
}

/** By hand: an expression takes the square of the length for text of comments that never end, which a stranger may have written. */
function withoutComments(text: string): string {
  const parts: string[] = [];
  for (let from = 0; ;) {
    const begin = text.indexOf('/**', from);
    const end = begin < 0 ? -1 : text.indexOf('*/', begin + 3);
    parts.push(text.slice(from, end < 0 ? text.length : begin));
    if (end < 0) return parts.join('');
    from = end + 2;
  }
}

/**
 * What differs between the types of this component and the released contract. `typeFiles` are the
 * transpiler's `.d.ts` by file name. A component may leave out imports that it does not use; its
 * `source` must be ours exactly.
 */
export function typeProblems(typeFiles: ReadonlyMap<string, string>): Problem[] {
  const problems: Problem[] = [];
  const byInterface = new Map([['source', '']]);
  for (const [file, dts] of typeFiles) {
    const name = /lorelai-datasource-([a-z-]+)\.d\.ts$/.exec(file)?.[1];
    if (name !== undefined) byInterface.set(name, dts);
  }
  for (const [name, dts] of byInterface) {
    const released = new Set(RELEASED_DECLARATIONS[name] ?? []);
    const found = declarationsOf(dts);
    const foreign = found.filter((text) => !released.has(text));
    const missing = name === 'source' ? [...released].filter((text) => !found.includes(text)) : [];
    const differing = foreign[0] ?? missing[0];
    if (differing !== undefined) {
      problems.push({
        path: `interface ${CONTRACT_PACKAGE}/${name}@${CONTRACT_VERSION}`,
        reason: `its types differ from the released ones at: ${differing.slice(0, 160)}`,
        remedy: 'Build the component against the wit/ folder of this release, unchanged.',
      });
    }
  }
  return problems;
}
