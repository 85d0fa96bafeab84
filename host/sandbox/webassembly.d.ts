/** The part of the JavaScript API that the sandbox uses; `lib.dom` would bring a browser along. */
declare namespace WebAssembly {
  class Module {
    #private;
  }
  function compile(bytes: Uint8Array): Promise<Module>;
}
