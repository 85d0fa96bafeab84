import { randomBytes } from 'node:crypto';
import { ulid } from 'ulid';
import { Scrubber } from '../../capabilities/scrub.ts';
import type { Actor } from '../../domain/caller.ts';
import { RequestError } from '../../domain/errors.ts';
import { isJsonObject } from '../../domain/json.ts';
import type { IncomingDelivery, WebhookHandshake, WebhookProof, WebhookRules } from '../../domain/webhook.ts';
import type { Log } from '../../log.ts';
import { recording } from '../../store/changes.ts';
import type { Database } from '../../store/database.ts';
import { keepDelivery } from '../../store/deliveries.ts';
import { countDeliveries, deleteWebhook, findWebhook, putWebhook, type StoredWebhook } from '../../store/webhooks.ts';
import type { SecretHome, Vault } from './credentials.ts';
import type { HostMetrics } from '../record/metrics.ts';
import type { DatasourceRegistry } from '../registry/registry.ts';
import type { ConnectionService } from './connection-service.ts';
import type { TakenDelivery, Webhook, WebhookService } from './webhook-service.ts';
import { checkProof, parseJson } from './webhook-proof.ts';

export interface WebhookOptions {
  database: Database;
  connections: Pick<ConnectionService, 'get'>;
  registry: DatasourceRegistry;
  vault: Vault;
  metrics: Pick<HostMetrics, 'countDelivery'>;
  log: Log;
  /** Tells the worker that there is something to do. */
  wake(): void;
}

/** A shorter secret could be guessed by trying. */
const MIN_SECRET_LENGTH = 16;
const MAX_SECRET_LENGTH = 1_024;
const MADE_SECRET_BYTES = 32;
/** What a handshake gives back of what came from outside. */
const MAX_CHALLENGE_LENGTH = 1_024;
const MAX_SOURCE_ID_LENGTH = 200;
const MAX_HEADERS = 64;
const MAX_HEADER_LENGTH = 2_048;

/** Headers that say something of the way here, or that may hold a secret of somebody else's. */
const HEADERS_KEPT_BACK =
  /^(authorization|cookie|proxy-.*|connection|keep-alive|te|trailer|transfer-encoding|upgrade|forwarded|via|x-forwarded-.*|x-real-ip)$/;

/** Takes what sources send by themselves: proved first, then kept, then given to the datasource by a run. */
export function createWebhooks(options: WebhookOptions): WebhookService {
  const { database, connections, registry, vault } = options;

  async function view(organisation: string, id: string): Promise<Webhook> {
    const connection = await connections.get(organisation, id);
    const { manifest } = await registry.runnable(connection.datasource);
    const found = manifest.webhook === undefined ? undefined : await findWebhook(database, id);
    return {
      connection: id,
      path: webhookPath(id),
      scheme: manifest.webhook?.proof.scheme,
      open: found !== undefined,
      changedAtMs: found?.updatedAtMs,
      ...(await countDeliveries(database, organisation, id)),
    };
  }

  return {
    get: view,

    async open(organisation, id, given, actor) {
      const { datasource } = await connections.get(organisation, id);
      const { manifest } = await registry.runnable(datasource);
      if (manifest.webhook === undefined) throw withoutWebhook(datasource);
      const secret = given ?? randomBytes(MADE_SECRET_BYTES).toString('base64url');
      refuseWeakSecret(secret);
      const sealedSecret = await vault.seal(homeOf({ organisation, connection: id }), secret);
      const change = { actor, organisation, action: 'webhook.open', target: `connection/${id}`, after: { open: true } } as const;
      await recording(database, change).write([putWebhook({ organisation, connection: id, sealedSecret, nowMs: Date.now() })]);
      return { ...(await view(organisation, id)), ...(given === undefined ? { secret } : {}) };
    },

    async close(organisation, id, actor: Actor) {
      await connections.get(organisation, id);
      const change = { actor, organisation, action: 'webhook.close', target: `connection/${id}`, after: { open: false } } as const;
      await recording(database, change).write(deleteWebhook(organisation, id));
      return view(organisation, id);
    },

    async take(id, delivery) {
      const webhook = await findWebhook(database, id);
      if (webhook === undefined) throw refused();
      const { manifest } = await registry.runnable(webhook.datasource);
      if (manifest.webhook === undefined) throw refused();
      return takeDelivery(options, webhook, manifest.webhook, delivery);
    },
  };
}

/** The address of a connection's entry, below the host's own. */
function webhookPath(connection: string): string {
  return `/webhooks/${connection}`;
}

