/**
 * Runs on the other side of the boundary, once for each component, and is thrown away: everything that reads a
 * stranger's bytes is here. A malformed component can leave jco's transpiler broken for every later call in its process,
 * a manifest can take seconds to check, and a hole in one of the readers is a hole in a process that holds nothing.
 *
 * One frame in, one frame out, in this order:
 *
 *   { ask: 'outline', component }                  { outline } or { error }
 *   { ask: 'manifest' }                            { problems, cpuMs }
 *   { ask: 'compile', asyncImports, asyncExports } { files } or { error }
 */
import { MANIFEST_SECTION } from '../domain/manifest.ts';
import { type ComponentOutline, outlineOf } from './component-binary.ts';
import { encodeFrame, FrameReader, type Wire } from './frame.ts';

/** The largest component, and a little for the frame around it. */
const MAX_FRAME_BYTES = 65 * 1024 * 1024;
const MAX_PROBLEMS = 20;
const MAX_TEXT = 2_000;
/** More than a manifest may have, so that one that is too long is told from one that fits. */
const MAX_MANIFEST_BYTES = 512 * 1024;

type Question =
  | { ask: 'outline'; component: Uint8Array }
  | { ask: 'manifest' }
  | { ask: 'compile'; asyncImports: string[]; asyncExports: string[] };

let component = new Uint8Array();
let manifest = new Uint8Array();

function answer(question: Question): Wire | Promise<Wire> {
  switch (question.ask) {
    case 'outline':
      component = new Uint8Array(question.component);
      return { outline: toWire(outlineOf(component)) };
    case 'manifest':
      return tryManifest();
    case 'compile':
      return compile(question);
  }
}

function toWire({ customSections, memory, ...outline }: ComponentOutline): Wire {
  const manifests = customSections.filter(({ name }) => name === MANIFEST_SECTION);
  manifest = new Uint8Array(manifests[0]?.contents.subarray(0, MAX_MANIFEST_BYTES) ?? []);
  return {
    ...outline,
    memory: { ...memory },
    customSections: customSections.length,
    manifests: manifests.length,
    manifest,
  };
}

/** What it costs and whether it is good: the host reads it again, and believes nothing that comes from here. */
async function tryManifest(): Promise<Wire> {
  // Loaded only now: most files that are refused never get so far.
  const { parseManifest } = await import('../domain/manifest-parse.ts');
  const before = process.cpuUsage();
  const verdict = parseManifest(Buffer.from(manifest).toString('utf8'));
  const { user, system } = process.cpuUsage(before);
  return {
    problems: verdict.ok ? [] : verdict.problems.slice(0, MAX_PROBLEMS).map((problem) => ({ ...problem })),
    cpuMs: (user + system) / 1_000,
  };
}

async function compile({ asyncImports, asyncExports }: Question & { ask: 'compile' }): Promise<Wire> {
  // The generator alone: jco's main entry loads native add-ons, which this process may not.
  const [{ generate }, { lintGenerated }, { shareAcrossInstances }] = await Promise.all([
    import('@bytecodealliance/jco/component'),
    import('./lint.sandboxed.ts'),
    import('./share.sandboxed.ts'),
  ]);
  const { files } = await generate(component, {
    name: 'component',
    instantiation: { tag: 'async' },
    asyncMode: { tag: 'jspi', val: { imports: asyncImports, exports: asyncExports } },
    noNodejsCompat: true,
    noComponentErrorWrapping: false,
    base64Cutoff: 0,
  });
  const written = files.map(([name, source]): [string, Uint8Array] =>
    name.endsWith('.js') ? [name, Buffer.from(shareAcrossInstances(Buffer.from(source).toString('utf8')))] : [name, source],
  );
  // What is kept is judged, and not what it was made of.
  for (const [name, source] of written) {
    const [fault] = name.endsWith('.js') ? lintGenerated(Buffer.from(source).toString('utf8')) : [];
    if (fault !== undefined) return { error: `what the transpiler makes of it is refused: ${fault}` };
  }
  return { files: Object.fromEntries(written) };
}

async function reply(question: Question): Promise<void> {
  let said: Wire;
  try {
    said = await answer(question);
  } catch (error) {
    said = { error: (error instanceof Error ? error.message : String(error)).slice(0, MAX_TEXT) };
  }
  process.stdout.write(encodeFrame(said));
}

const reader = new FrameReader(MAX_FRAME_BYTES);
process.stdin.on('data', (chunk: Uint8Array) => {
  for (const value of reader.push(chunk)) void reply(value as Question);
});
// The host is gone: nobody is left to work for.
process.stdin.on('end', () => process.exit(0));
