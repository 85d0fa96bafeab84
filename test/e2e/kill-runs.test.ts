import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runDatasources } from '../../scripts/demo/command.ts';
import { type ApiRun, callApi, endOfRun } from '../helpers/api-client.ts';
import { componentFile } from '../helpers/components.ts';
import { type HostProcess, startHostProcess } from '../helpers/host-process.ts';
import { dumpIndex } from '../helpers/index-dump.ts';
import { type MirrorItem, type MirrorSource, startMirrorSource } from '../helpers/mirror.ts';
import { seededRandom } from '../helpers/random.ts';

const ROUNDS = 50;
const LEASE_MS = 250;
const SEED = Date.now() % 1_000_000;
const random = seededRandom(SEED);
let scratch: string;
let source: MirrorSource;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'kill-runs-'));
  source = await startMirrorSource();
});

afterAll(async () => {
  await source.close();
  await rm(scratch, { recursive: true, force: true });
});

const startHost = (dataDir: string) =>
  startHostProcess({ dataDir, env: { LORELAI_RUN_LEASE_MS: String(LEASE_MS), LOG_LEVEL: 'warn', ISOLATION: 'process' } });

/** Two hosts on one database, one of which may be killed at any time: another one is started in its place. */
class TwoHosts {
  readonly #dataDir: string;
  #hosts: HostProcess[] = [];
  #starting: Promise<void> = Promise.resolve();
  kills = 0;

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  async start(): Promise<void> {
    this.#hosts = await Promise.all([startHost(this.#dataDir), startHost(this.#dataDir)]);
  }

  /** Kills the one of two that works on a run, never the last one. */
  kill(): void {
    if (this.#hosts.length < 2) return;
    const owners = JSON.stringify(read(this.#dataDir, `SELECT lease_owner FROM runs WHERE state = 'running'`));
    const [victim] = this.#hosts.splice(owners.includes(`:${this.#hosts[1]?.pid}/`) ? 1 : 0, 1);
    if (victim === undefined) return;
    this.kills += 1;
    this.#starting = victim.kill().then(async () => void this.#hosts.push(await startHost(this.#dataDir)));
  }

  /** Waits until there are two again. */
  whole(): Promise<void> {
    return this.#starting;
  }

  /** A host that is alive. */
  get url(): string {
    return this.#hosts[0]?.url ?? '';
  }

  async stop(): Promise<void> {
    await this.#starting;
    await Promise.all(this.#hosts.map((host) => host.stop()));
  }

  /** Runs to the end, whichever host does it. */
  async run(connection: string, kind: string, body: object = {}): Promise<ApiRun> {
    const started = await this.#insist((url) =>
      callApi<ApiRun>(`${url}/api/v1/connections/${connection}/runs`, { method: 'POST', body: { kind, ...body } }).catch(
        async (error: unknown) => {
          // The host was killed behind its commit: the run is there.
          if (!(error instanceof Error) || !error.message.includes('RUN_IN_PROGRESS')) throw error;
          const { items } = await callApi<{ items: ApiRun[] }>(`${url}/api/v1/runs?connection=${connection}&kind=${kind}&limit=1`);
          if (items[0] === undefined) throw error;
          return items[0];
        },
      ),
    );
    return this.#insist((url) => endOfRun(url, started.id));
  }

  /** A host that is killed under the question answers no more: then the other one is asked. */
  async #insist<T>(ask: (url: string) => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await ask(this.url);
      } catch (error) {
        const refused = error instanceof Error && / \d{3} /.test(error.message);
        if (refused || attempt > 20) throw error;
        await this.#starting;
      }
    }
  }
}

async function prepare(name: string): Promise<{ dataDir: string; connection: string }> {
  const dataDir = join(scratch, name);
  const grant = ['--allow', source.origin, '--allow-private', '127.0.0.0/8'];
  await runDatasources(['install', componentFile('mirror'), ...grant, '--data-dir', dataDir]);
  const host = await startHost(dataDir);
  const body = { datasource: 'mirror', config: { base_url: source.origin, page_size: 2 } };
  const { id } = await callApi<{ id: string }>(`${host.url}/api/v1/connections`, { method: 'POST', body });
  const off = { content: 'off', prune: 'off', access: 'off' };
  await callApi(`${host.url}/api/v1/connections/${id}/schedule`, { method: 'PATCH', body: off });
  await host.stop();
  return { dataDir, connection: id };
}

function read(dataDir: string, sql: string): unknown[] {
  const database = new Libsql(join(dataDir, 'lorelai.db'), { readonly: true, timeout: 10_000 });
  try {
    return database.prepare(sql).all();
  } finally {
    database.close();
  }
}

/** With the reason, which is what a failure of this test is about. */
const outcome = ({ state, reason }: ApiRun): object => ({ state, reason });

const DOCUMENTS = `SELECT source_id AS id, documents.title, link, access, group_concat(text, '|') AS text
  FROM documents JOIN passages ON document_id = documents.id GROUP BY documents.id ORDER BY source_id`;
const MEMBERS = `SELECT source_groups.name || ' ' || principals.name AS member FROM group_members
  JOIN source_groups ON source_groups.group_id = group_members.group_id JOIN principals ON principals.id = group_members.member_id ORDER BY 1`;

