/** Runs on the other side of the boundary: headers and trailers of `wasi:http`. */
import { Handle } from './handle.sandboxed.ts';

/** A variant as jco's bindings pass it. */
export type Tagged = { tag: string; val?: unknown };
type FieldEntry = [name: string, value: Uint8Array];

/** As the bindings expect the error of a WIT `result`. */
export function fail(tag: string, val?: unknown): { payload: Tagged } {
  return { payload: val === undefined ? { tag } : { tag, val } };
}

export class Fields extends Handle {
  #entries: FieldEntry[] = [];
  #frozen = false;

  static fromList(entries: FieldEntry[]): Fields {
    const fields = new Fields();
    for (const [name, value] of entries) fields.append(name, value);
    return fields;
  }
  /** Not callable by a guest: its bindings know only WIT's own functions. */
  freeze(): this {
    this.#frozen = true;
    return this;
  }
  get(name: string): Uint8Array[] {
    return this.#entries.flatMap(([key, value]) => (key === name.toLowerCase() ? [value] : []));
  }
  has(name: string): boolean {
    return this.get(name).length > 0;
  }
  set(name: string, values: Uint8Array[]): void {
    this.delete(name);
    for (const value of values) this.append(name, value);
  }
  delete(name: string): void {
    this.#mutable();
    this.#entries = this.#entries.filter(([key]) => key !== name.toLowerCase());
  }
  append(name: string, value: Uint8Array): void {
    this.#mutable();
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) throw fail('invalid-syntax');
    this.#entries.push([name.toLowerCase(), value]);
  }
  entries(): FieldEntry[] {
    return this.#entries;
  }
  clone(): Fields {
    return Fields.fromList(this.#entries);
  }
  #mutable(): void {
    if (this.#frozen) throw fail('immutable');
  }
}
