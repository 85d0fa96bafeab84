/** Runs on the other side of the boundary, in the process that compiles: what each name in generated code stands for. */
import type { AnyNode, Function as FunctionNode, Identifier, Pattern, Program } from 'acorn';
import { fullAncestor } from 'acorn-walk';

/** A use of a name, or the place that declares it. */
export interface Reference {
  node: Identifier;
  /** What it stands in, outermost first; the last is its parent. */
  within: readonly AnyNode[];
  /** What declares it: a block, a function or the program; undefined for a global. */
  scope: AnyNode | undefined;
}

export interface Scopes {
  references: readonly Reference[];
  /** What a block, a function or the program declares itself. */
  declaredIn(scope: AnyNode): ReadonlySet<string>;
}

const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']);
const BLOCKS = new Set([
  ...['Program', 'BlockStatement', 'StaticBlock', 'SwitchStatement', 'ForStatement', 'ForInStatement', 'ForOfStatement'],
]);
const NOTHING: ReadonlySet<string> = new Set();

export function isFunction(node: AnyNode): node is FunctionNode & AnyNode {
  return FUNCTIONS.has(node.type);
}

/** Resolves every name as the language does: `let`, `const`, classes and functions by block, `var` and parameters by function. */
export function scopesOf(program: Program): Scopes {
  const declared = new Map<AnyNode, Set<string>>();
  const references: { node: Identifier; within: AnyNode[] }[] = [];
  const declare = (scope: AnyNode | undefined, pattern: Pattern | null | undefined): void => {
    if (scope === undefined) return;
    const names = declared.get(scope) ?? new Set();
    namesIn(pattern, names);
    declared.set(scope, names);
  };
  fullAncestor(program, (given, _state, ancestors) => {
    const node = given as AnyNode;
    const within = ancestors as AnyNode[];
    if (node.type === 'Identifier') references.push({ node, within: within.slice(0, -1) });
    const block = within.findLast(({ type }) => BLOCKS.has(type));
    if (node.type === 'VariableDeclaration') {
      const scope = node.kind === 'var' ? (within.findLast(isFunction) ?? program) : block;
      for (const { id } of node.declarations) declare(scope, id);
    }
    if (node.type === 'FunctionDeclaration' || node.type === 'ClassDeclaration') declare(block, node.id);
    if (node.type === 'FunctionExpression' || node.type === 'ClassExpression') declare(node, node.id);
    if (isFunction(node)) for (const parameter of node.params) declare(node, parameter);
    if (node.type === 'CatchClause') declare(node, node.param);
  });
  const declaredIn = (scope: AnyNode): ReadonlySet<string> => declared.get(scope) ?? NOTHING;
  return {
    declaredIn,
    references: references.map(({ node, within }) => ({
      node,
      within,
      scope: within.findLast((scope) => declaredIn(scope).has(node.name)),
    })),
  };
}

/** The names that a pattern declares. */
export function namesIn(pattern: Pattern | null | undefined, into: Set<string>): void {
  switch (pattern?.type) {
    case 'Identifier':
      into.add(pattern.name);
      return;
    case 'ObjectPattern':
      for (const property of pattern.properties) namesIn(property.type === 'RestElement' ? property.argument : property.value, into);
      return;
    case 'ArrayPattern':
      for (const element of pattern.elements) namesIn(element, into);
      return;
    case 'AssignmentPattern':
      namesIn(pattern.left, into);
      return;
    case 'RestElement':
      namesIn(pattern.argument, into);
      return;
    default:
  }
}
