import { isJsonObject, type JsonObject } from '../domain/json.ts';
import {
  BUNDLE_FAULTS,
  parseAuthorities,
  type Authorities,
  type BundleFault,
  type BundleVerdict,
  type SigstoreRoot,
} from '../domain/sigstore.ts';
import { toShortLine } from '../domain/text.ts';
import type { Wire } from './frame.ts';
import type { Isolation } from './isolation.ts';
import { modulesFolder } from './modules-folder.ts';
import { runThrowaway, type ThrowawayOutcome } from './throwaway.ts';

/** What somebody signed, with the bundles that came with it. */
export interface BundledComponent {
  component: Uint8Array;
  /** `sha256:…` of the component, and of an artifact whose one component it is: what a statement may name. */
  digests: readonly string[];
  /** Texts, as they came. */
  bundles: readonly string[];
}

export type RootReading = { ok: true; authorities: Authorities } | { ok: false; reason: string };

/** Reads what sigstore makes, each time in a process that is thrown away. Nothing here rejects for what a stranger sent, and nothing uses the network. */
export interface BundleJudge {
  /** What is in a `trusted_root.json`. */
  readRoot(text: string): Promise<RootReading>;
  /** Each bundle under each root, in this order. */
  judge(signed: BundledComponent, roots: readonly SigstoreRoot[]): Promise<BundleVerdict[]>;
}

const MiB = 1024 * 1024;
/** Starting takes most of it: a second on two cores that nine times as much keeps busy. */
const TIMEOUT_MS = 20_000;
const MAX_OUTPUT_BYTES = MiB;
/** What a reader of certificates needs of wasm: nothing; the engine itself some. */
const MAX_WASM_BYTES = 16 * MiB;
const MAX_TEXT = 1_024;

export function createBundleJudge({ isolation }: { isolation: Isolation }): BundleJudge {
  const ask = (input: Wire): Promise<ThrowawayOutcome> =>
    runThrowaway({
      script: 'bundles.sandboxed',
      args: [],
      readable: [modulesFolder('@sigstore/verify')],
      maxMemoryBytes: MAX_WASM_BYTES,
      maxProcessMemoryBytes: 1_024 * MiB,
      maxHeapMib: 256,
      isolation,
      maxOutputBytes: MAX_OUTPUT_BYTES,
      input,
      timeoutMs: TIMEOUT_MS,
    });
  return {
    async readRoot(text) {
      const said = await ask({ ask: 'root', text });
      if (!said.ok) return said;
      const value = isJsonObject(said.value) ? said.value : {};
      if (typeof value.error === 'string') return { ok: false, reason: toShortLine(value.error, MAX_TEXT) };
      const authorities = parseAuthorities(value.authorities);
      return authorities === undefined ? { ok: false, reason: 'its process gave no answer' } : { ok: true, authorities };
    },

    async judge({ component, digests, bundles }, roots) {
      const asked = roots.map(({ name, text, witnesses }) => ({ name, text, ...witnesses }));
      const hexDigests = digests.map((digest) => digest.replace('sha256:', ''));
      const said = await ask({ ask: 'bundles', component, digests: hexDigests, bundles, roots: asked });
      const value = said.ok && isJsonObject(said.value) ? said.value : {};
      const reason = said.ok ? text(value.error, 'its process gave no answer') : said.reason;
      const verdicts: readonly unknown[] = Array.isArray(value.verdicts) ? value.verdicts : [];
      return bundles.flatMap((_, at) => {
        const list: unknown = verdicts[at];
        const ofBundle: readonly unknown[] = Array.isArray(list) ? list : [];
        return roots.map(({ name }, index) => parseVerdict(ofBundle[index], name, reason));
      });
    },
  };
}

function parseVerdict(value: unknown, root: string, reason: string): BundleVerdict {
  const said: JsonObject = isJsonObject(value) ? value : {};
  const { issuer, subject } = said;
  if (said.ok === true && isPrintable(issuer) && isPrintable(subject)) return { ok: true, root, issuer, subject };
  return { ok: false, fault: isFault(said.fault) ? said.fault : 'BUNDLE_UNUSABLE', reason: text(said.reason, reason) };
}

function isFault(value: unknown): value is BundleFault {
  const faults: readonly unknown[] = BUNDLE_FAULTS;
  return faults.includes(value);
}

function isPrintable(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_TEXT && /^[\x20-\x7e]+$/.test(value);
}

function text(value: unknown, otherwise: string): string {
  return isPrintable(value) ? value : otherwise;
}
