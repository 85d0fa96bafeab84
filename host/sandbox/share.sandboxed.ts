/**
 * Runs on the other side of the boundary, in the process that compiles: takes out of generated code's `instantiate` what is the
 * same for every instance. jco makes its whole runtime anew for each, some eighty functions and ten classes; the engine then
 * knows no object of a class again and optimises nothing that handles one.
 *
 * - Functions, classes and constants that refer to nothing of an instance and cannot change become the module's.
 * - Classes that do refer to an instance become the module's too, and each object is told on its making what its instance has:
 *   `new AsyncTask(options)` becomes `new AsyncTask($own, options)`.
 * - Lines for debugging go, which are made and thrown away at each step of a call.
 *
 * All else stays where it was. What is shared is frozen, but for readers that are only asked (`isReader`).
 */
import { type AnyNode, type BlockStatement, type ClassDeclaration, type FunctionDeclaration, parse, type Program } from 'acorn';
import { type Edit, edited, insert } from './edits.sandboxed.ts';
import { type Reference, scopesOf } from './scopes.sandboxed.ts';
import { countersOf, type Declaration, GLOBALS_TRUSTED, mayBeShared, needsFreezing } from './shareable.sandboxed.ts';
import { isLet, OWN, type Surroundings, type TellingClass, tellingClass } from './telling-class.sandboxed.ts';

