import type { JsonObject } from '../../domain/json.ts';
import type { ApiSchemas } from '../../generated/api.ts';
import type { TakenDelivery, Webhook } from '../../services/connections/webhook-service.ts';
import { present, toOptionalTimestamp } from './present.ts';

export function toWebhookBody(webhook: Webhook): ApiSchemas['Webhook'] {
  const { connection, path, scheme, open, pending, done, failed, lastReason } = webhook;
  return present({
    connection,
    path,
    scheme,
    open,
    changedAt: toOptionalTimestamp(webhook.changedAtMs),
    pending,
    done,
    failed,
    lastReceivedAt: toOptionalTimestamp(webhook.lastReceivedAtMs),
    lastReason,
  });
}

export function toOpenedWebhookBody({ secret, ...webhook }: Webhook & { secret?: string }): ApiSchemas['OpenedWebhook'] {
  return present({ webhook: toWebhookBody(webhook), secret });
}

/** What the source reads: a text, or an object. */
export function toDeliveryBody(taken: TakenDelivery): JsonObject | string {
  switch (taken.kind) {
    case 'kept':
    case 'repeated':
      return { outcome: taken.kind };
    case 'challenge':
      return taken.text;
    case 'challenge-member':
      return { [taken.member]: taken.value };
    default:
      return taken satisfies never;
  }
}
