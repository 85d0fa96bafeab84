import { Hono } from 'hono';
import type { Config } from './config.ts';
import type { Log } from './log.ts';
import { accessLog } from './middleware/access-log.ts';
import { bodyLimit, MAX_BODY_BYTES, MAX_DELIVERY_BYTES } from './middleware/body-limit.ts';
import { cors } from './middleware/cors.ts';
import type { Edge } from './middleware/edge.ts';
import { notFound, onError } from './middleware/problem.ts';
import { createRateLimits, type RateLimits } from './middleware/rate-limit.ts';
import { requestId } from './middleware/request-id.ts';
import { sameOrigin } from './middleware/same-origin.ts';
import { secureHeaders } from './middleware/secure-headers.ts';
import { wellFormedUrl } from './middleware/well-formed-url.ts';
import { registerPages } from './routes/pages/pages.ts';
import { registerRoutes } from './routes/register.ts';
import { apiRoutes } from './routes/routes.ts';
import { DELIVERIES_PATH } from './routes/webhooks.ts';
import { createValidation } from './routes/validation.ts';
import type { Services } from './services/services.ts';

/** The settings that the edge looks at. */
export type EdgeConfig = Pick<
  Config,
  'host' | 'allowedHosts' | 'publicUrl' | 'corsOrigins' | 'trustedProxies' | 'callerRequestsPerMinute' | 'addressRequestsPerMinute'
>;

export interface AppOptions {
  log: Log;
  config: EdgeConfig;
  /** Made of the settings when left out. */
  limits?: RateLimits;
}

/** The HTTP edge over these services. It opens nothing: `app.request()` serves it without a port. */
export function createApp(services: Services, { log, config, limits = createRateLimits(config) }: AppOptions): Hono<Edge> {
  const app = new Hono<Edge>();
  app.onError(onError(log));
  app.notFound(notFound());
  app.use(requestId(), accessLog(log), secureHeaders(config), sameOrigin(config), cors(config), limits.address, wellFormedUrl());
  const [forDeliveries, forAllElse] = [bodyLimit(MAX_DELIVERY_BYTES), bodyLimit(MAX_BODY_BYTES)];
  app.use((c, next) => (c.req.path.startsWith(DELIVERIES_PATH) ? forDeliveries(c, next) : forAllElse(c, next)));
  const { routes, document } = apiRoutes();
  registerRoutes(app, routes, { services, validation: createValidation(), limits });
  registerPages(app, document);
  return app;
}
