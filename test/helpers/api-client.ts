import { setTimeout as sleep } from 'node:timers/promises';

/** A run as the API shows it, as far as tests look. */
export interface ApiRun {
  id: string;
  state: string;
  reason?: string;
  features: { feature: string; state: string; batches: number; seen: number; upserted: number; unchanged: number; deleted: number }[];
  problems: { feature: string; path: string; reason: string; remedy: string }[];
}

/** One call of the API; rejects with the problem's text when it is refused. */
export async function callApi<T>(url: string, init: { method?: string; body?: unknown } = {}): Promise<T> {
  const { method = 'GET', body } = init;
  const response = await fetch(url, {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
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