/** As jco 1.35.0 writes it. */
const DEBUGGING = /^const _debugLog = \(\.\.\.args\) => \{\s*if \(!globalThis\?\.process\?\.env\?\.JCO_DEBUG\) \{ return; \}/;

/** The same program with less that each instance makes for itself; as it was where its form is not the one that is known. */
export function shareAcrossInstances(code: string): string {
  const program = parse(code, { ecmaVersion: 'latest', sourceType: 'module' });
  const exported = program.body.find(isInstantiate);
  const maker = exported?.declaration;
  if (exported === undefined || maker === undefined || code.includes(OWN)) return code;
  const { body } = maker;
  const { references, declaredIn } = scopesOf(program);
  const outside = new Set([...declaredIn(program), ...declaredIn(maker)]);
  if (GLOBALS_TRUSTED.some((name) => outside.has(name) || declaredIn(body).has(name))) return code;
  const debugging = debugLines(body, references, code);
  const used = references.filter(
    ({ node, scope }) => (scope === body || scope === maker) && !debugging.some((line) => contains(line, node)),
  );
  const declarations = declarationsIn(body, used).filter(({ name }) => !outside.has(name));
  const shared = sharedAmong(declarations, body, used, code);
  const ownAt = body.body.find(({ type }) => !type.endsWith('Declaration'))?.start ?? body.end - 1;
  const told = classesToTell(declarations, { code, body, used, ownAt, shared });
  const moved = declarations.filter(({ name }) => shared.has(name) || told.has(name));
  const edits = [...debugging.map(({ start, end }) => ({ start, end, text: ';' })), ...[...told.values()].flatMap((each) => each.edits)];
  if (told.size > 0) edits.push(insert(ownAt, ownRecord(body, told)));
  return withMoved(code, moved, edits, exported.start);
}

/** The code with what is moved to `start`, where `instantiate` begins, and all edits made. */
function withMoved(code: string, moved: readonly Declaration[], edits: readonly Edit[], start: number): string {
  const staying = [
    ...edits.filter((edit) => !moved.some(({ statement }) => contains(statement, edit))),
    ...moved.map(({ statement }) => ({ start: statement.start, end: statement.end, text: '' })),
  ];
  return code.slice(0, start) + moved.map((each) => frozen(code, each, edits)).join('') + edited(code, staying, start, code.length);
}

function isInstantiate(statement: Program['body'][number]): statement is typeof statement & { declaration: FunctionDeclaration } {
  if (statement.type !== 'ExportNamedDeclaration') return false;
  return statement.declaration?.type === 'FunctionDeclaration' && statement.declaration.id.name === 'instantiate';
}

interface Stretch {
  start: number;
  end: number;
}

function contains(outer: Stretch, inner: Stretch): boolean {
  return outer.start <= inner.start && inner.end <= outer.end;
}

/** Statements that only tell of themselves when a variable of the environment is set, which a sandbox does not have. */
function debugLines(body: BlockStatement, references: readonly Reference[], code: string): AnyNode[] {
  if (!body.body.some(({ start, end }) => DEBUGGING.test(code.slice(start, end)))) return [];
  return references.flatMap(({ node, scope, within }) => {
    const [statement, call] = within.slice(-2);
    const isCall = call?.type === 'CallExpression' && call.callee === node && statement?.type === 'ExpressionStatement';
    return isCall && scope === body && node.name === '_debugLog' ? [statement] : [];
  });
}

/** Functions, classes and variables of one name that stand in `instantiate` itself. */
function declarationsIn(body: BlockStatement, used: readonly Reference[]): Declaration[] {
  const uses = Map.groupBy(used, ({ node }) => node.name);
  return body.body.flatMap((statement) => {
    const isVariable = statement.type === 'VariableDeclaration';
    if (!isVariable && statement.type !== 'FunctionDeclaration' && statement.type !== 'ClassDeclaration') return [];
    const id = isVariable ? statement.declarations[0]?.id : statement.id;
    if (id?.type !== 'Identifier' || (isVariable && statement.declarations.length !== 1)) return [];
    return [{ name: id.name, statement, uses: (uses.get(id.name) ?? []).filter(({ node }) => node.start !== id.start) }];
  });
}

/** Those that refer to nothing but each other and globals. */
function sharedAmong(
  declarations: readonly Declaration[],
  body: BlockStatement,
  used: readonly Reference[],
  code: string,
): Map<string, Declaration> {
  const usedIn = Map.groupBy(used, ({ within }) => within[within.indexOf(body) + 1]);
  const shared = new Map(
    declarations.filter((each) => mayBeShared(each) && countersOf(each, code)?.length === 0).map((each) => [each.name, each]),
  );
  for (let size = -1; size !== shared.size;) {
    size = shared.size;
    for (const [name, { statement }] of shared) {
      if (usedIn.get(statement)?.some(({ node }) => !shared.has(node.name)) === true) shared.delete(name);
    }
  }
  return shared;
}

/** Those classes that can be told what their instance has, and how. */
function classesToTell(declarations: readonly Declaration[], around: Omit<Surroundings, 'told'>): Map<string, TellingClass> {
  let candidates = declarations.filter((each) => !around.shared.has(each.name) && mayBeShared(each));
  for (;;) {
    const told = new Map(candidates.map((each) => [each.name, { counters: countersOf(each, around.code) ?? [] }]));
    const found = new Map<string, TellingClass>();
    for (const each of candidates) {
      const telling = tellingClass(each, { ...around, told });
      if (telling !== undefined) found.set(each.name, telling);
    }
    if (found.size === candidates.length) return found;
    candidates = candidates.filter(({ name }) => found.has(name));
  }
}

/** What an instance has, for those of its classes that are the module's. */
function ownRecord(body: BlockStatement, told: ReadonlyMap<string, TellingClass>): string {
  const entries = new Set<string>();
  for (const [name, { needs, counters }] of told) {
    for (const need of needs)
      entries.add(isLet(body, need) ? `get ${need}() { return ${need}; }, set ${need}(to) { ${need} = to; }` : need);
    for (const { property, start } of counters) entries.add(`'${name}.${property}': ${start}`);
  }
  return `const ${OWN} = { ${[...entries].join(', ')} };\n`;
}

/** A declaration as the module has it: nothing can be kept in it. */
function frozen(code: string, { name, statement }: Declaration, edits: readonly Edit[]): string {
  const values =
    statement.type === 'VariableDeclaration'
      ? [statement.declarations[0]?.init]
      : statement.type === 'ClassDeclaration'
        ? staticsOf(statement)
        : [];
  const freezing = values.flatMap((value) =>
    value !== null && value !== undefined && needsFreezing(value) ? [insert(value.start, 'Object.freeze('), insert(value.end, ')')] : [],
  );
  const text = edited(code, [...edits, ...freezing], statement.start, statement.end);
  const whole = statement.type === 'ClassDeclaration' ? `Object.freeze(${name}.prototype);\n` : '';
  return `${text}\n${statement.type === 'VariableDeclaration' ? '' : `Object.freeze(${name});\n${whole}`}`;
}

function staticsOf({ body }: ClassDeclaration) {
  return body.body.flatMap((member) => (member.type === 'PropertyDefinition' && member.static ? [member.value] : []));
}
