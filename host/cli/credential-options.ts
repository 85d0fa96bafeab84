import { UsageError } from './exit.ts';
import { readNamedFile } from './files.ts';
import type { CliIo } from './io.ts';

/** Where a command may find a credential. Never in an argument: those show in the list of processes and in the shell's history. */
export interface CredentialOptions {
  credentialFile?: string;
  credentialStdin?: true;
}

const MAX_CREDENTIAL_BYTES = 16 * 1024;

/** The environment variable that may hold a credential. */
export const CREDENTIAL_VARIABLE = 'DATASOURCE_CREDENTIAL';

/** The credential from the one place that names it, without the line break at its end; none when nothing does. */
export async function readCredential(io: CliIo, { credentialFile, credentialStdin }: CredentialOptions): Promise<string | undefined> {
  if (credentialFile !== undefined && credentialStdin === true) {
    throw new UsageError('--credential-file and --credential-stdin are both given.', 'Give one of them.');
  }
  if (credentialFile !== undefined)
    return toCredential(await readNamedFile(credentialFile, { maxBytes: MAX_CREDENTIAL_BYTES }), credentialFile);
  if (credentialStdin === true) return toCredential(await readStdin(io), 'stdin');
  return io.env[CREDENTIAL_VARIABLE] || undefined;
}

async function readStdin({ stdin }: CliIo): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of stdin) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    if (!(bytes instanceof Uint8Array)) continue;
    chunks.push(bytes);
    sizeBytes += bytes.length;
    if (sizeBytes > MAX_CREDENTIAL_BYTES)
      throw new UsageError('What stdin gives is too long for a credential.', `Give at most ${MAX_CREDENTIAL_BYTES} bytes.`);
  }
  return Buffer.concat(chunks);
}

function toCredential(bytes: Uint8Array, source: string): string {
  const text = new TextDecoder().decode(bytes).replace(/\r?\n$/, '');
  if (text === '') throw new UsageError(`The credential from ${source} is empty.`, 'Put the secret there, or leave the option out.');
  return text;
}
