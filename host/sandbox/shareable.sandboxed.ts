/**
 * Runs on the other side of the boundary, in the process that compiles: which declarations inside of generated code's
 * `instantiate` may be one for all instances of a process. Strict, as what one instance could leave in them another would
 * find: nothing that can change, and what can be frozen is.
 */
import type { AnyNode, ClassDeclaration, Expression, FunctionDeclaration, Identifier, NewExpression, VariableDeclaration } from 'acorn';
import { full } from 'acorn-walk';
import { isFunction, type Reference } from './scopes.sandboxed.ts';

/** A function, a class or a constant that stands in `instantiate` itself. */
export interface Declaration {
  name: string;
  statement: (FunctionDeclaration | ClassDeclaration | VariableDeclaration) & AnyNode;
  /** All uses of it, without its declaration. */
  uses: readonly Reference[];
}

/** `AsyncTask._ID`: a count that a class keeps on itself, which belongs to each instance instead. */
export interface Counter {
  property: string;
  start: string;
}

const FUNCTION_USES = new Set(['bind', 'call', 'apply']);
const TYPED_ARRAYS = new Set(['Uint8Array', 'Uint16Array']);
/** What is only read by these, which leave nothing behind. One that decodes a stream would. */
const READERS = new Map([
  ['Map', ['get']],
  ['TextDecoder', ['decode']],
  ['TextEncoder', ['encode', 'encodeInto']],
]);
/** What the rules here go by; generated code that has something of its own by one of these names is left as it is. */
export const GLOBALS_TRUSTED = [
  'Error',
  'Map',
  'Object',
  'Symbol',
  'TextDecoder',
  'TextEncoder',
  'Uint16Array',
  'Uint8Array',
  'WebAssembly',
];

export function parentOf({ within }: Reference): AnyNode {
  return within.at(-1) as AnyNode;
}

/** A number, a string and so on that stands there; a regular expression remembers where it was. */
function isPlain(node: AnyNode | null | undefined): boolean {
  if (node?.type === 'UnaryExpression') return node.operator === '-' && isPlain(node.argument);
  if (node?.type === 'BinaryExpression') return isPlain(node.left as AnyNode) && isPlain(node.right);
  return node?.type === 'Literal' && !('regex' in node);
}

function isPlainList(node: AnyNode | null | undefined): boolean {
  return node?.type === 'ArrayExpression' && node.elements.every((element) => isPlain(element));
}

function isPlainRecord(node: AnyNode): boolean {
  return (
    node.type === 'ObjectExpression' &&
    node.properties.every(
      (property) => property.type === 'Property' && property.kind === 'init' && !property.computed && isPlain(property.value),
    )
  );
}

/** What a constant or a static field may hold: after `Object.freeze` nothing about it changes. */
function isFrozenValue(node: AnyNode): boolean {
  return isPlain(node) || isPlainList(node) || isPlainRecord(node) || isSymbol(node) || isCompiledModule(node);
}

function isSymbol(node: AnyNode): boolean {
  return node.type === 'CallExpression' && isNamed(node.callee, 'Symbol') && node.arguments.every(isPlain);
}

function isCompiledModule(node: AnyNode): boolean {
  if (node.type !== 'NewExpression' || node.callee.type !== 'MemberExpression') return false;
  if (pathOf(node.callee)?.join('.') !== 'WebAssembly.Module' || node.arguments.length !== 1) return false;
  const [bytes] = node.arguments;
  return (
    bytes?.type === 'NewExpression' &&
    isNamed(bytes.callee, 'Uint8Array') &&
    bytes.arguments.length === 1 &&
    isPlainList(bytes.arguments[0])
  );
}

/** `Object.prototype.hasOwnProperty`: what every instance finds anyway. */
function isBuiltIn(node: AnyNode): boolean {
  const path = node.type === 'MemberExpression' ? pathOf(node) : undefined;
  return path !== undefined && ['WebAssembly', 'Object'].includes(path[0] ?? '');
}

/** A comparison of what is made for it alone, which gives `true` or `false`. */
function isComparison(node: AnyNode): boolean {
  return node.type === 'BinaryExpression' && node.operator === '===' && [node.left, node.right].every((side) => isPassing(side as AnyNode));
}

function isPassing(node: AnyNode): boolean {
  if (node.type === 'MemberExpression') return isPassing(node.object) && (!node.computed || isPlain(node.property));
  if (node.type === 'NewExpression')
    return node.callee.type === 'Identifier' && TYPED_ARRAYS.has(node.callee.name) && node.arguments.every(isPassing);
  return isPlain(node) || isPlainList(node);
}

function isArrow(node: AnyNode): boolean {
  let usesOuter = false;
  full(node, (inner) => {
    const { type, name } = inner as Identifier;
    if ((type as string) === 'ThisExpression' || name === 'arguments') usesOuter = true;
  });
  return node.type === 'ArrowFunctionExpression' && !usesOuter;
}

/** Something that changes nothing about itself as long as it is only asked. */
function isReader(node: AnyNode, uses: readonly Reference[]): boolean {
  if (node.type !== 'NewExpression' || node.callee.type !== 'Identifier') return false;
  const methods = READERS.get(node.callee.name);
  if (methods === undefined || !readerStartsPlain(node)) return false;
  return uses.every((use) => {
    const call = use.within.at(-2);
    const member = parentOf(use);
    const method = member.type === 'MemberExpression' && member.object === use.node ? pathOf(member)?.[1] : undefined;
    if (method === undefined || !methods.includes(method)) return false;
    return call?.type === 'CallExpression' && call.callee === member && (method !== 'decode' || call.arguments.length === 1);
  });
}

