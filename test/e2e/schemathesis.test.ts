import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiRoutes } from '../../host/routes/routes.ts';
import { ADMIN_KEY } from '../helpers/admin-key.ts';
import { command } from '../helpers/command.ts';
import { componentFile } from '../helpers/components.ts';
import { startHostProcess, type HostProcess } from '../helpers/host-process.ts';
import { pythonTools } from '../helpers/python-tools.ts';

const HOOKS = join(import.meta.dirname, 'schemathesis/hooks.py');
/**
 * What is not asked of an answer. A request may fit its schema and still name what is not there; no header is required, and
 * that callers must say who they are is asked by `ignored_auth`.
 */
const NOT_ASKED = ['positive_data_acceptance', 'missing_required_header'];

/** Ids of things that are there, by the beginning of the addresses that take them. */
interface Known {
  addresses: string;
  parameter: string;
  values: readonly string[];
}

let folder: string;
let tool: string;
let known: Known[];

beforeAll(async () => {
  tool = join(await pythonTools(), 'schemathesis');
  folder = await mkdtemp(join(tmpdir(), 'lorelai-schemathesis-'));
  known = await fill(join(folder, 'data'));
}, 600_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Something of every kind that the document speaks of. */
async function fill(dataDir: string): Promise<Known[]> {
  const run = async (...args: string[]): Promise<unknown> => {
    const { exitCode, stdout, stderr } = await command([...args, '--data-dir', dataDir, '--json']);
    if (exitCode !== 0) throw new Error(`${args.join(' ')}: ${stderr}`);
    return JSON.parse(stdout);
  };
  await run('install', componentFile('hello'), '--grant-asked', '--storage');
  await run('install', componentFile('probe'), '--grant-asked', '--storage');
  const connections = [await run('connect', 'hello', '--name', 'one'), await run('connect', 'hello', '--name', 'two')].map((made) =>
    at(made, 'connection', 'id'),
  );
  const indexed = await run('index', 'one');
  const person = await run('people', 'add', 'ada@acme.example');
  const found = await run('search', 'hello');
  const runs = list(indexed, 'runs').map((item) => at(item, 'id'));
  const documents = list(found, 'hits').map((item) => at(item, 'documentId'));
  return [
    { addresses: '^/(api/v1|v1)/connections/', parameter: 'id', values: connections },
    { addresses: '^/webhooks/', parameter: 'connection', values: connections },
    { addresses: '^/api/v1/runs/|^/v1/index/(jobs|runs)/', parameter: 'id', values: runs },
    { addresses: '^/api/v1/people/', parameter: 'person', values: [at(person, 'id')] },
    { addresses: '^/api/v1/documents/|^/v1/index/items/', parameter: 'id', values: documents },
    { addresses: '^/api/v1/(datasources|datasource-versions)/', parameter: 'name', values: ['hello', 'probe'] },
    { addresses: '^/api/v1/datasources/.*/features/', parameter: 'feature', values: ['greetings'] },
  ];
}

function at(value: unknown, ...keys: string[]): string {
  return String(
    keys.reduce<unknown>((inner, key) => (typeof inner === 'object' && inner !== null ? Reflect.get(inner, key) : undefined), value),
  );
}

function list(value: unknown, key: string): unknown[] {
  const found: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
  if (!Array.isArray(found) || found.length === 0) throw new TypeError(`nothing is under ${key}`);
  return found;
}

/** The key is read from the environment: it is no word of a command line or a report. */
function config(): string {
  const dictionaries = known.map(({ values }, index) => `[dictionaries.known${index}]\nvalues = ${JSON.stringify(values)}\n`);
  const operations = known.map(
    ({ addresses, parameter }, index) =>
      `[[operations]]\ninclude-path-regex = ${JSON.stringify(addresses)}\nparameters = { "path.${parameter}" = { dictionary = "known${index}", probability = 0.8 } }\n`,
  );
  return [
    `hooks = ${JSON.stringify(HOOKS)}`,
    'headers = { Authorization = "Bearer ${LORELAI_TEST_KEY}" }',
    ...NOT_ASKED.map((check) => `checks.${check}.enabled = false`),
    '[dictionaries.organisations]\nvalues = ["default"]',
    '[parameters]\n"query.organisation" = { dictionary = "organisations", probability = 0.8 }',
    ...dictionaries,
    // A page for a person who came back from a source: whatever the address holds, the answer is that page.
    `[[operations]]\ninclude-path-regex = "/oauth/.*/callback$"\nchecks.negative_data_rejection.enabled = false\n`,
    // Nobody answers at the addresses of examples, and the document says what comes of it.
    `[[operations]]\ninclude-path-regex = "^/api/v1/(datasources|datasource-versions|markets)$"\nchecks.not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", 502]\n`,
    ...operations,
  ].join('\n');
}

interface Verdict {
  code: number;
  output: string;
  host: HostProcess;
}

async function fuzz(name: string, options: readonly string[]): Promise<Verdict> {
  const dataDir = join(folder, name);
  await cp(join(folder, 'data'), dataDir, { recursive: true });
  const plenty = '1000000';
  const host = await startHostProcess({
    dataDir,
    env: { LORELAI_CALLER_REQUESTS_PER_MINUTE: plenty, LORELAI_ADDRESS_REQUESTS_PER_MINUTE: plenty },
  });
  try {
    const file = join(folder, `${name}.toml`);
    await writeFile(file, config());
    // From a file: where it came from is left out of what is tested otherwise.
    const document = join(folder, 'openapi.json');
    await writeFile(document, await (await fetch(`${host.url}/openapi.json`)).text());
    const bounds = ['--generation-deterministic', '--no-shrink', '--continue-on-failure', '--workers', '1', '--request-timeout', '60'];
    const args = ['--config-file', file, 'run', document, '--url', host.url, ...bounds, '--no-color', ...options];
    const env = { PATH: process.env.PATH, LORELAI_TEST_KEY: ADMIN_KEY };
    const ended = await promisify(execFile)(tool, args, { cwd: folder, env, maxBuffer: 64 * 1024 * 1024 }).then(
      ({ stdout }) => ({ code: 0, output: stdout }),
      (error: { code?: number; stdout?: string; stderr?: string }) => ({
        code: error.code ?? -1,
        output: `${error.stdout ?? ''}${error.stderr ?? ''}`,
      }),
    );
    return { ...ended, host };
  } finally {
    await host.stop();
  }
}

/** Every answer is what the document says: no 5xx, no status, header, body or media type that is not in it. */
describe('every operation of the document', { timeout: 600_000 }, () => {
  test('answers as it says, to what fits its schemas and to what does not', async () => {
    const { code, output } = await fuzz('single', ['--phases', 'examples,coverage,fuzzing', '--max-examples', '5']);
    expect(code, output).toBe(0);
    expect(output).toContain(`Operations:       ${apiRoutes().routes.length} selected / ${apiRoutes().routes.length} total`);
  });

  test('answers as it says when requests follow from one another', async () => {
    const { code, output } = await fuzz('sequence', ['--phases', 'stateful', '--max-examples', '15']);
    expect(code, output).toBe(0);
  });
});
