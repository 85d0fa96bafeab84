import { OPEN } from './access.ts';
import { RequestError } from '../domain/errors.ts';
import { defineRoute, noBody, ok, type Route } from './route.ts';

export function healthRoutes(): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/healthz',
      operationId: 'getHealth',
      access: OPEN,
      tag: 'Host',
      summary: 'Is the process alive',
      description: 'Answers as long as the process does. Restart it when this fails.',
      pathParameters: {},
      queryParameters: {},
      body: noBody(),
      success: ok('Health', 'It is alive.'),
      errors: [],
      handle: async () => ({ status: 'ok' as const }),
    }),
    defineRoute({
      method: 'GET',
      path: '/readyz',
      operationId: 'getReadiness',
      access: OPEN,
      tag: 'Host',
      summary: 'Can the host serve requests',
      description: 'Looks at what every request needs. Send no requests while this fails.',
      pathParameters: {},
      queryParameters: {},
      body: noBody(),
      success: ok('Readiness', 'It can.'),
      errors: ['NOT_READY'],
      handle: async (services) => {
        const { ready, checks } = await services.health.ready();
        if (ready) return { ready, checks };
        const problems = checks.filter(({ ok: passed }) => !passed);
        throw new RequestError('NOT_READY', 'The host cannot serve requests now.', {
          remedy: 'Try again in a moment.',
          problems: problems.map(({ name, detail }) => ({ path: name, reason: detail, remedy: 'See the log of the host.' })),
        });
      },
    }),
  ];
}
