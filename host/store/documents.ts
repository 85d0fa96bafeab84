import type { AccessList } from '../domain/access.ts';
import type { SourceDocument } from '../domain/document.ts';
import { ACCESS_ID } from './access-lists.ts';
import { operation } from './database.ts';
import type { Database, Operation } from './database.ts';
import { defineStatement } from './statement.ts';

/** What the index keeps of a document beside its text. */
export type DocumentFacts = Omit<SourceDocument, 'content'>;

/** An access as it is kept: its text, and the list that all documents share which say the same. */
export interface WrittenAccess {
  text: string;
  list: AccessList;
}

/** What is known of a document before it is read again. */
export interface KnownDocument {
  version: string | undefined;
  /** As it was given with the last upsert. */
  contentHash: Uint8Array;
}

/** Where documents belong. */
export interface DocumentHome {
  organisation: string;
  connection: string;
  feature: string;
}

type FactParams = {
  connection: string;
  feature: string;
  sourceId: string;
  version: string | null;
  title: string;
  link: string;
  mediaType: string;
  location: string;
  author: string | null;
  createdAtMs: number | null;
  updatedAtMs: number | null;
  access: string;
  accessKey: string;
  attributes: string;
  nowMs: number;
};

const KNOWN = defineStatement<{ connection: string; feature: string; sourceIds: string }, [string, KnownDocument]>(
  'documents.known',
  `SELECT source_id, version, content_hash FROM documents
   WHERE connection_id = :connection AND feature = :feature AND source_id IN (SELECT value FROM json_each(:sourceIds))`,
  (row) => [row.text('source_id'), { version: row.optionalText('version'), contentHash: row.bytes('content_hash') }],
);

const UPSERT = defineStatement<FactParams & { publicId: string; organisation: string; contentHash: Uint8Array; passages: number }>(
  'documents.upsert',
  `INSERT INTO documents (public_id, organisation_id, connection_id, feature, source_id, version, content_hash, title, link,
     media_type, location, author, created_at_ms, updated_at_ms, indexed_at_ms, access, access_id, attributes, passage_count)
   VALUES (:publicId, :organisation, :connection, :feature, :sourceId, :version, :contentHash, :title, :link,
     :mediaType, :location, :author, :createdAtMs, :updatedAtMs, :nowMs, :access, ${ACCESS_ID}, :attributes, :passages)
   ON CONFLICT (connection_id, feature, source_id) DO UPDATE SET version = excluded.version,
     content_hash = excluded.content_hash, title = excluded.title, link = excluded.link, media_type = excluded.media_type,
     location = excluded.location, author = excluded.author, created_at_ms = excluded.created_at_ms,
     updated_at_ms = excluded.updated_at_ms, indexed_at_ms = excluded.indexed_at_ms, access = excluded.access,
     access_id = excluded.access_id, attributes = excluded.attributes, passage_count = excluded.passage_count`,
);

// Rows that are the same already are left alone: writing them again would cost most of an upsert.
const REFRESH = defineStatement<Omit<FactParams, 'title' | 'mediaType' | 'location'>>(
  'documents.refresh',
  `UPDATE documents SET version = :version, link = :link, author = :author, created_at_ms = :createdAtMs,
     updated_at_ms = :updatedAtMs, access = :access, access_id = ${ACCESS_ID},
     attributes = :attributes, indexed_at_ms = :nowMs
   WHERE connection_id = :connection AND feature = :feature AND source_id = :sourceId
     AND (version IS NOT :version OR link <> :link OR author IS NOT :author OR created_at_ms IS NOT :createdAtMs
       OR updated_at_ms IS NOT :updatedAtMs OR access <> :access OR access_id IS NULL OR attributes <> :attributes)`,
);

type SourceIds = { connection: string; feature: string; sourceIds: string };

const DELETE = defineStatement<SourceIds>(
  'documents.delete',
  `DELETE FROM documents
   WHERE connection_id = :connection AND feature = :feature AND source_id IN (SELECT value FROM json_each(:sourceIds))`,
);

/**
 * What is indexed under these ids of one feature, so that what has not changed is not split and
 * written again. Ids that are not known are not in the map.
 */
export async function knownVersions(
  database: Database,
  connection: string,
  feature: string,
  sourceIds: readonly string[],
): Promise<Map<string, KnownDocument>> {
  return new Map(await database.read(KNOWN, { connection, feature, sourceIds: JSON.stringify(sourceIds) }));
}

/** Adds or replaces a document's row, whose access list must be there; its passages come with those of passages.ts. */
export function upsertDocument(
  home: DocumentHome,
  input: { document: DocumentFacts; access: WrittenAccess; contentHash: Uint8Array; publicId: string; passages: number; nowMs: number },
): Operation {
  const { document, access, publicId, contentHash, passages, nowMs } = input;
  const facts = factParams(home, document, access, nowMs);
  return operation(UPSERT, { ...facts, organisation: home.organisation, contentHash, publicId, passages });
}

/**
 * Takes over what may change without the searched text changing; writes nothing when nothing has. The access list must be
 * there; `spreadAccessOf` must follow.
 */
export function refreshDocument(home: DocumentHome, document: DocumentFacts, access: WrittenAccess, nowMs: number): Operation {
  const { title, mediaType, location, ...facts } = factParams(home, document, access, nowMs);
  return operation(REFRESH, facts);
}

/** Deletes documents whose passages are deleted already; unknown ids are ignored. */
export function deleteDocuments(home: DocumentHome, sourceIds: readonly string[]): Operation {
  const { connection, feature } = home;
  return operation(DELETE, { connection, feature, sourceIds: JSON.stringify(sourceIds) });
}

function factParams(home: DocumentHome, document: DocumentFacts, access: WrittenAccess, nowMs: number): FactParams {
  return {
    connection: home.connection,
    feature: home.feature,
    sourceId: document.id,
    version: document.version ?? null,
    title: document.title,
    link: document.link,
    mediaType: document.mediaType,
    location: JSON.stringify(document.location),
    author: document.author ?? null,
    createdAtMs: document.createdAtMs ?? null,
    updatedAtMs: document.updatedAtMs ?? null,
    access: access.text,
    accessKey: access.list.key,
    attributes: JSON.stringify(document.attributes),
    nowMs,
  };
}
