/**
 * Runs on the other side of the boundary, once for each component, and is thrown away: a malformed
 * component can leave jco's transpiler broken for every later call in its process.
 *
 * One frame in `{ component, asyncImports, asyncExports }`, one frame out `{ files }` or `{ error }`.
 */
// The generator alone: jco's main entry loads native add-ons, which this process may not.
import { generate } from '@bytecodealliance/jco/component';
import { encodeFrame, FrameReader, type Wire } from './frame.ts';
import { lintGenerated } from './lint.sandboxed.ts';

const decoder = new TextDecoder();
const MAX_FRAME_BYTES = 256 * 1024 * 1024;

interface CompileInput {
  component: Uint8Array;
  asyncImports: string[];
  asyncExports: string[];
}

async function compile(input: CompileInput): Promise<Wire> {
  try {
    const { files } = await generate(input.component, {
      name: 'component',
      instantiation: { tag: 'async' },
      asyncMode: { tag: 'jspi', val: { imports: input.asyncImports, exports: input.asyncExports } },
      noNodejsCompat: true,
      noComponentErrorWrapping: false,
      base64Cutoff: 0,
    });
    for (const [name, source] of files) {
      const [fault] = name.endsWith('.js') ? lintGenerated(decoder.decode(source)) : [];
      if (fault !== undefined) return { error: `what the transpiler makes of it is refused: ${fault}` };
    }
    return { files: Object.fromEntries(files) };
  } catch (error) {
    return { error: String(error).slice(0, 2_000) };
  }
}

const reader = new FrameReader(MAX_FRAME_BYTES);
process.stdin.on('data', (chunk: Uint8Array) => {
  for (const value of reader.push(chunk)) {
    void compile(value as CompileInput).then((outcome) => process.stdout.write(encodeFrame(outcome)));
  }
});
