import type { Actor } from '../../domain/caller.ts';
import type { IncomingDelivery, WebhookProof } from '../../domain/webhook.ts';

/** The entry of a connection for what its source sends by itself. */
export interface Webhook {
  connection: string;
  /** Below the address of the host. */
  path: string;
  /** How deliveries are proved; undefined when the datasource takes none. */
  scheme: WebhookProof['scheme'] | undefined;
  open: boolean;
  /** When it was opened or its secret changed. */
  changedAtMs: number | undefined;
  /** Deliveries that wait, and those of the last seven days that have ended. */
  pending: number;
  done: number;
  failed: number;
  lastReceivedAtMs: number | undefined;
  /** Why the last one that failed did. */
  lastReason: string | undefined;
}

/** What became of a delivery. */
export type TakenDelivery =
  | { kind: 'kept' }
  /** A copy of one that was taken before. */
  | { kind: 'repeated' }
  /** The source asks whether the address is ours: given back as plain text, or as a member of a JSON object. */
  | { kind: 'challenge'; text: string }
  | { kind: 'challenge-member'; member: string; value: string };

export interface WebhookService {
  /** UNKNOWN_CONNECTION. */
  get(organisation: string, connection: string): Promise<Webhook>;
  /** Opens it, or changes its secret. `secret` of the answer is one that was made, and is never shown again. UNKNOWN_CONNECTION, WEBHOOK_UNSUPPORTED, INVALID_REQUEST. */
  open(organisation: string, connection: string, secret: string | undefined, actor: Actor): Promise<Webhook & { secret?: string }>;
  /** Nothing is taken any more, and what waits is forgotten. UNKNOWN_CONNECTION. */
  close(organisation: string, connection: string, actor: Actor): Promise<Webhook>;
  /** WEBHOOK_REFUSED, HOST_BUSY. */
  take(connection: string, delivery: IncomingDelivery): Promise<TakenDelivery>;
}
