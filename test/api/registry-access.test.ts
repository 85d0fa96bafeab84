import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request as send } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { importPKCS8, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openOciRepository } from '../../host/capabilities/oci-registry.ts';
import { registryCredentials } from '../../host/capabilities/registry-credentials.ts';
import { createRemoteFetch } from '../../host/capabilities/remote-fetch.ts';
import { pullComponent, pushComponent, type PulledComponent } from '../../host/capabilities/wasm-artifact.ts';
import { startDockerRegistry } from '../helpers/docker-registry.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';

/** bcrypt of `s3cret`. */
const HTPASSWD = 'acme:$2b$05$abcdefghijklmnopqrstuuLK7U1u6pVRmL7L1BBM2aS35PSZnDXlK\n';
const COMPONENT = { bytes: Buffer.from('a component'), imports: [], exports: [], annotations: {}, signature: '{}' };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lorelai-registry-access-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A file as `docker login` writes it. */
async function configFile(host: string, password = 's3cret'): Promise<string> {
  const file = join(folder, `${randomUUID()}.json`);
  await writeFile(file, JSON.stringify({ auths: { [host]: { auth: Buffer.from(`acme:${password}`).toString('base64') } } }));
  return file;
}

async function pushAndPull(host: string, config: string | undefined): Promise<PulledComponent> {
  const credentials = await registryCredentials(config, host);
  const open = (): ReturnType<typeof openOciRepository> =>
    openOciRepository({ host, repository: 'acme/wiki', fetch: createRemoteFetch([host]), credentials });
  await pushComponent(open(), '1.0.0', COMPONENT);
  return pullComponent(open(), '1.0.0');
}

describe('a registry that wants a password', () => {
  it('gets the one that the file has for it, and nothing works without', async () => {
    const registry = await startDockerRegistry({ htpasswd: HTPASSWD });
    try {
      const { bytes, signature } = await pushAndPull(registry.host, await configFile(registry.host));
      expect([Buffer.from(bytes).toString(), signature]).toEqual(['a component', '{}']);
      await expect(pushAndPull(registry.host, undefined)).rejects.toMatchObject({ code: 'SOURCE_DENIED' });
      await expect(pushAndPull(registry.host, await configFile(registry.host, 'wrong'))).rejects.toMatchObject({ code: 'SOURCE_DENIED' });
      await expect(pushAndPull(registry.host, await configFile('elsewhere.example'))).rejects.toMatchObject({ code: 'SOURCE_DENIED' });
      await expect(registryCredentials(join(folder, 'missing.json'), registry.host)).rejects.toMatchObject({ code: 'INVALID_SETTING' });
    } finally {
      await registry.close();
    }
  });
});

describe('a registry that was broken into', () => {
  it('gives no layer with other bytes than its digest says', async () => {
    const registry = await startDockerRegistry();
    try {
      const { digest } = await pushAndPull(registry.host, undefined);
      await registry.tamper(digest, (bytes) => Buffer.from(bytes.toString('utf8').replace('a', 'A')));
      const repository = openOciRepository({
        host: registry.host,
        repository: 'acme/wiki',
        fetch: createRemoteFetch([registry.host]),
        credentials: undefined,
      });
      await expect(pullComponent(repository, '1.0.0')).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    } finally {
      await registry.close();
    }
  });
});

describe('a registry that wants tokens', () => {
  it('gets those that its token server makes for the password', async () => {
    const { privatePem, certificatePem, chain } = await certificate();
    let registryHost = '';
    const asked: string[] = [];
    // One address for both, as registries have it behind a proxy.
    const front = await startUpstream((request, response) => {
      const url = new URL(request.url ?? '/', 'http://front');
      if (url.pathname !== '/token') {
        request.pipe(
          send(
            { host: '127.0.0.1', port: registryHost.split(':')[1], path: request.url, method: request.method, headers: request.headers },
            (answer) => {
              response.writeHead(answer.statusCode ?? 502, answer.headers);
              answer.pipe(response);
            },
          ),
        );
        return;
      }
      asked.push(`${request.headers.authorization} ${url.searchParams.get('scope')}`);
      void token(url, { privatePem, chain }).then((text) => response.end(JSON.stringify({ token: text })));
    });
    const registry = await startDockerRegistry({
      token: { realm: `${front.origin}/token`, service: 'registry', issuer: 'test', certificatePem },
    });
    registryHost = registry.host;
    try {
      const host = new URL(front.origin).host;
      const { bytes } = await pushAndPull(host, await configFile(host));
      expect(Buffer.from(bytes).toString()).toBe('a component');
      expect(asked[0]).toMatch(/^Basic YWNtZTpzM2NyZXQ= repository:acme\/wiki:/);
      // Asked under its own address, it names a token server elsewhere, in a private network: nobody is asked there.
      const before = asked.length;
      await expect(pushAndPull(registry.host, await configFile(registry.host))).rejects.toMatchObject({ code: 'SOURCE_UNREACHABLE' });
      expect(asked).toHaveLength(before);
    } finally {
      await close(front, registry);
    }
  });
});

async function close(front: Upstream, registry: { close(): Promise<void> }): Promise<void> {
  await Promise.all([front.close(), registry.close()]);
}

async function token(url: URL, { privatePem, chain }: { privatePem: string; chain: string[] }): Promise<string> {
  const [type = '', name = '', actions = ''] = (url.searchParams.get('scope') ?? '').split(':');
  return new SignJWT({ access: [{ type, name, actions: [...new Set([...actions.split(','), 'pull', 'push'])] }] })
    .setProtectedHeader({ alg: 'ES256', typ: 'JWT', x5c: chain })
    .setIssuer('test')
    .setAudience('registry')
    .setSubject('acme')
    .setIssuedAt()
    .setNotBefore('-1 minute')
    .setExpirationTime('5 minutes')
    .setJti(randomUUID())
    .sign(await importPKCS8(privatePem, 'ES256'));
}

async function certificate(): Promise<{ privatePem: string; certificatePem: string; chain: string[] }> {
  const [key, file] = [join(folder, 'token.key'), join(folder, 'token.crt')];
  const newKey = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1', '-subj', '/CN=test'];
  await promisify(execFile)('openssl', ['req', ...newKey, '-keyout', key, '-out', file]);
  const certificatePem = await readFile(file, 'utf8');
  return { privatePem: await readFile(key, 'utf8'), certificatePem, chain: [certificatePem.replaceAll(/-----[A-Z ]+-----|\s/g, '')] };
}
