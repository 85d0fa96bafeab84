import { callersWith } from './access.ts';
import { defineRoute, noBody, plainText, type Route } from './route.ts';

export function metricsRoutes(): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/metrics',
      operationId: 'getMetrics',
      access: callersWith('metrics', 'host'),
      tag: 'Host',
      summary: 'Read the metrics of the host',
      description:
        'What this host has counted since it was started, in the text format of Prometheus. Labels are words of the host and names of installed datasources.',
      pathParameters: {},
      queryParameters: {},
      body: noBody(),
      success: plainText('text/plain; version=0.0.4; charset=utf-8', 'The metrics.'),
      errors: [],
      handle: (services) => services.metrics.text(),
    }),
  ];
}
