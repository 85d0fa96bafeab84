import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, visit, type Document, type Scalar } from 'yaml';
import type { Json } from './json.ts';
import { escapePointer, unescapePointer } from './json-pointer.ts';
import type { ManifestProblem } from './manifest.ts';

/** Of UTF-8 text; the longest manifest in use has 3 KiB. */
const MAX_MANIFEST_BYTES = 256 * 1024;

const MAX_DEPTH = 32;
// How often anchored nodes may be used in all: a bomb of nested aliases grows without limit.
const MAX_ALIASES = 64;

/** Where a node begins; both count from 1. */
interface Position {
  line: number;
  column: number;
}

/** `locate` finds where the value of a JSON Pointer, or the key itself where a key is unknown, is written. */
export type YamlVerdict =
  | { ok: true; json: Json; locate: (pointer: string) => Position | undefined }
  | { ok: false; problems: ManifestProblem[] };

/** Reads one YAML 1.2 document as JSON. Bounds its size, its depth and its aliases. */
export function parseYaml(text: string): YamlVerdict {
  if (Buffer.byteLength(text) > MAX_MANIFEST_BYTES) return refuse('It is larger than 256 KiB.', 'Shorten it.');
  try {
    return readDocument(text);
  } catch (cause) {
    // How the library refuses unknown or too many aliases, and how the engine refuses too deep a nesting.
    if (cause instanceof ReferenceError) return refuse(aliasReason(cause), 'Write the values out.');
    if (cause instanceof RangeError) return refuse(TOO_DEEP, 'Flatten it.');
    throw cause;
  }
}

const TOO_DEEP = `It is nested more than ${MAX_DEPTH} levels deep.`;

function aliasReason(cause: ReferenceError): string {
  return cause.message.startsWith('Excessive')
    ? `It uses aliases more than ${MAX_ALIASES} times.`
    : 'It uses an alias that is not defined.';
}

function readDocument(text: string): YamlVerdict {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    version: '1.2',
    schema: 'core',
    merge: false,
    stringKeys: true,
    // The library's own check compares every key with every other one: seconds for a hostile text.
    uniqueKeys: false,
  });
  const [first] = [...document.errors, ...document.warnings];
  if (first !== undefined) return refuse(yamlReason(first), 'Mend the YAML.', toPosition(lines, first.pos[0]));
  const repeated = findRepeatedKey(document);
  if (repeated !== undefined) {
    return refuse(`"${String(repeated.value)}" is there twice.`, 'Remove one, or rename it.', toPosition(lines, repeated.range?.[0] ?? 0));
  }
  const locate = (pointer: string): Position | undefined => locateNode(document, lines, pointer);
  const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
  const flaw = findFlaw(value, '', 0);
  if (flaw !== undefined) return { ok: false, problems: [{ ...flaw, ...locate(flaw.path) }] };
  return isChecked(value) ? { ok: true, json: value, locate } : refuse('It is empty.', 'Write a manifest.');
}

function yamlReason(error: Error): string {
  if (error.message.startsWith('Maximum call stack')) return TOO_DEEP;
  if (error.message.startsWith('Source contains multiple documents')) return 'It holds more than one document.';
  const [sentence = error.message] = error.message.split(/ at line \d|\n/, 1);
  return sentence.endsWith('.') ? sentence : `${sentence}.`;
}

function findRepeatedKey(document: Document): Scalar | undefined {
  let repeated: Scalar | undefined;
  visit(document, {
    Map(_, map) {
      const seen = new Set<unknown>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value)) {
          repeated = key;
          return visit.BREAK;
        }
        seen.add(key.value);
      }
      return undefined;
    },
  });
  return repeated;
}

/** The first value that JSON cannot carry, or that lies too deep. */
function findFlaw(value: unknown, path: string, depth: number): ManifestProblem | undefined {
  if (depth > MAX_DEPTH) return { path, reason: TOO_DEEP, remedy: 'Flatten it.' };
  if (typeof value === 'object' && value !== null) {
    for (const [key, nested] of Object.entries(value)) {
      const at = `${path}/${escapePointer(key)}`;
      // An object's prototype in every language that this text meets; never a setting.
      if (key === '__proto__') return { path: at, reason: '"__proto__" cannot be a key.', remedy: 'Use another name.' };
      const flaw = findFlaw(nested, at, depth + 1);
      if (flaw !== undefined) return flaw;
    }
    return undefined;
  }
  const fits = value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
  return fits ? undefined : { path, reason: 'JSON has no such value.', remedy: 'Write text, a finite number, true, false or null.' };
}

/** After `findFlaw` has walked all of it. */
function isChecked(value: unknown): value is Json {
  return value !== undefined && value !== null;
}

/** The key, or the item of a list, that the longest known part of the pointer names. */
function locateNode(document: Document, lines: LineCounter, pointer: string): Position | undefined {
  let node: unknown = document.contents;
  let at: unknown = node;
  for (const token of pointer.split('/').slice(1).map(unescapePointer)) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === token);
      if (pair === undefined) break;
      at = pair.key;
      node = pair.value;
    } else if (isSeq(node)) {
      at = node.items[Number(token)];
      node = at;
    } else break;
  }
  return isNode(at) && at.range ? toPosition(lines, at.range[0]) : undefined;
}

function toPosition(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}

function refuse(reason: string, remedy: string, position?: Position): YamlVerdict {
  return { ok: false, problems: [{ path: '', reason, remedy, ...position }] };
}
