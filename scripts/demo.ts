/**
 * `npm run demo [-- --json]`: the whole path on one machine. An emulated GitHub on loopback with this
 * project's own text in it; the `github` datasource built, inspected, installed and connected; a run;
 * three questions; their answers with links. Exit code 1 when an answer is not the right one.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildDatasource } from '../host/authoring/build.ts';
import { readConfig } from '../host/config.ts';
import { createLog } from '../host/log.ts';
import { startHost, type RunningHost } from '../host/main.ts';
import { askQuestions, connectGithub, indexAll, type Answer } from './demo/api.ts';
import { startEmulator, type Emulator } from './demo/emulator.ts';
import { runDatasources } from './demo/command.ts';
import { QUESTIONS } from './demo/questions.ts';

const GITHUB = join(import.meta.dirname, '../datasources/github');
const json = process.argv.includes('--json');

function say(line: string): void {
  // With --json the last line of stdout is for machines; people still see where it is.
  (json ? process.stderr : process.stdout).write(`${line}\n`);
}

interface Outcome {
  documents: number;
  passages: number;
  questions: { question: string; hits: { title: string; link: string; score: number }[] }[];
  elapsedMs: number;
}

async function demonstrate(
  scratch: string,
  emulator: Emulator,
  startedMs: number,
): Promise<{ outcome: Outcome; wrong: Answer[]; host: RunningHost }> {
  const dataDir = join(scratch, 'data');
  say(`GitHub, emulated, with this project's own text: ${emulator.url}`);
  const built = await buildDatasource(GITHUB, { outFile: join(scratch, 'github.wasm') });
  say(`Built datasource github ${built.manifest.version}: ${(built.sizeBytes / 2 ** 20).toFixed(1)} MiB`);
  await runDatasources([
    'install',
    built.file,
    '--storage',
    '--allow',
    emulator.url,
    '--allow-private',
    '127.0.0.0/8',
    '--data-dir',
    dataDir,
  ]);
  say(`Installed; granted: ${emulator.url} and nothing else`);
  const config = readConfig({ DATA_DIR: dataDir, PORT: '0', LOG_LEVEL: 'warn' });
  const log = createLog({ level: config.logLevel, pretty: true, write: (line) => process.stderr.write(line) });
  const host = await startHost(config, log);
  const api = { url: host.url, key: (await readFile(join(dataDir, 'first-admin.key'), 'utf8')).trim() };
  const connection = await connectGithub(api, { baseUrl: emulator.url, repository: emulator.repository, token: emulator.token });
  const { documents, passages } = await indexAll(api, connection, (line) => say(line));
  const answers = await askQuestions(api, QUESTIONS);
  for (const { question, hits } of answers) {
    say(`\n${question}`);
    for (const hit of hits)
      say(`  ${hit.score.toFixed(2)}  ${hit.title}\n        ${hit.link}\n        ${hit.snippet.replaceAll(/\s+/g, ' ').slice(0, 140)}`);
  }
  const questions = answers.map(({ question, hits }) => ({
    question,
    hits: hits.map(({ title, link, score }) => ({ title, link, score })),
  }));
  const outcome = { documents, passages, questions, elapsedMs: Math.round(performance.now() - startedMs) };
  return { outcome, wrong: answers.filter((answer) => !answer.right), host };
}

/** A person who watches gets time to look around; nobody else is kept waiting. */
async function lookAround(url: string): Promise<void> {
  say(`\nThe API and its reference: ${url}/reference`);
  if (json || !process.stdout.isTTY) return;
  say('Ctrl-C ends it.');
  await new Promise((resolve) => process.once('SIGINT', resolve));
}

async function main(): Promise<void> {
  const startedMs = performance.now();
  const scratch = await mkdtemp(join(tmpdir(), 'datasource-demo-'));
  const emulator = await startEmulator();
  let host: RunningHost | undefined;
  try {
    const shown = await demonstrate(scratch, emulator, startedMs);
    host = shown.host;
    await lookAround(host.url);
    for (const { question, expected } of shown.wrong) process.stderr.write(`error: the first answer to "${question}" is not ${expected}\n`);
    process.exitCode = shown.wrong.length === 0 ? 0 : 1;
    if (json) process.stdout.write(`${JSON.stringify(shown.outcome)}\n`);
  } finally {
    await host?.close();
    await emulator.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

await main();
