import { Hono } from 'hono';
import { RequestError } from '../domain/errors.ts';
import type { Listener } from '../listen.ts';
import type { Edge } from '../middleware/edge.ts';
import type { Services } from '../services/services.ts';
import { ensureDefaultOrganisation } from '../default-organisation.ts';
import { STYLE_PATH } from '../routes/pages/page.ts';
import type { SharedOptions } from './command.ts';
import type { CliIo } from './io.ts';
import { needsTheMachine } from './remote/remote-host.ts';
import { settings } from './services.ts';

/** How long the page of a browser that came back may take to be sent. */
const GRACE_MS = 2_000;

/**
 * As `withServices`, with the work on authorisations going on meanwhile. `serve` takes browsers on their way to a source and back,
 * and nothing else, where no host does so already.
 */
export async function withAuthorisations<T>(
  io: CliIo,
  options: SharedOptions,
  use: (services: Services, serve: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const { config, log } = settings(io, { DATA_DIR: options.dataDir }, 'warn');
  if (config.hostUrl !== undefined && options.dataDir === undefined) needsTheMachine();
  const [{ openServices }, { createApp }, { listen }, { CALLBACK_PATH, LINK_KINDS, linkPath }] = await Promise.all([
    import('../services/open.ts'),
    import('../app.ts'),
    import('../listen.ts'),
    import('../services/authorisations/browser-paths.ts'),
  ]);
  const { services, keepAuthorisations, close } = await openServices(config, log);
  const stop = new AbortController();
  const work = keepAuthorisations(stop.signal);
  let listener: Listener | undefined;

  async function serve(): Promise<void> {
    // Behind another address there is a host already.
    if (config.publicUrl !== undefined) return;
    const whole = createApp(services, { log, config });
    const app = new Hono<Edge>();
    for (const path of [CALLBACK_PATH, STYLE_PATH]) app.get(path, (c) => whole.fetch(c.req.raw));
    for (const kind of LINK_KINDS) app.on(['GET', 'POST'], linkPath(kind), (c) => whole.fetch(c.req.raw));
    try {
      listener = await listen(app, { host: config.host, port: config.port, log });
    } catch (error) {
      if (!(error instanceof RequestError) || error.code !== 'PORT_IN_USE') throw error;
    }
  }

  try {
    await ensureDefaultOrganisation(services);
    return await use(services, serve);
  } finally {
    stop.abort();
    await listener?.close(GRACE_MS);
    await work;
    await close();
  }
}