async function takeDelivery(
  { database, vault, metrics, log, wake }: WebhookOptions,
  webhook: StoredWebhook,
  rules: WebhookRules,
  delivery: IncomingDelivery,
): Promise<TakenDelivery> {
  const { connection, datasource } = webhook;
  const asked = queryChallenge(rules.handshake, delivery);
  if (asked !== undefined) return { kind: 'challenge', text: asked };
  const secret = await vault.open(homeOf(webhook), webhook.sealedSecret);
  const verdict = await checkProof(rules.proof, secret, delivery, Date.now());
  if (!verdict.ok) {
    metrics.countDelivery(datasource, 'refused');
    log.warn('webhook delivery refused', { connection, datasource, reason: verdict.reason });
    throw refused();
  }
  const challenge = bodyChallenge(rules.handshake, delivery);
  if (challenge !== undefined) return { kind: 'challenge-member', ...challenge };

  const id = ulid();
  const sourceId = (rules.deliveryIdHeader === undefined ? undefined : delivery.headers.get(rules.deliveryIdHeader)) ?? '';
  const kept = await keepDelivery(database, {
    id,
    connection,
    // What was signed says more of a delivery than an id that anybody could have put beside it.
    identity: verdict.identity ?? (sourceId === '' ? id : `id:${sourceId}`),
    sourceId: (sourceId === '' ? (verdict.identity ?? id) : sourceId).slice(0, MAX_SOURCE_ID_LENGTH),
    ...forDatasource(rules.proof, secret, delivery),
    nowMs: Date.now(),
  });
  metrics.countDelivery(datasource, kept);
  if (kept === 'full') {
    throw new RequestError('HOST_BUSY', 'Too many deliveries of this connection wait.', { remedy: 'Send it again later.' });
  }
  if (kept === 'kept') wake();
  return { kind: kept };
}

/** What the datasource gets: without the secret, and without what says more of the way here than of the change. */
function forDatasource(proof: WebhookProof, secret: string, delivery: IncomingDelivery): { headers: [string, string][]; body: Uint8Array } {
  const scrubber = new Scrubber(secret);
  const proofHeader = proof.scheme === 'body_token' ? undefined : proof.header;
  const headers = [...delivery.headers]
    .filter(([name, value]) => name !== proofHeader && !HEADERS_KEPT_BACK.test(name) && value.length <= MAX_HEADER_LENGTH)
    .slice(0, MAX_HEADERS)
    .map(([name, value]): [string, string] => [name, scrubber.text(value)]);
  return { headers, body: scrubber.bytes(delivery.body) };
}

function queryChallenge(handshake: WebhookHandshake, { query }: IncomingDelivery): string | undefined {
  if (handshake.kind !== 'query_parameter') return undefined;
  return query.get(handshake.parameter)?.slice(0, MAX_CHALLENGE_LENGTH);
}

function bodyChallenge(handshake: WebhookHandshake, { body }: IncomingDelivery): { member: string; value: string } | undefined {
  if (handshake.kind !== 'body_member') return undefined;
  const json = parseJson(body);
  if (!isJsonObject(json) || json.type !== handshake.type) return undefined;
  const value = Object.hasOwn(json, handshake.member) ? json[handshake.member] : undefined;
  return typeof value === 'string' ? { member: handshake.member, value: value.slice(0, MAX_CHALLENGE_LENGTH) } : undefined;
}

function homeOf({ organisation, connection }: { organisation: string; connection: string }): SecretHome {
  return { organisation, connection, kind: 'webhook' };
}

/** One answer for an address that is nobody's, an entry that is not open and a proof that fails: none of them tells of the others. */
function refused(): RequestError {
  return new RequestError('WEBHOOK_REFUSED', 'Nothing is taken here that is not proved to come from the source.', {
    remedy: 'Compare the address and the secret at the source with those of the connection.',
  });
}

function withoutWebhook(datasource: string): RequestError {
  return new RequestError(
    'WEBHOOK_UNSUPPORTED',
    `The datasource "${datasource}" takes no webhooks: its manifest does not say how they are signed.`,
    {
      remedy: 'Use the schedule, or a version of the datasource whose manifest has "webhook".',
    },
  );
}

function refuseWeakSecret(secret: string): void {
  if (secret.length >= MIN_SECRET_LENGTH && secret.length <= MAX_SECRET_LENGTH) return;
  const reason = `It has ${secret.length} characters, and needs ${MIN_SECRET_LENGTH} to ${MAX_SECRET_LENGTH}.`;
  throw new RequestError('INVALID_REQUEST', `The secret cannot be used: ${reason}`, {
    problems: [{ path: '/secret', reason, remedy: 'Give the one that the source shows, or leave it out to have one made.' }],
  });
}
