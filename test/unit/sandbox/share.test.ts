import { describe, expect, it } from 'vitest';
import { shareAcrossInstances } from '../../../host/sandbox/share.sandboxed.ts';

/** Generated code whose `instantiate` begins with this. */
function generated(declarations: string, rest = 'return 0;'): string {
  return `"use components";\nexport function instantiate(getCoreModule, imports) {\n${declarations}\nif (!getCoreModule) {}\n${rest}\n}\n`;
}

/** What is no longer made by each instance, as text. */
function moved(declarations: string, rest?: string): string {
  const code = shareAcrossInstances(generated(declarations, rest));
  return code.slice(code.indexOf('\n') + 1, code.indexOf('export function'));
}

/** Instances of a program, one after another. */
async function instancesOf<T>(declarations: string, rest: string): Promise<() => T> {
  const code = shareAcrossInstances(generated(declarations, rest));
  const { instantiate } = (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as {
    instantiate: (get: object, imports: object) => T;
  };
  return () => instantiate({}, {});
}

describe('shareAcrossInstances()', () => {
  it.each([
    ['a function of its arguments', 'function f(a) { return a + 1; }'],
    ['functions that call each other', 'function f(a) { return a ? g(a - 1) : 0; }\nfunction g(a) { return f(a); }'],
    ['an arrow', 'const f = (a) => a + 1;'],
    ['a number', 'const F = 1 << 30;'],
    ['a record that is looked up', 'const F = { A: 1, B: "two" };\nfunction f() { return F.A; }'],
    ['a list that is looked up', 'const F = [1, 2];\nfunction f(at) { return F[at]; }'],
    ['a decoder', 'const D = new TextDecoder("utf-16");\nfunction f(a) { return D.decode(a); }'],
    ['a table of names', 'const M = new Map([["a", "b"]]);\nfunction f(a) { return M.get(a); }'],
    ['a compiled module', 'const M = new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));'],
    ['a class', 'class C { #a = []; static S = { A: 1 }; add(x) { this.#a.push(x); } }\nfunction f() { return new C(); }'],
  ])('shares %s', (_, declarations) => {
    const text = moved(declarations);
    for (const line of declarations.split('\n')) expect(text.replaceAll('Object.freeze(', '')).toContain(line.slice(0, 12));
  });

  it.each([
    ['a variable', 'let count = 0;'],
    ['a list that grows', 'const L = [];\nfunction f() { L.push(1); }'],
    ['a list that is written to', 'const L = [];\nfunction f() { L[0] = 1; }'],
    ['a list that is handed on', 'const L = [];\nfunction f(g) { g(L); }'],
    ['a record that is written to', 'const R = { a: null };\nfunction f(b) { R.a = b; }'],
    ['a record that is taken apart', 'const R = { a: null };\nfunction f(b) { [R.a] = [b]; }'],
    ['a record that is counted on', 'const R = { a: 0 };\nfunction f() { return ++R.a; }'],
    ['a record of records', 'const R = { a: {} };\nfunction f() { return R.a; }'],
    ['a map that is filled', 'const M = new Map();\nfunction f(a) { M.set(a, 1); return M.get(a); }'],
    ['a map that is handed on', 'const M = new Map();\nfunction f(g) { g(M); }'],
    ['a decoder of a stream', 'const D = new TextDecoder();\nfunction f(a) { return D.decode(a, { stream: true }); }'],
    ['a weak map', 'const M = new WeakMap();\nfunction f(a) { return M.get(a); }'],
    ['a regular expression, which remembers', 'const E = /a/g;\nfunction f(a) { return E.test(a); }'],
    ['memory', 'const B = new Uint8Array(8);\nfunction f() { return B[0]; }'],
    ['a global of WebAssembly', 'const G = new WebAssembly.Global({ value: "i32", mutable: true }, 0);\nfunction f() { return G.value; }'],
    ['what is made when it starts', 'const V = Math.random();\nfunction f() { return V; }'],
    ['a function that is kept something in', 'function f() {}\nfunction g() { f.last = 1; }'],
    ['a function that is given another value', 'function f() {}\nfunction g(h) { f = h; }'],
    ['what is given to it', 'const { send } = imports.http;\nfunction f() { return send(); }'],
    ['an arrow with what is around it', 'const f = () => arguments[0];'],
    ['a class with a memory of its own', 'class C { static #last; static set(a) { C.#last = a; } }\nfunction f() { C.set(1); }'],
    [
      'a class that keeps a list on itself',
      'class C { static all = []; constructor() { C.all = [this]; } }\nfunction f() { return new C(); }',
    ],
    ['a class that is handed on', 'let n = 0;\nclass C { a() { return n; } }\nfunction f(g) { g(C); }'],
    ['a class that is made at once', 'let n = 0;\nclass C { a() { return n; } }\nconst c = new C();'],
    ['a class whose fields refer to an instance', 'let n = 0;\nclass C { a = n; }\nfunction f() { return new C(); }'],
    [
      'a class whose own functions refer to an instance',
      'let n = 0;\nclass C { static a() { return n; } }\nfunction f() { return C.a(); }',
    ],
    [
      'a class that extends one of an instance',
      'let n = 0;\nclass C { a() { return n; } }\nclass D extends C {}\nfunction f() { return new D(); }',
    ],
  ])('leaves %s to each instance', (_, declarations) => {
    const text = moved(declarations);
    const [first = ''] = declarations.split('\n').filter((line) => !line.startsWith('let n'));
    expect(text.replaceAll('Object.freeze(', '')).not.toContain(first.slice(0, 12));
  });

  it('leaves a function that refers to something of an instance, however far off', () => {
    expect(moved('const L = [];\nfunction a() { return b(); }\nfunction b() { return c(); }\nfunction c() { L.push(1); }')).toBe('');
  });

  it('tells names of an instance from others that are written alike', () => {
    const text = moved(
      'let found = 0;\nfunction a(list) { const found = list[0]; return { found, b: (found) => found }; }\nfunction b(list) { { const found = 1; } return found; }',
    );
    expect(text).toContain('function a(');
    expect(text).not.toContain('function b(');
  });

  it('gives each instance its own counts, lists and variables, by way of classes that all share', async () => {
    const declarations = `
      let scope = 0;
      const TASKS = new Map();
      function count() { return TASKS.size; }
      class Task {
        static _ID = 0n;
        static State = { NEW: 'new' };
        #id;
        constructor(name = 'none') { this.#id = ++Task._ID; scope += 1; TASKS.set(this.#id, name); }
        next() { return new Task('next'); }
        get told() { return [Number(this.#id), scope, count(), [...TASKS.values()], Task.State.NEW]; }
      }`;
    const make = await instancesOf<{ Task: new () => unknown; task(): { next(): { told: unknown }; told: unknown; constructor: unknown } }>(
      declarations,
      'return { task: () => new Task() };',
    );
    const [first, second] = [make(), make()];
    const task = first.task();
    expect(task.next().told).toEqual([2, 2, 2, ['none', 'next'], 'new']);
    expect(second.task().told).toEqual([1, 1, 1, ['none'], 'new']);
    expect(task.told).toEqual([1, 2, 2, ['none', 'next'], 'new']);
    expect(second.task().constructor).toBe(task.constructor);
  });

  it('freezes what is shared, so that no mistake of these rules could keep anything in it', async () => {
    const make = await instancesOf<unknown[]>(
      'class C { static S = { A: 1 }; m() {} }\nfunction f() {}\nconst g = () => 1;\nfunction all() { return [new C().constructor, C.S, f, g]; }',
      'return all();',
    );
    const [shared, ...others] = make() as [{ prototype: object }, ...object[]];
    expect([shared, shared.prototype, ...others].map((each) => Object.isFrozen(each))).toEqual([true, true, true, true, true]);
    expect(make()).toEqual([shared, ...others]);
  });

  it('takes lines out that only tell of themselves, and none that looks like one', () => {
    const debug =
      'const _debugLog = (...args) => {\n    if (!globalThis?.process?.env?.JCO_DEBUG) { return; }\n    console.debug(...args);\n  };';
    const rest = 'let n = 0; if (n) _debugLog("a", { n: n++ }); { const _debugLog = () => 1; _debugLog("mine"); } return n;';
    expect(shareAcrossInstances(generated(debug, rest))).not.toContain('"a"');
    expect(shareAcrossInstances(generated(debug, rest))).toContain('_debugLog("mine")');
    expect(shareAcrossInstances(generated('const _debugLog = (...args) => imports.tell(args);', rest))).toContain('"a"');
  });

  it.each([
    ['another form', 'export const instantiate = () => 0;'],
    ['a global of its own', generated('class Map {}\nfunction f() {}')],
    ['the name that it would use', generated('const $own = 1;\nfunction f() {}')],
  ])('leaves code with %s as it is', (_, code) => {
    expect(shareAcrossInstances(code)).toBe(code);
  });
});
