import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { signDigest } from '../domain/component-signature.ts';
import { action, makeCommand, type Cli, type SharedOptions } from './command.ts';
import { readNamedFile } from './files.ts';
import { MAX_READ_BYTES } from './inspect.ts';
import { readSigningKey } from './signing-file.ts';

export function signCommand(cli: Cli): Command {
  return makeCommand('sign', {
    onTheMachine: true,
    summary: 'Sign a component',
    description: 'Writes FILE.sig, a signature of its SHA-256: publish both side by side. `publish` finds it there.',
    examples: [['sign dist/github.wasm --key acme.key', 'writes dist/github.wasm.sig']],
  })
    .argument('<file>', 'a component (.wasm)')
    .requiredOption('--key <file>', 'the key that signs, as `keygen` made it')
    .action(
      action(cli, async (file: string, { key: keyFile }: SharedOptions & { key: string }) => {
        const key = await readSigningKey(keyFile);
        const digest = `sha256:${createHash('sha256')
          .update(await readNamedFile(file, { maxBytes: MAX_READ_BYTES }))
          .digest('hex')}`;
        const signatureFile = `${file}.sig`;
        await writeFile(signatureFile, signDigest(digest, key, Date.now()));
        return {
          json: { file, digest, keyId: key.publicKey.id, signatureFile },
          text: `Signed ${digest} with key ${key.publicKey.id}: ${signatureFile}`,
        };
      }),
    );
}
