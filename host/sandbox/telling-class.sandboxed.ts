/**
 * Runs on the other side of the boundary, in the process that compiles: a class of generated code that refers to what its
 * instance of a component has, rewritten so that one class serves all of them and each of its objects holds what its own has.
 */
import type { AnyNode, BlockStatement, ClassBody, MethodDefinition } from 'acorn';
import { type Edit, insert } from './edits.sandboxed.ts';
import { isFunction, namesIn, type Reference } from './scopes.sandboxed.ts';
import { type Counter, countersOf, type Declaration, parentOf, pathOf } from './shareable.sandboxed.ts';

/** What an instance has, where its own code and its objects find it. No generated code has the name. */
export const OWN = '$own';

/** What a class is looked at among. */
export interface Surroundings {
  code: string;
  /** Of `instantiate`. */
  body: BlockStatement;
  /** All uses of names that it declares. */
  used: readonly Reference[];
  /** What it keeps is told from here on. */
  ownAt: number;
  shared: ReadonlyMap<string, unknown>;
  /** Classes that are told, this one among them, and what they count. */
  told: ReadonlyMap<string, { counters: readonly Counter[] }>;
}

export interface TellingClass {
  edits: readonly Edit[];
  /** Names of the instance that its methods need. */
  needs: ReadonlySet<string>;
  counters: readonly Counter[];
}

type Method = MethodDefinition & { value: { body: BlockStatement } };

/** `let`s are read each time; all else is what it is once `instantiate` comes to `ownAt`. */
export function isLet(body: BlockStatement, name: string): boolean {
  return body.body.some((statement) => statement.type === 'VariableDeclaration' && statement.kind !== 'const' && declares(statement, name));
}

function declares(statement: AnyNode, name: string): boolean {
  if (statement.type === 'FunctionDeclaration') return statement.id?.name === name;
  if (statement.type !== 'VariableDeclaration') return false;
  const names = new Set<string>();
  for (const { id } of statement.declarations) namesIn(id, names);
  return names.has(name);
}

/** How the class becomes one that is told; undefined when it cannot. */
export function tellingClass(declaration: Declaration, around: Surroundings): TellingClass | undefined {
  const { statement } = declaration;
  const counters = countersOf(declaration, around.code);
  if (statement.type !== 'ClassDeclaration' || statement.superClass || counters === undefined) return undefined;
  const uses = editsOfUses(declaration, counters, around);
  if (uses === undefined) return undefined;
  const edits: Edit[] = [...uses];
  const needs = new Set<string>();
  const captures = new Map<Method, Set<string>>();
  for (const use of around.used) {
    if (!isWithin(use, statement) || use.node === statement.id || around.shared.has(use.node.name)) continue;
    const isClass = around.told.has(use.node.name);
    // `C.State` and `x instanceof C` are the same for all; a new object or a count needs to know whose it is.
    if (isClass && !isOwned(use, around.told.get(use.node.name)?.counters ?? [])) continue;
    const method = methodOf(use, statement.body);
    if (method === undefined) return undefined;
    const captured = captures.get(method) ?? new Set();
    captures.set(method, captured);
    if (isClass) continue;
    if (!isThere(use, around)) return undefined;
    needs.add(use.node.name);
    if (!isLet(around.body, use.node.name)) captured.add(use.node.name);
    else if (parentOf(use).type === 'Property') return undefined;
    else edits.push({ start: use.node.start, end: use.node.end, text: `${OWN}.${use.node.name}` });
  }
  edits.push(...editsOfBody(statement.body, captures, counters));
  return { edits, needs, counters };
}

function isWithin({ node }: Reference, outer: AnyNode): boolean {
  return outer.start <= node.start && node.end <= outer.end;
}

function isOwned(use: Reference, counters: readonly Counter[]): boolean {
  const parent = parentOf(use);
  if (parent.type !== 'MemberExpression') return parent.type === 'NewExpression';
  const property = pathOf(parent)?.[1];
  return counters.some((counter) => counter.property === property);
}

/** Whether `instantiate` has it before the first object of a class is made. */
function isThere({ node }: Reference, { body, ownAt }: Surroundings): boolean {
  return body.body.some(
    (statement) => (statement.type === 'FunctionDeclaration' || statement.end <= ownAt) && declares(statement, node.name),
  );
}

/** The method in whose body it stands, or the constructor. */
function methodOf(use: Reference, body: ClassBody): Method | undefined {
  const member = use.within[use.within.indexOf(body) + 1];
  if (member?.type !== 'MethodDefinition' || member.static || !isWithin(use, member.value.body)) return undefined;
  return member as Method;
}

/** `new C(x)` tells it what its instance has, and what it counts is the instance's. */
function editsOfUses({ uses }: Declaration, counters: readonly Counter[], { body, code }: Surroundings): Edit[] | undefined {
  const edits: Edit[] = [];
  for (const use of uses) {
    const parent = parentOf(use);
    if (!isOwned(use, counters)) continue;
    const isMade = parent.type === 'NewExpression';
    // At once in `instantiate`, where nothing can be told yet.
    if (!use.within.slice(use.within.indexOf(body)).some(isFunction)) return undefined;
    if (!isMade) edits.push({ start: parent.start, end: parent.end, text: `${OWN}['${pathOf(parent)?.join('.')}']` });
    else if (parent.arguments[0] !== undefined) edits.push(insert(parent.arguments[0].start, `${OWN}, `));
    else if (code[parent.end - 1] === ')') edits.push(insert(parent.end - 1, OWN));
    else return undefined;
  }
  return edits;
}

function editsOfBody(body: ClassBody, captures: ReadonlyMap<Method, ReadonlySet<string>>, counters: readonly Counter[]): Edit[] {
  const edits: Edit[] = [];
  let constructed = false;
  for (const member of body.body) {
    if (member.type === 'PropertyDefinition' && member.static && member.key.type === 'Identifier') {
      const { name } = member.key;
      if (counters.some(({ property }) => property === name)) edits.push({ start: member.start, end: member.end, text: '' });
    }
    if (member.type !== 'MethodDefinition') continue;
    const { value } = member as Method;
    const captured = captures.get(member as Method);
    const names = captured === undefined || captured.size === 0 ? '' : ` const { ${[...captured].join(', ')} } = ${OWN};`;
    if (member.kind === 'constructor') {
      constructed = true;
      edits.push(insert(value.start + 1, value.params.length === 0 ? OWN : `${OWN}, `));
      edits.push(insert(value.body.start + 1, ` this.#${OWN} = ${OWN};${names}`));
    } else if (captured !== undefined) edits.push(insert(value.body.start + 1, ` const ${OWN} = this.#${OWN};${names}`));
  }
  const made = constructed ? '' : ` constructor(${OWN}) { this.#${OWN} = ${OWN}; }`;
  return [...edits, insert(body.start + 1, ` #${OWN};${made}`)];
}
