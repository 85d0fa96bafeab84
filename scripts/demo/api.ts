/** The part of the HTTP API that the demo uses, by plain `fetch`: what any application can do. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Question } from './questions.ts';

interface Hit {
  title: string;
  link: string;
  score: number;
  snippet: string;
}

export interface Answer {
  question: string;
  hits: Hit[];
  expected: string;
  /** Whether the first hit is the expected one. */
  right: boolean;
}

const POLL_MS = 100;
const ANSWERS = 3;

/** Where the host is, and a key for it. */
export interface Api {
  url: string;
  key: string;
}

async function call<T>({ url: base, key }: Api, path: string, init: { method?: string; body?: unknown } = {}): Promise<T> {
  const { method = 'GET', body } = init;
  const url = `${base}${path}`;
  const response = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

/** Connects one repository and has the datasource try it; gives the connection's id. */
export async function connectGithub(api: Api, github: { baseUrl: string; repository: string; token: string }): Promise<string> {
  const { id } = await call<{ id: string }>(api, `/api/v1/connections`, {
    method: 'POST',
    body: { datasource: 'github', config: { base_url: github.baseUrl, repositories: [github.repository] }, credential: github.token },
  });
  const check = await call<{ ready: boolean; problems: unknown[] }>(api, `/api/v1/connections/${id}/check`, { method: 'POST' });
  if (!check.ready) throw new Error(`the connection is not ready: ${JSON.stringify(check)}`);
  return id;
}

/** Starts a run, follows it to its end, and counts what came of it. */
export async function indexAll(
  api: Api,
  connection: string,
  say: (line: string) => void,
): Promise<{ documents: number; passages: number }> {
  let run = await call<{ id: string; state: string; reason?: string; features: { feature: string; upserted: number }[] }>(
    api,
    `/api/v1/connections/${connection}/runs`,
    { method: 'POST', body: {} },
  );
  while (['queued', 'running', 'parked'].includes(run.state)) {
    await sleep(POLL_MS);
    run = await call(api, `/api/v1/runs/${run.id}`);
  }
  if (run.state !== 'succeeded') throw new Error(`the run ended as ${run.state}: ${run.reason ?? ''}`);
  const { documents, passages } = await call<{ documents: number; passages: number }>(api, `/api/v1/connections/${connection}`);
  say(
    `Indexed ${documents} documents, ${passages} passages: ${run.features.map(({ feature, upserted }) => `${feature} ${upserted}`).join(', ')}`,
  );
  return { documents, passages };
}

export async function askQuestions(api: Api, questions: readonly Question[]): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const { question, expected } of questions) {
    const { hits } = await call<{ hits: Hit[] }>(api, `/api/v1/retrieve`, { method: 'POST', body: { question, k: ANSWERS } });
    answers.push({ question, hits, expected, right: hits[0]?.title.includes(expected) ?? false });
  }
  return answers;
}
