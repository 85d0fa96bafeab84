import { OPEN } from './access.ts';
import { auditRoutes } from './audit.ts';
import { authorisationRoutes } from './authorisations.ts';
import { changeRoutes } from './changes.ts';
import { connectionRoutes } from './connections.ts';
import { datasourceRoutes } from './datasources.ts';
import { documentAccessRoutes } from './document-access.ts';
import { healthRoutes } from './health.ts';
import { keyRoutes } from './keys.ts';
import { lockRoutes } from './lock.ts';
import { lorelaiRoutes } from './lorelai.ts';
import { marketRoutes } from './markets.ts';
import { metricsRoutes } from './metrics.ts';
import { openApiDocument, type OpenApiDocument } from './openapi.ts';
import { organisationRoutes } from './organisations.ts';
import { peopleRoutes } from './people.ts';
import { retrieveRoutes } from './retrieve.ts';
import { defineRoute, noBody, ok, type Route } from './route.ts';
import { runRoutes } from './runs.ts';
import { scheduleRoutes } from './schedules.ts';
import { sigstoreRoutes } from './sigstore.ts';
import { sourceFolderRoutes } from './source-folders.ts';
import { sourceRoutes } from './sources.ts';
import { trustRoutes } from './trust.ts';
import { variableRoutes } from './variables.ts';
import { vectorRoutes } from './vectors.ts';
import { versionRoutes } from './versions.ts';
import { webhookRoutes } from './webhooks.ts';

/** Every operation of the API, in the order of the reference, and the OpenAPI document made of them. */
export function apiRoutes(): { routes: readonly Route[]; document: OpenApiDocument } {
  const routes = [
    ...retrieveRoutes(),
    ...vectorRoutes(),
    ...connectionRoutes(),
    ...authorisationRoutes(),
    ...variableRoutes(),
    ...auditRoutes(),
    ...scheduleRoutes(),
    ...runRoutes(),
    ...webhookRoutes(),
    ...peopleRoutes(),
    ...documentAccessRoutes(),
    ...versionRoutes(),
    ...sourceRoutes(),
    ...sourceFolderRoutes(),
    ...marketRoutes(),
    ...trustRoutes(),
    ...sigstoreRoutes(),
    ...lockRoutes(),
    ...datasourceRoutes(),
    ...organisationRoutes(),
    ...keyRoutes(),
    ...changeRoutes(),
    ...lorelaiRoutes(),
    ...healthRoutes(),
    ...metricsRoutes(),
  ];
  routes.push(documentRoute(() => document));
  const document = openApiDocument(routes);
  return { routes, document };
}

function documentRoute(document: () => OpenApiDocument): Route {
  return defineRoute({
    method: 'GET',
    path: '/openapi.json',
    operationId: 'getOpenApi',
    access: OPEN,
    tag: 'Host',
    summary: 'Read this description',
    description: 'The OpenAPI 3.1 document of this API, made from the same table as the server.',
    pathParameters: {},
    queryParameters: {},
    body: noBody(),
    success: ok('JsonObject', 'An OpenAPI 3.1 document.'),
    errors: [],
    handle: async () => document(),
  });
}
