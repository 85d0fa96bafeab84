import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { readConfig } from '../../host/config.ts';
import { ensureDefaultOrganisation } from '../../host/default-organisation.ts';
import { createLog } from '../../host/log.ts';
import { openServices } from '../../host/services/open.ts';
import { callApi, endOfRun } from './api-client.ts';
import { type AuthorizationServer, startAuthorizationServer } from './authorization-server.ts';
import { makeCertificate } from './certificate.ts';
import { startChromium } from './chromium.ts';
import { startFront } from './front.ts';
import { type HostProcess, startHostProcess } from './host-process.ts';
import { installProbeForPeople } from './oauth-datasource.ts';
import { startUpstream } from './upstream.ts';

/** Where people reach the host: by TLS, and of another site than the source, as it is in the world. */
export const PUBLIC_URL = 'https://datasources.example';
export const CALLBACK = `${PUBLIC_URL}/api/v1/authorisations/callback`;
/** A site of somebody else. */
export const ELSEWHERE = 'http://elsewhere.example';

/** A request as the network sees it. */
export interface Sent {
  url: string;
  referer: string | undefined;
}

/** Somebody at a browser that nobody else uses. */
export interface Person {
  page: Page;
  /** Every request of the browser so far. */
  sent(): Promise<Sent[]>;
  /** What the browser complained of: blocked by a policy, not understood, not found. */
  complaints: string[];
}

/** A host in a process of its own, a proxy with TLS in front, a source with an authorization server, and a real browser. */
export interface BrowserWorld {
  browser: Browser;
  server: AuthorizationServer;
  host: HostProcess;
  /** A new connection. */
  connect(name?: string): Promise<string>;
  /** Begins an attempt: its link. */
  begin(connection: string): Promise<string>;
  statusOf(connection: string): Promise<Status>;
  /** A call with the tests' key. */
  call<T>(path: string, init?: { method: string; body?: unknown }): Promise<T>;
  /** Has the source end the authorisation of a connection: the link that brings it back. */
  end(connection: string): Promise<string>;
  person(options?: BrowserContextOptions): Promise<Person>;
  /** Puts a page at `ELSEWHERE`. */
  showElsewhere(page: string): void;
  close(): Promise<void>;
}

export interface Status {
  state: string;
  reason?: string;
  reconnectUrl?: string;
  attempt?: { state: string; reason?: string; authorizationUrl: string };
}

/** Stop it in any case: it holds processes. */
export async function startBrowserWorld(): Promise<BrowserWorld> {
  const dataDir = await mkdtemp(join(tmpdir(), 'lorelai-browser-'));
  const server = await startAuthorizationServer({ redirectUris: [CALLBACK] });
  let refuses = false;
  const source = await startUpstream((_, response) => response.writeHead(refuses ? 401 : 200).end('{}'));
  let shown = '';
  const elsewhere = await startUpstream((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(shown));
  await prepare(dataDir, server, source.origin);
  const host = await startHostProcess({ dataDir, env: { LORELAI_PUBLIC_URL: PUBLIC_URL, LOG_LEVEL: 'warn' } });
  const front = await startFront({ delayMs: 0, tls: makeCertificate(new URL(PUBLIC_URL).hostname) });
  front.forwardTo(host.url);
  const browser = await startChromium({
    [new URL(PUBLIC_URL).hostname]: new URL(front.url).host,
    [new URL(ELSEWHERE).hostname]: new URL(elsewhere.origin).host,
  });

  const call: BrowserWorld['call'] = (path, init) => callApi(`${host.url}${path}`, init);
  const statusOf = (id: string): Promise<Status> => call(`/api/v1/connections/${id}/authorisation`);

  return {
    browser,
    server,
    host,
    call,
    statusOf,
    async connect(name = 'handbook') {
      const steps = [{ do: 'http', url: `${source.origin}/x`, minds401: true }];
      const config = { auth_url: server.issuer, base_url: source.origin, steps };
      return (await call<{ id: string }>('/api/v1/connections', { method: 'POST', body: { datasource: 'probe', name, config } })).id;
    },
    async begin(id) {
      const begun = await call<Status>(`/api/v1/connections/${id}/authorisation`, { method: 'POST', body: {} });
      return begun.attempt?.authorizationUrl ?? '';
    },
    async end(id) {
      await server.forgetGrants();
      refuses = true;
      const run = await call<{ id: string }>(`/api/v1/connections/${id}/runs`, { method: 'POST', body: {} });
      await endOfRun(host.url, run.id);
      refuses = false;
      return (await statusOf(id)).reconnectUrl ?? '';
    },
    person: (options) => openPerson(browser, options),
    showElsewhere(page) {
      shown = `<!doctype html><title>Elsewhere</title><link rel="icon" href="data:,">${page}`;
    },
    async close() {
      await browser.close();
      await host.stop();
      await Promise.all([front, server, source, elsewhere].map((one) => one.close()));
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function prepare(dataDir: string, server: AuthorizationServer, sourceOrigin: string): Promise<void> {
  const config = readConfig({ DATA_DIR: dataDir, LORELAI_PUBLIC_URL: PUBLIC_URL });
  const { services, close } = await openServices(config, createLog({ level: 'error', pretty: false, write: () => undefined }));
  try {
    await ensureDefaultOrganisation(services);
    await installProbeForPeople(services, server, [sourceOrigin]);
  } finally {
    await close();
  }
}

async function openPerson(browser: Browser, options: BrowserContextOptions = {}): Promise<Person> {
  // The certificate is one that we made.
  const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options });
  const page = await context.newPage();
  const sent: Promise<Sent>[] = [];
  const complaints: string[] = [];
  context.on('request', (request) =>
    sent.push(request.allHeaders().then((headers) => ({ url: request.url(), referer: headers['referer'] }))),
  );
  page.on('console', (message) => void (message.type() === 'log' || complaints.push(message.text())));
  page.on('pageerror', (error) => void complaints.push(error.message));
  return { page, complaints, sent: () => Promise.all(sent) };
}
