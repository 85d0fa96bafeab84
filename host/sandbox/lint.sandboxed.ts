/**
 * Runs on the other side of the boundary, in the process that compiles: reads the JavaScript that
 * the transpiler made before anything evaluates it. Names in a component are a stranger's text and
 * reach this code; what the transpiler itself writes needs few globals and no import.
 */
import { type AnyNode, type Identifier, type MemberExpression, type ObjectPattern, parse, type Pattern, type Program } from 'acorn';
import { fullAncestor } from 'acorn-walk';
import { namesIn } from './scopes.sandboxed.ts';

/** All that generated code uses of the world around it. */
const ALLOWED_GLOBALS = new Set([
  ...['Array', 'ArrayBuffer', 'BigInt', 'Boolean', 'DataView', 'Error', 'FinalizationRegistry', 'JSON', 'Map', 'Math', 'Number', 'Object'],
  ...[
    'Promise',
    'RangeError',
    'ReferenceError',
    'RegExp',
    'Set',
    'String',
    'Symbol',
    'SyntaxError',
    'TextDecoder',
    'TextEncoder',
    'TypeError',
  ],
  ...['URL', 'WeakMap', 'WeakRef', 'WebAssembly', 'arguments', 'clearInterval', 'clearTimeout', 'console', 'fetch', 'globalThis'],
  ...['queueMicrotask', 'setInterval', 'setTimeout', 'undefined', 'NaN', 'Infinity', 'isNaN'],
  ...['Int8Array', 'Int16Array', 'Int32Array', 'BigInt64Array', 'BigUint64Array', 'Float32Array', 'Float64Array'],
  ...['Uint8Array', 'Uint8ClampedArray', 'Uint16Array', 'Uint32Array'],
  // jco 1.35.0 writes this one name without declaring it; no such global exists.
  'vals',
]);
/** `globalThis.process.env.JCO_DEBUG` is asked for and, with an empty environment, never there. */
const ALLOWED_OF_GLOBAL_THIS = new Set(['process', 'WebAssembly']);
/** From any object these lead to code made of text, or to what every object shares. */
const FORBIDDEN_PROPERTIES = new Set([
  'constructor',
  '__proto__',
  '__defineGetter__',
  '__defineSetter__',
  '__lookupGetter__',
  '__lookupSetter__',
  'caller',
  'callee',
]);
const FORBIDDEN_NODES = new Set(['ImportDeclaration', 'ImportExpression', 'ExportAllDeclaration', 'WithStatement', 'DebuggerStatement']);
/** What may not even be the name of something of its own: a use of it could not be told from the global. A module has no `eval` of its own. */
const FORBIDDEN_NAMES = new Set([
  'Function',
  'process',
  'require',
  'module',
  'global',
  'Buffer',
  'Worker',
  'WebSocket',
  'EventSource',
  'Reflect',
  'Proxy',
]);

/** What a file of generated code has that it should not; empty when it is as expected. At most 20. */
export function lintGenerated(code: string): string[] {
  let program: Program;
  try {
    program = parse(code, { ecmaVersion: 'latest', sourceType: 'module' });
  } catch (error) {
    return [`it is not JavaScript: ${String(error).slice(0, 200)}`];
  }
  const found = new Set<string>();
  const declared = new Set<string>();
  const used = new Set<string>();
  fullAncestor(program, (given, _state, ancestors) => {
    const node = given as AnyNode;
    if (FORBIDDEN_NODES.has(node.type)) found.add(`it has a ${node.type}`);
    for (const pattern of declaredBy(node)) namesIn(pattern, declared);
    if (node.type === 'Identifier') used.add(node.name);
    if (node.type === 'MemberExpression') lintMember(node, found);
    if (node.type === 'ObjectPattern') lintPattern(node, found);
    if (node.type === 'MetaProperty') lintMeta(ancestors.at(-2) as AnyNode | undefined, found);
    if (node.type === 'Identifier' && node.name === 'globalThis') lintGlobalThis(node, ancestors.at(-2) as AnyNode | undefined, found);
  });
  for (const name of used) if (!declared.has(name) && !ALLOWED_GLOBALS.has(name)) found.add(`it uses ${printable(name)}`);
  for (const name of declared) if (FORBIDDEN_NAMES.has(name)) found.add(`it has something of its own named ${name}`);
  return [...found].slice(0, 20);
}

function lintMember(node: MemberExpression, found: Set<string>): void {
  const name = propertyOf(node);
  if (name !== undefined && FORBIDDEN_PROPERTIES.has(name)) found.add(`it reaches for the property ${name}`);
}

/** `const { constructor: f } = x` reaches as far as `x.constructor`. */
function lintPattern(node: ObjectPattern, found: Set<string>): void {
  for (const property of node.properties) {
    if (property.type === 'RestElement') continue;
    const { key } = property;
    const name = key.type === 'Literal' ? String(key.value) : key.type === 'Identifier' && !property.computed ? key.name : undefined;
    if (name === undefined) found.add('it takes a property of a computed name apart');
    else if (FORBIDDEN_PROPERTIES.has(name)) found.add(`it reaches for the property ${name}`);
  }
}

/** Only what `fetch(new URL(…, import.meta.url))` needs. */
function lintMeta(parent: AnyNode | undefined, found: Set<string>): void {
  if (parent?.type !== 'MemberExpression' || propertyOf(parent) !== 'url') found.add('it uses import.meta for more than its URL');
}

function lintGlobalThis(node: Identifier, parent: AnyNode | undefined, found: Set<string>): void {
  const name = parent?.type === 'MemberExpression' && parent.object === node ? propertyOf(parent) : undefined;
  if (name === undefined || !ALLOWED_OF_GLOBAL_THIS.has(name)) found.add(`it reaches for ${printable(name ?? 'anything')} of globalThis`);
}

/** The name of a property as far as it stands there; a computed one only when it is a literal or a template without holes. */
function propertyOf(node: MemberExpression): string | undefined {
  if (!node.computed) return node.property.type === 'Identifier' ? node.property.name : undefined;
  const { property } = node;
  if (property.type === 'TemplateLiteral' && property.expressions.length === 0) return property.quasis[0]?.value.cooked ?? undefined;
  return property.type === 'Literal' ? String(property.value) : undefined;
}

function declaredBy(node: AnyNode): readonly (Pattern | null | undefined)[] {
  switch (node.type) {
    case 'VariableDeclarator':
      return [node.id];
    case 'FunctionDeclaration':
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
      return [node.id, ...node.params];
    case 'ClassDeclaration':
    case 'ClassExpression':
      return [node.id];
    case 'CatchClause':
      return [node.param];
    default:
      return [];
  }
}

function printable(name: string): string {
  return /^[\x20-\x7e]{1,60}$/.test(name) ? name : 'a name that is not printable';
}
