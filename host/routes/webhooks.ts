import { callersWith, OPEN } from './access.ts';
import { ORGANISATION } from './organisation-parameter.ts';
import { requiredText } from './parameters.ts';
import { defineRoute, deliveryBody, noBody, ok, optionalBody, type Route } from './route.ts';
import { toDeliveryBody, toOpenedWebhookBody, toWebhookBody } from './shapes/webhook.ts';
import { CONNECTION } from './things.ts';

/** Below it sources deliver. */
export const DELIVERIES_PATH = '/webhooks/';

const OF_CONNECTION = {
  path: '/api/v1/connections/{id}/webhook',
  tag: 'Webhooks',
  pathParameters: { id: requiredText('The id of the connection.', '01KATM4X7Z6V0R1Q2W3E4R5T6Y') },
  queryParameters: { organisation: ORGANISATION },
} as const;

export function webhookRoutes(): Route[] {
  return [...entryRoutes(), deliveryRoute()];
}

function entryRoutes(): Route[] {
  return [
    defineRoute({
      ...OF_CONNECTION,
      method: 'GET',
      operationId: 'getWebhook',
      of: CONNECTION,
      access: callersWith(['operator', 'author'], 'query'),
      summary: 'Read the webhook of a connection',
      description: 'Whether deliveries of the source are taken, where, and what became of them. Never the secret.',
      body: noBody(),
      success: ok('Webhook', 'The webhook.'),
      errors: ['UNKNOWN_ORGANISATION', 'UNKNOWN_CONNECTION'],
      handle: async (services, { path, query }) => toWebhookBody(await services.webhooks.get(query.organisation, path.id)),
    }),
    defineRoute({
      ...OF_CONNECTION,
      method: 'POST',
      operationId: 'openWebhook',
      of: CONNECTION,
      access: callersWith('operator', 'query'),
      summary: 'Open the webhook of a connection',
      description:
        'From now on deliveries are taken that are proved with this secret; an earlier one is no longer good. Without a secret one is made and shown once, here.',
      body: optionalBody('WebhookInput'),
      success: ok('OpenedWebhook', 'The webhook, with the secret if one was made.'),
      errors: ['UNKNOWN_ORGANISATION', 'UNKNOWN_CONNECTION', 'WEBHOOK_UNSUPPORTED'],
      handle: async (services, { path, query, body, actor }) =>
        toOpenedWebhookBody(await services.webhooks.open(query.organisation, path.id, body.secret, actor)),
    }),
    defineRoute({
      ...OF_CONNECTION,
      method: 'DELETE',
      operationId: 'closeWebhook',
      of: CONNECTION,
      access: callersWith('operator', 'query'),
      summary: 'Close the webhook of a connection',
      description: 'Nothing is taken any more; the secret and what waits are forgotten.',
      body: noBody(),
      success: ok('Webhook', 'The webhook, closed.'),
      errors: ['UNKNOWN_ORGANISATION', 'UNKNOWN_CONNECTION'],
      handle: async (services, { path, query, actor }) => toWebhookBody(await services.webhooks.close(query.organisation, path.id, actor)),
    }),
  ];
}

function deliveryRoute(): Route {
  return defineRoute({
    method: 'POST',
    path: `${DELIVERIES_PATH}{connection}`,
    operationId: 'deliver',
    access: OPEN,
    tag: 'Webhooks',
    summary: 'Deliver a change',
    description:
      'For the source itself, which proves with its signature that the delivery is its own. It is kept first and worked on later, so the answer comes at once; a copy of a delivery is taken no second time. ' +
      'Any query and any body are taken. A handshake is answered with what the source sent along, as text or as JSON.',
    pathParameters: { connection: requiredText('The id of the connection.', '01KATM4X7Z6V0R1Q2W3E4R5T6Y') },
    queryParameters: {},
    body: deliveryBody(),
    success: { status: 200, schema: 'JsonObject', orText: true, description: 'What became of it, or the answer to a handshake.' },
    errors: ['WEBHOOK_REFUSED'],
    handle: async (services, { path, body }) => toDeliveryBody(await services.webhooks.take(path.connection, body)),
  });
}
