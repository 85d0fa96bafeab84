import { identifierWords } from '../domain/words.ts';
import type { Passage } from '../domain/document.ts';
import { operation } from './database.ts';
import type { Operation } from './database.ts';
import type { DocumentHome } from './documents.ts';
import { defineStatement } from './statement.ts';

/** Words that a passage is found by beside its own text. */
export interface PassageContext {
  title: string;
  /** Names of what contains the document, outermost first. */
  location: readonly string[];
  /** Of `scopeWords`. */
  scope: string;
}

type SourceIds = { connection: string; feature: string; sourceIds: string };

const OF_DOCUMENTS = `document_id IN (
  SELECT id FROM documents
  WHERE connection_id = :connection AND feature = :feature AND source_id IN (SELECT value FROM json_each(:sourceIds)))`;

const DELETE = defineStatement<SourceIds>('passages.delete', `DELETE FROM passages WHERE ${OF_DOCUMENTS}`);

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
}>(
  'passages.insert',
  `INSERT INTO passages (document_id, position, title, headings, text, identifiers, scope)
   VALUES (
     (SELECT id FROM documents WHERE connection_id = :connection AND feature = :feature AND source_id = :sourceId),
     :position, :title, :headings, :text, :identifiers, :scope)`,
);

const INDEX = defineStatement<SourceIds>(
  'passages.index',
  `INSERT INTO passages_fts (rowid, title, headings, text, identifiers, scope)
   SELECT id, title, headings, text, identifiers, scope FROM passages WHERE ${OF_DOCUMENTS}`,
);

/** Deletes all passages of these documents with their index entries. */
export function deletePassages(home: DocumentHome, sourceIds: readonly string[]): Operation {
  return operation(DELETE, ofDocuments(home, sourceIds));
}

/** Adds one passage of a document that is in the table; `indexPassages` must follow. */
export function insertPassage(home: DocumentHome, sourceId: string, passage: Passage, context: PassageContext): Operation {
  const { connection, feature } = home;
  const { position, text } = passage;
  const { title, location, scope } = context;
  const headings = JSON.stringify(passage.headings);
  const identifiers = [...location, identifierWords([title, ...passage.headings, text].join('\n'))].join(' ');
  return operation(INSERT, { connection, feature, sourceId, position, title, headings, text, identifiers, scope });
}

/** Makes the passages of these documents searchable, all of which are new. */
export function indexPassages(home: DocumentHome, sourceIds: readonly string[]): Operation {
  return operation(INDEX, ofDocuments(home, sourceIds));
}

function ofDocuments(home: DocumentHome, sourceIds: readonly string[]): SourceIds {
  return { connection: home.connection, feature: home.feature, sourceIds: JSON.stringify(sourceIds) };
}
