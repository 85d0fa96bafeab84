import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type AnyNode, type FunctionDeclaration, parse } from 'acorn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROCESS_ISOLATION } from '../../host/sandbox/isolation.ts';
import { SandboxProcess } from '../../host/sandbox/sandbox-process.ts';
import { namesIn, scopesOf } from '../../host/sandbox/scopes.sandboxed.ts';
import { compiled, compiledComponent } from '../helpers/compiled.ts';
import { limitsWith, readCall } from '../helpers/far-side.ts';
import { watDatasource } from '../helpers/wat-component.ts';

const SUBSCRIBE = 26;
const BLOCK = 3;
const DESCRIBE = 105;
const POST = 106;
const WAIT_NS = 30_000_000;

/** Takes a handle and writes its number down. */
function take(at: number): string {
  return `(i32.store8 (i32.const ${at}) (i32.add (i32.const 48) (local.tee $handle (call ${SUBSCRIBE} (i64.const ${WAIT_NS})))))`;
}

/**
 * Its `describe` takes two handles to timers, leaves one and waits for the other, and answers with the numbers of both. A
 * table of handles, or a task, that another instance left behind would give other numbers, or keep it from starting.
 */
function leavingHandles(): Promise<Uint8Array> {
  const record = [64, 2, 0, 0, 0, 0, 0, 0].map((word) => `\\${word.toString(16).padStart(2, '0')}\\00\\00\\00`).join('');
  return watDatasource(
    (wat) =>
      [
        ['(memory (;0;) 0)', `(memory (;0;) 1) (data (i32.const 16) "${record}")`],
        [
          new RegExp(`(\\(func \\(;${DESCRIBE};\\)[^\\n]*\\n)\\s*unreachable`),
          `$1 (local $handle i32) ${take(64)} ${take(65)} (call ${BLOCK} (local.get $handle)) (i32.const 16)`,
        ],
        [new RegExp(`(\\(func \\(;${POST};\\)[^\\n]*\\n)\\s*unreachable`), '$1'],
      ].reduce((text, [place, instead]) => text.replace(place as RegExp, instead as string), wat),
    { world: 'datasource' },
  );
}

describe('an instance of a component', () => {
  it('finds nothing of others, before it or at the same time', async () => {
    const { folder } = await compiled(await leavingHandles());
    const sandbox = new SandboxProcess({ folder, limits: limitsWith(), isolation: PROCESS_ISOLATION, onStderr: () => undefined });
    const answers = async (count: number): Promise<unknown[]> => {
      const outcomes = await Promise.all(Array.from({ length: count }, () => sandbox.call(readCall({ function: 'describe' }))));
      return outcomes.map((outcome) => (outcome.kind === 'result' ? (outcome.value as { name: string }).name : outcome));
    };
    try {
      expect(await answers(1)).toEqual(['12']);
      expect(await answers(8)).toEqual(Array.from({ length: 8 }, () => '12'));
      expect(await answers(1)).toEqual(['12']);
    } finally {
      sandbox.kill('cancelled', 'the test has ended');
    }
  });
});

/** Why what stays with each instance has to. */
const STAYS: Readonly<Record<string, string>> = {
  dv: 'the last memory that was looked at',
  _liftFlatVariantScratch: 'written to while a value is lifted',
  RESOURCE_SCOPE_TASKS: 'tasks by their scope',
  RESOURCE_CALL_BORROWS: 'handles that are lent',
  RESOURCE_SCOPE_ID: 'counts scopes',
  SCOPE_ID: 'the scope of a call',
  HANDLE_TABLES: 'the handles',
  ASYNC_TASKS_BY_COMPONENT_IDX: 'tasks',
  ASYNC_CURRENT_COMPONENT_IDXS: 'a stack of who runs',
  ASYNC_CURRENT_TASK_IDS: 'a stack of what runs',
  CURRENT_TASK_META: 'what runs',
  ASYNC_STATE: 'queues and locks of a component',
  INSTANCE_FLAGS: 'whether a component may be left',
  STORE_TRAP: 'why it broke',
  STORE_ASYNC_STATE: 'what the host has been asked for',
  GLOBAL_COMPONENT_MEMORY_MAP: 'memories',
  CURRENT_TASK_MAY_BLOCK: 'whether a task may wait',
  SYMMETRIC_SYNC_GUEST_CALL_STACK: 'a stack of calls',
  $own: 'hands these to objects of shared classes',
  gen: 'makes the instance',
  promise: 'becomes the instance',
  resolve: 'of that promise',
  reject: 'of that promise',
  maybeSyncReturn: 'the instance',
};
/** What is given to `instantiate`. */
const GIVEN = /^(module\d+|send|write|add|set|get|put|remove|scan)$/;

