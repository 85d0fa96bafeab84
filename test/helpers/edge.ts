import type { Hono } from 'hono';
import { createApp } from '../../host/app.ts';
import { readConfig } from '../../host/config.ts';
import { SCOPES, type Caller } from '../../host/domain/caller.ts';
import { createLog } from '../../host/log.ts';
import type { Edge } from '../../host/middleware/edge.ts';
import type { Services } from '../../host/services/services.ts';

/** The HTTP edge with services that only a test of the edge itself may use, and what it logged. */
export interface EdgeUnderTest {
  app: Hono<Edge>;
  logged(): string;
}

/** A caller of the whole host with every scope. */
const EVERYTHING: Caller = { kind: 'key', id: 'test', organisation: undefined, scopes: SCOPES };

type Overrides = { [K in keyof Services]?: Partial<Services[K]> };

/** Services whose methods all fail as a bug would, but for those that are given. */
export function edgeServices(overrides: Overrides = {}): Services {
  return {
    keys: {
      create: unused,
      list: unused,
      get: unused,
      rotate: unused,
      revoke: unused,
      createFirst: unused,
      adopt: unused,
      authenticate: unused,
      ...overrides.keys,
    },
    // Whoever asks is let in: who is and who is not is a matter of other tests.
    callers: { authenticate: async () => EVERYTHING, ...overrides.callers },
    changes: {
      record: unused,
      // Nothing has been changed yet.
      stateOf: async () => 0,
      verifyExpected: async () => undefined,
      list: unused,
      exportLines: unused,
      verify: unused,
      verifyAll: unused,
      holds: unused,
      ...overrides.changes,
    },
    idempotency: { begin: unused, ...overrides.idempotency },
    vectors: { status: unused, summary: unused, reembed: unused, make: unused, ...overrides.vectors },
    trust: { list: unused, add: unused, remove: unused, pins: unused, pin: unused, release: unused, ...overrides.trust },
    sigstore: {
      roots: unused,
      putRoot: unused,
      removeRoot: unused,
      identities: unused,
      addIdentity: unused,
      removeIdentity: unused,
      ...overrides.sigstore,
    },
    sources: {
      take: unused,
      install: unused,
      atHand: unused,
      installSigned: unused,
      installFound: unused,
      publish: unused,
      publishSigned: unused,
      ...overrides.sources,
    },
    folders: { list: unused, add: unused, remove: unused, scan: unused, scanDue: unused, ...overrides.folders },
    markets: { list: unused, add: unused, refresh: unused, remove: unused, search: unused, find: unused, ...overrides.markets },
    people: {
      create: unused,
      get: unused,
      list: unused,
      change: unused,
      remove: unused,
      import: unused,
      principals: unused,
      unmapped: unused,
      ...overrides.people,
    },
    access: { explain: unused, ...overrides.access },
    connectionAccess: { get: unused, setMaxAge: unused, ...overrides.connectionAccess },
    questions: { record: unused, list: unused, ...overrides.questions },
    organisations: { create: unused, get: unused, list: unused, ...overrides.organisations },
    registry: { page: unused, inspect: unused, install: unused, askedGrant: unused, list: unused, get: unused, ...overrides.registry },
    versions: {
      list: unused,
      history: unused,
      add: unused,
      verify: unused,
      path: unused,
      upgrade: unused,
      asks: unused,
      approve: unused,
      rollback: unused,
      setEnabled: unused,
      setGrant: unused,
      remove: unused,
      graph: unused,
      matrix: unused,
      ...overrides.versions,
    },
    flags: { set: unused, get: unused, purging: unused, history: unused, purgeDue: unused, ...overrides.flags },
    connections: { create: unused, get: unused, list: unused, change: unused, remove: unused, check: unused, ...overrides.connections },
    authorisations: {
      begin: unused,
      status: unused,
      choose: unused,
      lookAtLink: unused,
      followLink: unused,
      finish: unused,
      refresh: unused,
      revoke: unused,
      ...overrides.authorisations,
    },
    lorelai: {
      retrieve: unused,
      index: unused,
      run: unused,
      items: unused,
      item: unused,
      organisationOf: unused,
      authorise: unused,
      refresh: unused,
      revoke: unused,
      selection: unused,
      select: unused,
      ...overrides.lorelai,
    },
    variables: { list: unused, set: unused, ...overrides.variables },
    vault: { status: unused, rotate: unused, retire: unused, ...overrides.vault },
    webhooks: { get: unused, open: unused, close: unused, take: unused, ...overrides.webhooks },
    runs: {
      start: unused,
      get: unused,
      list: unused,
      cancel: unused,
      held: unused,
      approve: unused,
      dismiss: unused,
      failedItems: unused,
      retryFailed: unused,
      queueDue: unused,
      work: unused,
      ...overrides.runs,
    },
    schedules: { get: unused, change: unused, pause: unused, resume: unused, ...overrides.schedules },
    retrieval: { retrieve: unused, ...overrides.retrieval },
    audit: { list: unused, ...overrides.audit },
    metrics: { text: unused, ...overrides.metrics },
    health: { ready: unused, ...overrides.health },
  };
}

/** What services say for themselves must not reach a caller: the text is looked for in responses. */
export const INTERNAL_TEXT = 'no test gave this method';

function unused(): never {
  throw new Error(INTERNAL_TEXT);
}

export function edge(overrides: Overrides = {}, allowedHosts: readonly string[] = []): EdgeUnderTest {
  const lines: string[] = [];
  const log = createLog({ level: 'debug', pretty: false, write: (line) => void lines.push(line) });
  return { app: createApp(edgeServices(overrides), { log, config: { ...readConfig({}), allowedHosts } }), logged: () => lines.join('') };
}

/** A request with a JSON body. */
export function jsonRequest(method: string, body: unknown): RequestInit {
  return { method, headers: { 'content-type': 'application/json' }, body: typeof body === 'string' ? body : JSON.stringify(body) };
}
