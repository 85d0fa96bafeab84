import { documentCondition, type DocumentFilter } from './document-filter.ts';
import { passesFilter } from './found-passages.ts';
import type { SqlValue } from './statement.ts';
import { VISIBLE_DOCUMENT, VISIBLE_PASSAGE, visibilityFilter, type Visibility } from './visibility.ts';

/** Which passages of an organisation a search is about. What lies outside is neither a candidate nor counted. */
export interface Narrowed {
  organisation: string;
  visibility: Visibility;
  /** Of their documents. */
  filter: DocumentFilter;
  /** Names; left out: all. */
  datasources?: readonly string[] | undefined;
  features?: readonly string[] | undefined;
}

/** The same as SQL. A passage lies outside when any of these does not hold. */
export interface Narrowing {
  /** Conditions on the passage of a rowid. */
  passage: (rowid: string) => string[];
  /** The same, on the joined table `documents`. */
  document: string[];
  params: Record<string, SqlValue>;
}

export function narrowingOf({ organisation, visibility, filter, datasources, features }: Narrowed): Narrowing {
  const visible = visibilityFilter(visibility);
  const filtered = documentCondition(filter);
  const document = [
    ...(filtered === undefined ? [] : [filtered.sql]),
    ...(features === undefined ? [] : ['documents.feature IN (SELECT value FROM json_each(:features))']),
    ...(datasources === undefined
      ? []
      : [
          `documents.connection_id IN (SELECT id FROM connections WHERE organisation_id = :datasourcesOf
             AND datasource_name IN (SELECT value FROM json_each(:datasources)))`,
        ]),
  ];
  return {
    // Who may see it comes first: it reads a few bytes.
    passage: (rowid) => [
      ...(visible === undefined ? [] : [VISIBLE_PASSAGE(rowid)]),
      ...(document.length === 0 ? [] : [passesFilter(rowid, document.join(' AND '))]),
    ],
    document: [...(visible === undefined ? [] : [VISIBLE_DOCUMENT]), ...document],
    params: {
      ...filtered?.params,
      ...(features === undefined ? {} : { features: JSON.stringify(features) }),
      ...(datasources === undefined ? {} : { datasources: JSON.stringify(datasources), datasourcesOf: organisation }),
      ...(visible === undefined ? {} : { visible: visible.visible }),
    },
  };
}
