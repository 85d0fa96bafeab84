import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { appendCustomSection } from '../../host/authoring/custom-section.ts';
import { COMMAND_LINE } from '../../host/domain/caller.ts';
import type { Grant } from '../../host/domain/grant.ts';
import { MANIFEST_SECTION } from '../../host/domain/manifest.ts';
import type { Services } from '../../host/services/services.ts';
import { type AuthorizationServer, CLIENT } from './authorization-server.ts';
import { componentFile } from './components.ts';

const MANIFEST_FILE = join(import.meta.dirname, '../fixtures/probe/datasource.yaml');

/** Settings of a connection that templates may name; always the same, so that one manifest may take the place of another. */
const SETTINGS = ['auth_url', 'resources_url', 'tenant', 'installation_id', 'cloud_id', 'admin_email'];

/** Parts of a manifest that are put over those of `probe`. */
export interface OAuthManifest {
  required_scopes?: string[];
  oauth: Record<string, unknown>;
  env_vars?: string[];
}

/** `probe` as a component whose manifest also says how it is authorised. */
export async function oauthProbe({
  required_scopes = ['read'],
  oauth,
  env_vars = ['CLIENT_ID', 'CLIENT_SECRET'],
}: OAuthManifest): Promise<Uint8Array> {
  const component = new Uint8Array(await readFile(componentFile('probe')));
  const manifest = parse(await readFile(MANIFEST_FILE, 'utf8'));
  manifest.auth = { ...manifest.auth, type: 'oauth2', required_scopes, oauth };
  manifest.env_vars = env_vars.map((name) => ({ name }));
  for (const name of SETTINGS) manifest.config_schema.properties[name] = { type: 'string' };
  return appendCustomSection(withoutManifest(component), MANIFEST_SECTION, Buffer.from(stringify(manifest)));
}

/** What loopback needs: sources of tests have no public address, and no TLS. */
export function loopbackGrant(origins: { http?: string[]; authorisation?: string[] }): Grant {
  return {
    http: { origins: origins.http ?? [], privateNetworks: ['127.0.0.0/8'] },
    authorisation: { origins: origins.authorisation ?? [] },
    storage: true,
    limits: {},
  };
}

/** Installs it and sets its variables for all organisations. */
export async function installOAuthProbe(
  services: Services,
  manifest: OAuthManifest,
  grant: Grant,
  values: Record<string, string> = {},
): Promise<void> {
  await services.registry.install(await oauthProbe(manifest), grant, COMMAND_LINE);
  if (Object.keys(values).length > 0) await services.variables.set(undefined, 'probe', values, COMMAND_LINE);
}

/** One that a person with a browser authorises at `server`, and that may go to `origins` besides. */
export function installProbeForPeople(services: Services, server: AuthorizationServer, origins: string[] = []): Promise<void> {
  const oauth = {
    flows: ['code'],
    issuer: '{auth_url.origin}',
    client_id: 'CLIENT_ID',
    client_secret: 'CLIENT_SECRET',
    extra_scopes: ['openid', 'offline_access'],
    authorization_parameters: { prompt: 'consent' },
  };
  const grant = loopbackGrant({ http: origins, authorisation: [server.issuer] });
  return installOAuthProbe(services, { oauth }, grant, { CLIENT_ID: CLIENT.id, CLIENT_SECRET: CLIENT.secret });
}

/** The build puts the manifest last: the section begins where its name is found last. */
function withoutManifest(component: Uint8Array): Uint8Array {
  const bytes = Buffer.from(component);
  const name = Buffer.from(MANIFEST_SECTION);
  const nameAt = bytes.lastIndexOf(name);
  for (let at = nameAt - 2; at > nameAt - 12; at -= 1) {
    if (bytes[at] !== 0) continue;
    const [length, after] = readLeb128(bytes, at + 1);
    if (after + length === bytes.length) return new Uint8Array(bytes.subarray(0, at));
  }
  throw new Error('the component does not end with its manifest');
}

function readLeb128(bytes: Buffer, from: number): [number, number] {
  let value = 0;
  for (let at = from, shift = 0; ; at += 1, shift += 7) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return [value, at + 1];
  }
}
