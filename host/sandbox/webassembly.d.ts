/** The part of the JavaScript API that the sandbox uses; `lib.dom` would bring a browser along. */
declare namespace WebAssembly {
  interface Module {
    readonly [Symbol.toStringTag]: 'WebAssembly.Module';
  }
  function compile(bytes: Uint8Array): Promise<Module>;
}
