import { describe, expect, it } from 'vitest';
import { lintGenerated } from '../../../host/sandbox/lint.sandboxed.ts';

describe('lintGenerated()', () => {
  it('has nothing against what a transpiler writes', () => {
    const code = `
      const fetchCompile = url => fetch(url).then(WebAssembly.compileStreaming);
      if (!globalThis?.process?.env?.JCO_DEBUG) console.debug('x');
      export function instantiate(getCoreModule, imports, { a, ...rest } = {}, [b = 1] = []) {
        if (!getCoreModule) getCoreModule = (name) => fetchCompile(new URL('./' + name, import.meta.url));
        class Fields { #own = new Uint8Array(4); get() { return this.#own.length + a + rest.c + b; } }
        try { return new Fields(); } catch (error) { throw new TypeError(String(error)); }
      }`;
    expect(lintGenerated(code)).toEqual([]);
  });

  it.each([
    ['import fs from "node:fs";', /ImportDeclaration/],
    ['export const x = () => import("node:fs");', /ImportExpression/],
    ['export * from "./other.js";', /ExportAllDeclaration/],
    ['export const x = import.meta.resolve("x");', /import\.meta/],
    ['export const x = import.meta;', /import\.meta/],
    ['export const x = eval("1");', /uses eval/],
    ['export const x = new Function("return 1")();', /uses Function/],
    ['export const x = process.env;', /uses process/],
    ['export const x = require("fs");', /uses require/],
    ['export const x = (() => {}).constructor("return 1")();', /property constructor/],
    ['export const x = (() => {})["constructor"]("return 1")();', /property constructor/],
    ['export const x = (() => {})[`constructor`]("return 1")();', /property constructor/],
    ['export const x = ({}).__proto__;', /property __proto__/],
    ['export const x = globalThis.eval;', /eval of globalThis/],
    ['export const x = globalThis["Function"];', /Function of globalThis/],
    ['const name = "ev" + "al"; export const x = globalThis[name];', /anything of globalThis/],
    ['const all = globalThis; export const x = all.eval;', /anything of globalThis/],
    ['export const { eval: x } = globalThis;', /anything of globalThis/],
    ['export function f(process) { return process; }', /of its own named process/],
    ['export const f = ({ a: [Function] }) => Function;', /of its own named Function/],
    ['export const f = ({ constructor: c }) => c;', /property constructor/],
    ['export const f = ({ ["constructor"]: c }) => c;', /property constructor/],
    ['export const f = (x, n) => { const { [n]: c } = x; return c; };', /computed name/],
    ['debugger; export const x = 1;', /DebuggerStatement/],
    ['export const x = Reflect.construct;', /uses Reflect/],
    ['export const x = new Worker("x");', /uses Worker/],
    ['export const x = caf\\u00e9;', /not printable|uses caf/],
    ['export const x = ;', /not JavaScript/],
    ['`${', /not JavaScript/],
  ])('refuses %s', (code, fault) => {
    expect(lintGenerated(code).join('\n')).toMatch(fault);
  });

  it.each([
    ...['constructor', '__proto__', 'caller', 'callee'],
    ...['__defineGetter__', '__defineSetter__', '__lookupGetter__', '__lookupSetter__'],
  ])('refuses the property %s of anything', (name) => {
    for (const code of [
      `export const f = (x) => x.${name};`,
      `export const f = (x) => x['${name}'];`,
      `export const f = ({ ${name}: x }) => x;`,
    ])
      expect(lintGenerated(code)).toEqual([`it reaches for the property ${name}`]);
  });

  it.each([
    ...['Function', 'process', 'require', 'module', 'global', 'Buffer'],
    ...['Worker', 'WebSocket', 'EventSource', 'Reflect', 'Proxy'],
  ])('refuses %s, and anything of its own of that name', (name) => {
    expect(lintGenerated(`export const f = () => ${name};`)).toEqual([`it uses ${name}`]);
    expect(lintGenerated(`export const f = (${name}) => 1;`)).toEqual([`it has something of its own named ${name}`]);
  });

  it('refuses eval under any name', () => {
    expect(lintGenerated('export const f = () => eval;')).toEqual(['it uses eval']);
    expect(lintGenerated('export const f = (eval) => 1;').join()).toMatch(/not JavaScript/);
  });
});
