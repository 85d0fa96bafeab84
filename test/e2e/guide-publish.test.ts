import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startDockerRegistry, type DockerRegistry } from '../helpers/docker-registry.ts';
import { runGuide } from '../helpers/guide.ts';

let folder: string;
let registry: DockerRegistry;
/** The web server of the guide, over https, on this machine. */
let server: Server;
const asked: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lorelai-guide-'));
  await mkdir(join(folder, 'www'));
  registry = await startDockerRegistry();
  server = createServer(await certificate(), (request, response) => {
    asked.push(request.url ?? '');
    readFile(join(folder, 'www', basename(request.url ?? ''))).then(
      (bytes) => response.end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  server.listen(0, 'localhost');
  await once(server, 'listening');
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await registry.close();
  await rm(folder, { recursive: true, force: true });
});

/** Of `localhost`; commands believe it by NODE_EXTRA_CA_CERTS. */
async function certificate(): Promise<{ key: string; cert: string }> {
  const [key, cert] = [join(folder, 'web.key'), join(folder, 'web.crt')];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const kind = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'];
  await promisify(execFile)('openssl', [...kind, ...names, '-keyout', key, '-out', cert]);
  return { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') };
}

it('the commands of docs/guides/publish.md do what the guide says, with a registry and a web server of this machine', async () => {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const { exitCode, outputs, stderr } = await runGuide('publish', {
    instead: {
      'registry.example.com': registry.host,
      'datasources.example.com': `localhost:${port}`,
      '/var/www/datasources': join(folder, 'www'),
    },
    env: { NODE_EXTRA_CA_CERTS: join(folder, 'web.crt') },
  });
  expect({ exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(outputs).toHaveLength(7);
  const [, published, signed, taken, found, offered, fromMarket] = outputs;
  expect(published).toContain(`oci://${registry.host}/acme/wiki@sha256:`);
  expect(signed).toContain('Signed sha256:');
  // Before its publisher is trusted.
  expect(stderr).toContain('[UNTRUSTED_PUBLISHER]');
  expect(taken).toContain('Installed wiki 1.0.0.');
  expect(taken).toContain('wiki went from 1.0.0 to 1.1.0.');
  expect(taken).toMatch(/wiki +1\.1\.0 +sha256:/);
  expect(asked).toContain('/wiki-1.1.0.wasm.sig');
  expect(found).toContain('Installed wiki 1.1.0.');
  expect(offered).toContain('Signed version 1 of the index');
  expect(fromMarket).toMatch(/wiki +1\.1\.0 +acme/);
  expect(fromMarket).toContain('Installed wiki 1.1.0.');
  expect(asked.filter((path) => path === '/index.json').length).toBeGreaterThan(1);
}, 600_000);
