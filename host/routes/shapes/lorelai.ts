import { progressOf } from '../../domain/run-progress.ts';
import type { RunState } from '../../domain/run-kind.ts';
import type { ApiSchemas } from '../../generated/api.ts';
import type { LorelaiFault, LorelaiItemPage, LorelaiResult, LorelaiRun } from '../../services/lorelai/lorelai-services.ts';
import type { Attempt, AuthorisationStatus, Revocation } from '../../services/authorisations/authorisation-view.ts';
import type { RetrievalHit } from '../../services/retrieval/retrieval-hit.ts';
import type { Run } from '../../services/runs/run-view.ts';
import { present, toOptionalTimestamp, toTimestamp } from './present.ts';

/** What Lorelai shows where no time is known. */
const UNKNOWN_DATE = 'Unknown date';

type Item = LorelaiItemPage['items'][number];

export function toLorelaiResultBody({ name, hits, fault }: LorelaiResult): ApiSchemas['LorelaiResult'] {
  return present({ datasource_name: name, context: hits.map(toDocumentBody), error: fault === undefined ? undefined : toErrorBody(fault) });
}

export function toErrorBody({ code, message, connection }: LorelaiFault): ApiSchemas['LorelaiError'] {
  return present({ code, message, connection });
}

function toDocumentBody(hit: RetrievalHit): ApiSchemas['LorelaiDocument'] {
  const title = titleOf(hit);
  return {
    title,
    content: hit.text,
    link: hit.link,
    when: toOptionalTimestamp(hit.updatedAtMs ?? hit.createdAtMs) ?? UNKNOWN_DATE,
    relevance_score: hit.score,
    page_content: hit.text,
    metadata: present({
      source: hit.link,
      title,
      relevance_score: hit.score,
      datasource: hit.datasource,
      feature: hit.feature,
      connection: hit.connection,
      document_id: hit.documentId,
      mime_type: hit.mediaType,
      author: hit.author,
      created_at: toOptionalTimestamp(hit.createdAtMs),
      updated_at: toOptionalTimestamp(hit.updatedAtMs),
      headings: hit.headings,
      location: hit.location,
      positions: hit.positions,
      attributes: hit.attributes,
    }),
  };
}

/** A source may give a document without a title; what is shown has one. */
function titleOf({ title, headings, location, link }: RetrievalHit): string {
  return [title, headings[0], location.at(-1)].find((text) => text !== undefined && text.trim() !== '') ?? link;
}

const JOB_STATES: Readonly<Record<RunState, ApiSchemas['LorelaiJob']['state']>> = {
  queued: 'queued',
  running: 'started',
  parked: 'scheduled',
  held: 'deferred',
  succeeded: 'finished',
  partial: 'finished',
  failed: 'failed',
  cancelled: 'canceled',
};

/** Taken from the run's one state each time, so that nothing can say that a failed run is completed. */
const RUN_STATUSES: Readonly<Record<RunState, ApiSchemas['LorelaiRun']['status']>> = {
  queued: 'pending',
  running: 'pending',
  parked: 'pending',
  held: 'pending',
  succeeded: 'completed',
  partial: 'completed_with_errors',
  failed: 'failed',
  cancelled: 'failed',
};

export function toJobBody({ run, datasource }: LorelaiRun): ApiSchemas['LorelaiJob'] {
  const { seen, expected, changed, unchanged, deleted, skipped } = progressOf(run, Date.now());
  const { organisation, connection, reason } = run;
  return present({
    job_id: run.id,
    state: JOB_STATES[run.state],
    metadata: present({
      organisation,
      datasource_name: datasource,
      connection,
      seen,
      expected,
      changed,
      unchanged,
      deleted,
      skipped,
      reason,
    }),
    result: run.finishedAtMs === undefined ? undefined : toRunBody({ run, datasource }),
  });
}

export function toRunBody({ run, datasource }: LorelaiRun): ApiSchemas['LorelaiRun'] {
  return {
    id: run.id,
    rq_job_id: run.id,
    status: RUN_STATUSES[run.state],
    error: errorOf(run),
    organisation_id: run.organisation,
    datasource_id: datasource,
    connection_id: run.connection,
    created_at: toTimestamp(run.createdAtMs),
    updated_at: toTimestamp(run.finishedAtMs ?? run.startedAtMs ?? run.createdAtMs),
  };
}

function errorOf({ state, reason }: Run): string | null {
  return state === 'succeeded' ? null : (reason ?? (state === 'failed' || state === 'cancelled' ? state : null));
}

export function toItemsBody(
  { run, items, total }: LorelaiItemPage,
  { page, perPage }: { page: number; perPage: number },
): ApiSchemas['LorelaiRunItems'] {
  return {
    items: items.map((item) => toItemBody(run, item)),
    metadata: { page, per_page: perPage, total_items: total, total_pages: Math.ceil(total / perPage) },
  };
}

function toItemBody(run: string, { id, sourceId, title, link, status, error, atMs }: Item): ApiSchemas['LorelaiRunItem'] {
  return {
    id,
    indexing_run_id: run,
    item_id: sourceId,
    item_type: 'document',
    item_name: title,
    item_url: link ?? null,
    item_status: status,
    item_error: error ?? null,
    created_at: toTimestamp(atMs),
    updated_at: toTimestamp(atMs),
    parent_item_id: null,
  };
}

export function toOAuthStartBody({
  connection,
  attempt,
}: {
  connection: string;
  attempt: Attempt | undefined;
}): ApiSchemas['LorelaiOAuthStart'] {
  if (attempt === undefined) return { connection, state: 'active' };
  return present({
    connection,
    state: 'waiting' as const,
    authorization_url: attempt.authorizationUrl,
    user_code: attempt.userCode,
    verification_uri: attempt.verificationUri,
    expires_at: toTimestamp(attempt.expiresAtMs),
  });
}

export function toTokenStateBody(
  connection: string,
  { state, scopes = [], expiresAtMs }: AuthorisationStatus,
): ApiSchemas['LorelaiTokenState'] {
  return present({ connection, state, scopes, expires_at: toOptionalTimestamp(expiresAtMs) });
}

export function toLorelaiRevocationBody(connection: string, revocation: Revocation): ApiSchemas['LorelaiRevocation'] {
  const { atSource, documents, passages, accessEntries } = revocation;
  return present({ connection, at_source: atSource.outcome, reason: atSource.reason, documents, passages, access_entries: accessEntries });
}
