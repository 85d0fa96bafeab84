import type { Passage } from '../domain/document.ts';
import { ACCESS_ID } from './access-lists.ts';
import { operation } from './database.ts';
import type { Operation } from './database.ts';
import type { DocumentHome } from './documents.ts';
import type { NewPassage } from './kept-passages.ts';
import { INDEXED_COLUMNS, searchIndexOf } from './search-index.ts';
import { accessWord } from './search-scope.ts';
import { defineStatement } from './statement.ts';
import type { SqlParams, Statement } from './statement.ts';

/** A passage as it is written, with what tells it from others. */
export interface WrittenPassage extends Passage, NewPassage {
  /** Words that it is found by beside its title, headings and text. */
  identifiers: string;
}

/** What a passage has of its document and its batch. */
export interface PassageContext {
  title: string;
  /** Of `scopeWords`. */
  scope: string;
  /** Of the document's access list. */
  accessKey: string;
}

type SourceIds = { connection: string; feature: string; sourceIds: string };

type AllBut = SourceIds & { kept: string };

const OF_DOCUMENTS = `document_id IN (
  SELECT id FROM documents
  WHERE connection_id = :connection AND feature = :feature AND source_id IN (SELECT value FROM json_each(:sourceIds)))`;

const BUT_KEPT = `${OF_DOCUMENTS} AND id NOT IN (SELECT value FROM json_each(:kept))`;

const DELETE = defineStatement<AllBut>('passages.delete', `DELETE FROM passages WHERE ${BUT_KEPT}`);

// VALUES and not SELECT: the latter is a savepoint for each row, at which FTS5 flushes.
const INSERT = defineStatement<{
  connection: string;
  feature: string;
  sourceId: string;
  position: number;
  title: string;
  headings: string;
  text: string;
  identifiers: string;
  scope: string;
  hash: Uint8Array;
  accessKey: string;
}>(
  'passages.insert',
  `INSERT INTO passages (document_id, access_id, position, title, headings, text, identifiers, scope, hash)
   VALUES (
     (SELECT id FROM documents WHERE connection_id = :connection AND feature = :feature AND source_id = :sourceId),
     ${ACCESS_ID}, :position, :title, :headings, :text, :identifiers, :scope, :hash)`,
);

/** Deletes all passages of these documents with their index entries, but for those with the ids `kept`: two operations. */
export function deletePassages(home: DocumentHome, sourceIds: readonly string[], kept: readonly number[] = []): Operation[] {
  const ids = { ...ofDocuments(home, sourceIds), kept: JSON.stringify(kept) };
  return [operation(unindexPassages<AllBut>(home.organisation, BUT_KEPT), ids), operation(DELETE, ids)];
}

/** Takes the index entries of passages out, which `condition` finds; these passages must be deleted in the same transaction. */
export function unindexPassages<Params extends SqlParams<Params>>(organisation: string, condition: string): Statement<Params, never> {
  const { entries } = searchIndexOf(organisation);
  return defineStatement(
    'passages_fts.delete',
    // FTS5's form of a delete: its own name as a column, and what the entry was made of.
    `INSERT INTO ${entries} (${entries}, rowid, ${INDEXED_COLUMNS})
     SELECT 'delete', id, ${INDEXED_COLUMNS} FROM passages WHERE ${condition}`,
  );
}

/** Adds one passage of a document that is in the table; `indexPassages` must follow. */
export function insertPassage(home: DocumentHome, passage: WrittenPassage, context: PassageContext): Operation {
  const { connection, feature } = home;
  const { sourceId, position, text, identifiers, hash } = passage;
  const { title, accessKey } = context;
  const scope = `${context.scope} ${accessWord(accessKey)}`;
  const headings = JSON.stringify(passage.headings);
  return operation(INSERT, { connection, feature, sourceId, position, title, headings, text, identifiers, scope, hash, accessKey });
}

/** Makes the passages of these documents searchable, all of which are new but for those with the ids `kept`. */
export function indexPassages(home: DocumentHome, sourceIds: readonly string[], kept: readonly number[] = []): Operation {
  // One statement for all of them: FTS5 flushes at every statement that could be rolled back alone.
  const index = defineStatement<AllBut>(
    'passages_fts.insert',
    `INSERT INTO ${searchIndexOf(home.organisation).entries} (rowid, ${INDEXED_COLUMNS})
     SELECT id, ${INDEXED_COLUMNS} FROM passages WHERE ${BUT_KEPT}`,
  );
  return operation(index, { ...ofDocuments(home, sourceIds), kept: JSON.stringify(kept) });
}

function ofDocuments(home: DocumentHome, sourceIds: readonly string[]): SourceIds {
  return { connection: home.connection, feature: home.feature, sourceIds: JSON.stringify(sourceIds) };
}
