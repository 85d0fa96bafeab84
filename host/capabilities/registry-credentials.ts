import { readFile } from 'node:fs/promises';
import { parseJson } from '../domain/envelope.ts';
import { RequestError } from '../domain/errors.ts';
import { isJsonObject } from '../domain/json.ts';
import type { RegistryCredentials } from './oci-registry.ts';

/** What Docker calls its own registry in that file. */
const DOCKER_HUB = ['https://index.docker.io/v1/', 'docker.io'];

/**
 * What a file in the form of Docker's `config.json` says of a registry: `auths`, by host. Undefined when there is no file or no entry.
 * Programs that it names (`credHelpers`) are not run. INVALID_SETTING.
 */
export async function registryCredentials(file: string | undefined, host: string): Promise<RegistryCredentials | undefined> {
  if (file === undefined) return undefined;
  const auths = await readAuths(file);
  const names = [host, `https://${host}`, `http://${host}`, ...(host.endsWith('docker.io') ? DOCKER_HUB : [])];
  const entry = names.map((name) => auths[name]).find(isJsonObject);
  if (typeof entry?.auth !== 'string') return undefined;
  const [username = '', ...rest] = Buffer.from(entry.auth, 'base64').toString('utf8').split(':');
  return { username, password: rest.join(':') };
}

async function readAuths(file: string): Promise<Readonly<Record<string, unknown>>> {
  const config = parseJson(await readFile(file, 'utf8').catch(() => ''));
  if (isJsonObject(config) && isJsonObject(config.auths)) return config.auths;
  throw new RequestError('INVALID_SETTING', "LORELAI_REGISTRY_CONFIG names no file with `auths` in the form of Docker's config.json.", {
    remedy: 'Write it with `docker login` or a tool alike, without a credential helper.',
  });
}