function readerStartsPlain(node: NewExpression): boolean {
  return node.arguments.every(
    (argument) => isPlain(argument) || (argument.type === 'ArrayExpression' && argument.elements.every((pair) => isPlainList(pair))),
  );
}

function isNamed(node: AnyNode, name: string): boolean {
  return node.type === 'Identifier' && node.name === name;
}

/** `['Object', 'prototype', 'hasOwnProperty']`; undefined when it is anything else than names with dots. */
export function pathOf(node: Expression | AnyNode): string[] | undefined {
  if (node.type === 'Identifier') return [node.name];
  if (node.type !== 'MemberExpression' || node.computed || node.property.type !== 'Identifier') return undefined;
  const before = pathOf(node.object as AnyNode);
  return before === undefined ? undefined : [...before, node.property.name];
}

/** Whether this gives it another value. */
export function isWritten(node: AnyNode, parent: AnyNode | undefined): boolean {
  switch (parent?.type) {
    case 'UpdateExpression':
      return true;
    case 'UnaryExpression':
      return parent.operator === 'delete';
    case 'AssignmentExpression':
    case 'AssignmentPattern':
    case 'ForInStatement':
    case 'ForOfStatement':
      return parent.left === node;
    case 'ArrayPattern':
    case 'RestElement':
    case 'ObjectPattern':
      return true;
    default:
      return false;
  }
}

function isTarget(use: Reference): boolean {
  const parent = parentOf(use);
  const holder = parent.type === 'Property' ? use.within.at(-2) : undefined;
  return isWritten(use.node, parent) || (holder?.type === 'ObjectPattern' && (parent as { value?: unknown }).value === use.node);
}

/** `EVENTS.NONE`, which is no change of it: a record or a list that anything else is done with is an instance's own. */
function isLookedUp(use: Reference): boolean {
  const [outer, parent] = use.within.slice(-2);
  if (parent?.type !== 'MemberExpression' || parent.object !== use.node) return false;
  return !isWritten(parent, outer) && (outer?.type !== 'CallExpression' || outer.callee !== parent);
}

/** Whether one may serve all instances, as far as its own text and its uses go; what it refers to is another question. */
export function mayBeShared({ statement, uses }: Declaration): boolean {
  if (uses.some(isTarget)) return false;
  if (statement.type === 'ClassDeclaration') return isSteadyClass(statement, uses);
  const isUsedPlainly = uses.every((use) => {
    const parent = parentOf(use);
    return parent.type !== 'MemberExpression' || parent.object !== use.node || FUNCTION_USES.has(pathOf(parent)?.[1] ?? '');
  });
  if (statement.type === 'FunctionDeclaration') return isUsedPlainly;
  const [declarator] = statement.declarations;
  const value = declarator?.init as AnyNode | null | undefined;
  if (statement.kind !== 'const' || statement.declarations.length !== 1 || value === null || value === undefined) return false;
  if (isArrow(value)) return isUsedPlainly;
  if (isPlainList(value) || isPlainRecord(value)) return uses.every(isLookedUp);
  return isFrozenValue(value) || isBuiltIn(value) || isComparison(value) || isReader(value, uses);
}

/** Classes are made, compared with and asked for what they hold, and nothing else. */
function isSteadyClass({ superClass, body }: ClassDeclaration, uses: readonly Reference[]): boolean {
  if (superClass !== null && superClass !== undefined && !isNamed(superClass, 'Error')) return false;
  const isSteady = body.body.every((member) => {
    if (member.type === 'StaticBlock' || member.computed) return false;
    if (member.type !== 'PropertyDefinition' || !member.static) return true;
    return (
      member.key.type === 'Identifier' && member.value !== null && member.value !== undefined && isFrozenValue(member.value as AnyNode)
    );
  });
  return isSteady && uses.every((use) => isPlainClassUse(use));
}

function isPlainClassUse(use: Reference): boolean {
  const parent = parentOf(use);
  if (parent.type === 'NewExpression') return parent.callee === use.node;
  if (parent.type === 'BinaryExpression') return parent.operator === 'instanceof' && parent.right === use.node;
  return parent.type === 'MemberExpression' && parent.object === use.node && !parent.computed;
}

/** Static fields of a class that its code counts on; undefined when it changes any other. */
export function countersOf({ statement, uses }: Declaration, code: string): Counter[] | undefined {
  if (statement.type !== 'ClassDeclaration') return [];
  const written = new Set<string>();
  for (const use of uses) {
    const member = parentOf(use);
    if (member.type === 'MemberExpression' && isWritten(member, use.within.at(-2))) written.add(pathOf(member)?.[1] ?? '');
  }
  const counters: Counter[] = [];
  for (const field of statement.body.body) {
    if (field.type !== 'PropertyDefinition' || !field.static || field.key.type !== 'Identifier' || !written.delete(field.key.name))
      continue;
    if (!isPlain(field.value as AnyNode)) return undefined;
    counters.push({ property: field.key.name, start: code.slice(field.value?.start, field.value?.end) });
  }
  return written.size === 0 ? counters : undefined;
}

/** What `Object.freeze` makes of a declaration that is shared. */
export function needsFreezing(value: AnyNode): boolean {
  return isPlainList(value) || isPlainRecord(value) || isCompiledModule(value) || isFunction(value);
}
