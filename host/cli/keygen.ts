import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { RequestError } from '../domain/errors.ts';
import { makeSigningKey } from '../domain/signing-key.ts';
import { action, makeCommand, type Cli } from './command.ts';

export function keygenCommand(cli: Cli): Command {
  return makeCommand('keygen', {
    summary: 'Make a key to sign datasources with',
    description:
      'Writes NAME.key, which signs and stays with you (mode 600), and NAME.pub, which operators need to trust you. Neither is ever overwritten.',
    examples: [['keygen acme', 'writes acme.key and acme.pub']],
  })
    .argument('<name>', 'path of the two files, without an ending')
    .action(
      action(cli, async (name: string) => {
        const { privatePem, publicKey } = makeSigningKey();
        const [privateFile, publicFile] = [`${name}.key`, `${name}.pub`];
        await writeNew(privateFile, privatePem, 0o600);
        await writeNew(publicFile, `${publicKey.text}\n`, 0o644);
        return {
          json: { keyId: publicKey.id, publicKey: publicKey.text, privateFile, publicFile },
          text: [
            `Made key ${publicKey.id}.`,
            `  ${privateFile}  signs: keep it to yourself, and keep a copy`,
            `  ${publicFile}  for operators, by a way that they trust: datasources trust add PUBLISHER --key ${publicFile} --name NAME`,
          ].join('\n'),
        };
      }),
    );
}

async function writeNew(file: string, text: string, mode: number): Promise<void> {
  try {
    await writeFile(file, text, { mode, flag: 'wx' });
  } catch (cause) {
    const exists = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST';
    throw new RequestError(
      'FILE_NOT_READABLE',
      `${file} cannot be written: ${exists ? 'it is there already' : 'the folder is missing or closed'}.`,
      {
        remedy: 'Choose another name.',
        cause,
      },
    );
  }
}
