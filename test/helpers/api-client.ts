import { setTimeout as sleep } from 'node:timers/promises';
import { ADMIN_KEY } from './admin-key.ts';

/** A run as the API shows it, as far as tests look. */
export interface ApiRun {
  id: string;
  state: string;
  reason?: string;
  features: { feature: string; state: string; batches: number; seen: number; upserted: number; unchanged: number; deleted: number }[];
  problems: { feature: string; path: string; reason: string; remedy: string }[];
}

/** One call of the API with the tests' key; rejects with the problem's text when it is refused. */
export async function callApi<T>(url: string, init: { method?: string; body?: unknown } = {}): Promise<T> {
  const { method = 'GET', body } = init;
  const response = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${ADMIN_KEY}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

const ACTIVE = ['queued', 'running', 'parked'];

/** Follows a run until it has ended. */
export async function endOfRun(api: string, id: string): Promise<ApiRun> {
  for (;;) {
    const run = await callApi<ApiRun>(`${api}/api/v1/runs/${id}`);
    if (!ACTIVE.includes(run.state)) return run;
    await sleep(50);
  }
}