describe.each(['probe', 'hello', 'c-hello'] as const)('the generated code of %s', (name) => {
  let scratch: string;
  let code: string;
  let maker: FunctionDeclaration;
  let program: ReturnType<typeof parse>;

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'sharing-'));
    code = await readFile(join((await compiledComponent(name)).folder, 'component.js'), 'utf8');
    program = parse(code, { ecmaVersion: 'latest', sourceType: 'module' });
    const found = program.body.flatMap((statement) => (statement.type === 'ExportNamedDeclaration' ? [statement.declaration] : []));
    maker = found.find((statement) => statement?.type === 'FunctionDeclaration') as FunctionDeclaration;
  });

  afterAll(() => rm(scratch, { recursive: true }));

  it('shares nothing that can change', async () => {
    const { declaredIn } = scopesOf(program);
    const names = [...declaredIn(program)].filter((each) => each !== 'instantiate' && each !== '_util');
    expect(names).toEqual(expect.arrayContaining(['AsyncTask', 'ComponentAsyncState', 'RepTable', 'ComponentError']));
    const file = join(scratch, 'component.mjs');
    await writeFile(file, `${code}\nexport const shared = { ${names.join(', ')} };\n`);
    const { shared } = (await import(pathToFileURL(file).href)) as { shared: Record<string, unknown> };
    const changeable = names.filter((each) => canChange(shared[each]));
    // Read and never written to: the rules that say so are below.
    expect(changeable.filter((each) => !['CORE_TRAP_MESSAGES', 'GLOBAL_COMPONENT_MEMORY_MAP', 'utf16Decoder'].includes(each))).toEqual([
      'TEXT_DECODER_UTF8',
      'TEXT_ENCODER_UTF8',
    ]);
    expect(program.body.filter((each) => each.type === 'VariableDeclaration' && each.kind !== 'const')).toEqual([]);
  });

  it('leaves to each instance what is its own, and no more', () => {
    const { references, declaredIn } = scopesOf(program);
    const constants = new Set<string>();
    for (const statement of maker.body.body) {
      if (statement.type !== 'VariableDeclaration') continue;
      for (const { id, init } of statement.declarations) if (init?.type !== 'ArrowFunctionExpression') namesIn(id, constants);
    }
    expect([...constants].filter((each) => STAYS[each] === undefined && !GIVEN.test(each))).toEqual([]);
    // A function or a class that stays refers to something that does.
    const stays = declaredIn(maker.body);
    const within = Map.groupBy(
      references.filter(({ node, scope }) => scope === maker.body && stays.has(node.name)),
      (use) => use.within[use.within.indexOf(maker.body) + 1],
    );
    const idle = maker.body.body.filter((statement) => {
      const own = statement.type === 'FunctionDeclaration' || statement.type === 'ClassDeclaration' ? statement.id?.name : undefined;
      return own !== undefined && !(within.get(statement as AnyNode) ?? []).some(({ node }) => node.name !== own);
    });
    expect(idle.map((statement) => code.slice(statement.start, statement.start + 60))).toEqual([]);
  });

  it('has no line left that only tells of itself', () => {
    expect(code.match(/^\s*_debugLog\(/gm)).toBeNull();
  });
});

function canChange(value: unknown): boolean {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return false;
  // What every program finds is no worse than it was.
  if (value === Object.prototype.hasOwnProperty || (value as { name?: unknown }).name === 'RuntimeError') return false;
  const isClass = typeof value === 'function' && String(value).startsWith('class ');
  return !Object.isFrozen(value) || (isClass && !Object.isFrozen((value as { prototype: object }).prototype));
}
