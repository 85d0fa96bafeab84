import { createApp } from './app.ts';
import { closeInherited } from './close-inherited.ts';
import type { Config } from './config.ts';
import { ensureDefaultOrganisation } from './default-organisation.ts';
import { ensureAdminKey } from './first-admin-key.ts';
import { listen } from './listen.ts';
import type { Log } from './log.ts';
import { openServices } from './services/open.ts';

/** A host that serves requests and works on runs. */
export interface RunningHost {
  /** `http://127.0.0.1:8787`. */
  url: string;
  /** What is around sandbox processes: `namespace (bubblewrap 0.8.0, seccomp)`. */
  isolation: string;
  /** Ends requests and runs, then closes everything. A run goes on from its last commit at the next start. */
  close(): Promise<void>;
}

/** How long requests may take to end once the host is asked to stop. */
const REQUEST_GRACE_MS = 5_000;

/**
 * Starts a host. `showPerson` writes to the terminal of a person, if there is one. PORT_IN_USE, INVALID_SETTING, DATA_DIR_NOT_WRITABLE, DATABASE_NEWER; when it throws,
 * nothing is left open.
 */
export async function startHost(config: Config, log: Log, showPerson?: (text: string) => void): Promise<RunningHost> {
  const { services, isolation, keepAuthorisations, keepVectors, close: closeServices } = await openServices(config, log);
  const stop = new AbortController();
  try {
    await ensureDefaultOrganisation(services);
    await ensureAdminKey(services, { config, log, showPerson });
    const listener = await listen(createApp(services, { log, config }), { host: config.host, port: config.port, log });
    const work = services.runs.work({ signal: stop.signal }).catch((error: unknown) => log.error('the work on runs ended', { error }));
    const authorisations = keepAuthorisations(stop.signal).catch((error: unknown) =>
      log.error('the work on authorisations ended', { error }),
    );
    const vectors = keepVectors(stop.signal).catch((error: unknown) => log.error('the work on vectors ended', { error }));
    return {
      url: listener.url,
      isolation,
      async close() {
        const closed = listener.close(REQUEST_GRACE_MS);
        stop.abort();
        await Promise.all([closed, work, authorisations, vectors]);
        await closeServices();
      },
    };
  } catch (error) {
    stop.abort();
    await closeServices();
    throw error;
  }
}

export interface ServeOptions {
  log: Log;
  /** Takes what the one line at the start says. */
  print(host: Pick<RunningHost, 'url' | 'isolation'>): void;
  /** Writes to the terminal of a person; undefined when nobody looks. */
  showPerson: ((text: string) => void) | undefined;
  /** Ends the host when it aborts. */
  signal: AbortSignal;
}

/** Runs a host until `signal` aborts and everything is closed. Errors as `startHost`. */
export async function serve(config: Config, { log, print, showPerson, signal }: ServeOptions): Promise<void> {
  closeInherited();
  const host = await startHost(config, log, showPerson);
  print(host);
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  log.info('stopping');
  await host.close();
}
