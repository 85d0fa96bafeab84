import { UsageError } from './exit.ts';
import type { CliIo } from './io.ts';

/** The credential in the environment variable that `--credential-env` names; undefined without the option. */
export function readSecret(io: Pick<CliIo, 'env'>, name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  const secret = io.env[name];
  if (secret === undefined || secret === '')
    throw new UsageError(`The environment variable ${name} is not set.`, `Set it, as in: ${name}=… datasources …`);
  return secret;
}
