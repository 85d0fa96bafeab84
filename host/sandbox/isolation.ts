/** How tightly a sandboxed program is bound, beyond what Node's permission model does. */
export type Isolation =
  | { readonly kind: 'process' }
  | {
      readonly kind: 'namespace';
      /** The program `bwrap`. */
      readonly bubblewrap: string;
      /** Shared libraries that Node needs, by absolute path. */
      readonly libraries: readonly string[];
      /** The seccomp filter; undefined on an architecture that has none here. */
      readonly filter: Uint8Array | undefined;
    };

export const PROCESS_ISOLATION: Isolation = Object.freeze({ kind: 'process' });