function toDocument({ id, title, text, path, readers }: MirrorItem): object {
  const principals = [
    ...(readers?.accounts ?? []).map((name) => ['account', name]),
    ...(readers?.groups ?? []).map((name) => ['group', name]),
  ];
  const allOf = [principals.map(([kind, name]) => ({ kind, id: name }))];
  const access = JSON.stringify(readers === undefined ? { kind: 'everyone' } : { kind: 'all-of', allOf });
  return { id, title, link: `https://mirror.example/${path}`, access, text };
}

/** What the source and the index should hold; `gone` has not been told of, and only a prune finds out. */
class Model {
  readonly gone = new Map<string, MirrorItem>();
  readonly groups = new Map<string, string[]>();
  #made = 0;

  change(): void {
    for (let step = 0; step < 4; step += 1) {
      const known = source.items().map(({ id }) => id);
      const id = known[random.below(Math.max(1, known.length))];
      const what = random.below(7);
      // A source that lists nothing at all holds its prune, which another test is about.
      if (id === undefined || known.length < 3 || what < 2)
        source.put({ id: `item-${(this.#made += 1)}`, text: `First text ${random.below(1_000)}.` });
      else if (what === 2) source.put({ id, text: `Edited ${random.below(1_000)} times.` });
      else if (what === 3) source.put({ id, title: `Renamed ${random.below(1_000)}`, path: `folder-${random.below(9)}/${id}` });
      else if (what === 4) source.put({ id, readers: { accounts: [`account-${random.below(5)}`], groups: [`group-${random.below(3)}`] } });
      else if (what === 5) source.remove(id);
      else this.#vanish(id);
    }
    const group = `group-${random.below(3)}`;
    this.groups.set(group, [`account-${random.below(5)}`, `account-${5 + random.below(5)}`]);
    source.setGroup(group, this.groups.get(group) ?? []);
  }

  #vanish(id: string): void {
    const item = source.items().find((candidate) => candidate.id === id);
    // What no run has read would never have been there.
    if (item === undefined || this.gone.size > 5 || !this.#indexed.has(id) || this.#indexed.get(id) !== JSON.stringify(item)) return;
    source.vanish(id);
    this.gone.set(id, item);
  }

  #indexed = new Map<string, string>();

  wasRead(): void {
    this.#indexed = new Map(source.items().map((item) => [item.id, JSON.stringify(item)]));
  }

  documents(): object[] {
    const all = [...source.items(), ...this.gone.values()].toSorted((one, other) => (one.id < other.id ? -1 : 1));
    return all.map(toDocument);
  }

  members(): object[] {
    return [...this.groups]
      .flatMap(([group, accounts]) => accounts.map((account) => `${group} ${account}`))
      .toSorted()
      .map((member) => ({ member }));
  }
}

describe('hosts that are killed at random points of their runs', () => {
  it(`always leave the index of an undisturbed one: content, deletions and access, over ${ROUNDS} rounds of changes`, async () => {
    const { dataDir, connection } = await prepare('rough');
    const model = new Model();
    const hosts = new TwoHosts(dataDir);
    await hosts.start();
    for (let number = 0; number < 12; number += 1) model.change();
    for (let round = 0; round < ROUNDS; round += 1) {
      const where = `seed ${SEED}, round ${round}`;
      if (round > 0) model.change();
      // A machine that starts hosts slowly would have one most of the time, which is never killed.
      if (hosts.kills < round / 2) await hosts.whole();
      const kind = round % 6 === 5 ? 'prune' : round % 6 === 3 ? 'access' : 'content';
      if (kind !== 'content') expect(outcome(await hosts.run(connection, 'content')), where).toEqual({ state: 'succeeded' });
      // While a request waits, or while what it brought is prepared and written.
      const [killAt, laterMs] = [random.below(3), random.below(60)];
      let asked = 0;
      source.interfere(() => {
        if (asked === killAt) setTimeout(() => hosts.kill(), laterMs);
        asked += 1;
        return false;
      });
      expect(outcome(await hosts.run(connection, kind)), where).toEqual({ state: 'succeeded' });
      source.interfere(undefined);
      if (kind === 'prune') model.gone.clear();
      model.wasRead();
      expect(read(dataDir, DOCUMENTS), where).toEqual(model.documents());
      if (kind === 'access') expect(read(dataDir, MEMBERS), where).toEqual(model.members());
    }
    for (const kind of ['content', 'prune', 'access']) await hosts.run(connection, kind);
    await hosts.stop();
    expect(hosts.kills).toBeGreaterThanOrEqual(ROUNDS / 3);

    const calm = await prepare('calm');
    const host = new TwoHosts(calm.dataDir);
    await host.start();
    for (const kind of ['content', 'access']) await host.run(calm.connection, kind);
    await host.stop();
    expect(dumpIndex(dataDir), `seed ${SEED}`).toEqual(dumpIndex(calm.dataDir));
    expect(read(dataDir, MEMBERS), `seed ${SEED}`).toEqual(read(calm.dataDir, MEMBERS));
  }, 300_000);
});
