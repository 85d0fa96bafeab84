import { createReadStream, existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isJsonObject } from '../../../host/domain/json.ts';

/** Who somebody is in a collection: `group:staff`, `email:ada@acme.example`; without a kind, see `toPrincipal`. */
export interface CollectionPrincipal {
  kind: 'account' | 'email' | 'group' | 'domain';
  id: string;
}

export interface CollectionDocument {
  id: string;
  title: string;
  text: string;
  updatedAtMs: number | undefined;
  /** Undefined: everyone. */
  access: CollectionPrincipal[] | undefined;
}

export interface CollectionGroup {
  id: string;
  members: CollectionPrincipal[];
}

export interface CollectionQuery {
  id: string;
  text: string;
}

/** Grades by document id, for each query id that has any. */
export type Judgements = ReadonlyMap<string, ReadonlyMap<string, number>>;

/**
 * A folder in BEIR's form (Thakur et al., 2021), with three additions of ours: `acl` and `date` in the corpus, and `groups.jsonl`
 * with the `members` of each `_id`. Nobody needs it where `acl` names people themselves.
 */
export interface Collection {
  name: string;
  documents(): AsyncGenerator<CollectionDocument>;
  groups: CollectionGroup[];
  /** Those that have judgements. */
  queries: CollectionQuery[];
  judgements: Judgements;
  /** Whether a person may see something with this access, through groups of any depth. */
  maySee(person: string, access: CollectionDocument['access']): boolean;
}

export async function readCollection(folder: string): Promise<Collection> {
  const judgements = parseJudgements(await readFile(judgementsFile(folder), 'utf8'));
  const groups: CollectionGroup[] = [];
  const groupIds = new Set<string>();
  if (existsSync(join(folder, 'groups.jsonl'))) {
    for await (const row of rows(join(folder, 'groups.jsonl'))) {
      groupIds.add(text(row, '_id'));
      groups.push({ id: text(row, '_id'), members: list(row.members).map((member) => toPrincipal(member, groupIds)) });
    }
  }
  const queries: CollectionQuery[] = [];
  for await (const row of rows(join(folder, 'queries.jsonl'))) {
    const query = { id: text(row, '_id'), text: text(row, 'text') };
    if (judgements.has(query.id)) queries.push(query);
  }
  return {
    name: basename(folder),
    groups,
    queries,
    judgements,
    documents: () => documentsOf(join(folder, 'corpus.jsonl'), groupIds),
    maySee: (person, access) =>
      access === undefined || access.some((principal) => heldBy(person, groups).has(`${principal.kind}:${principal.id}`)),
  };
}

/** Every principal of a person, as text. */
function heldBy(person: string, groups: readonly CollectionGroup[]): Set<string> {
  const held = new Set([`account:${person}`, ...(person.includes('@') ? [`email:${person}`] : [])]);
  for (let before = 0; before < held.size;) {
    before = held.size;
    for (const { id, members } of groups)
      if (members.some(({ kind, id: member }) => held.has(`${kind}:${member}`))) held.add(`group:${id}`);
  }
  return held;
}

/** BEIR itself has a file for each split; the test split is the one to measure with. */
function judgementsFile(folder: string): string {
  const [flat, split] = [join(folder, 'qrels.tsv'), join(folder, 'qrels', 'test.tsv')];
  return existsSync(flat) ? flat : split;
}

async function* documentsOf(file: string, groupIds: ReadonlySet<string>): AsyncGenerator<CollectionDocument> {
  for await (const row of rows(file)) {
    const date = typeof row.date === 'number' ? row.date : Date.parse(text(row, 'date', ''));
    yield {
      id: text(row, '_id'),
      title: text(row, 'title', ''),
      text: text(row, 'text', ''),
      updatedAtMs: Number.isNaN(date) ? undefined : date,
      access: row.acl === undefined || row.acl === null ? undefined : list(row.acl).map((entry) => toPrincipal(entry, groupIds)),
    };
  }
}

/** An entry without a kind is a group when there is one of that id, else an address when it looks like one, else an account. */
export function toPrincipal(entry: string, groupIds: ReadonlySet<string>): CollectionPrincipal {
  const [, kind, id] = /^(account|email|group|domain):(.+)$/s.exec(entry) ?? [];
  if ((kind === 'account' || kind === 'email' || kind === 'group' || kind === 'domain') && id !== undefined) return { kind, id };
  if (groupIds.has(entry)) return { kind: 'group', id: entry };
  return { kind: entry.includes('@') ? 'email' : 'account', id: entry };
}

function parseJudgements(tsv: string): Judgements {
  const judgements = new Map<string, Map<string, number>>();
  for (const line of tsv.split('\n').slice(1)) {
    const [query = '', document = '', grade = ''] = line.trimEnd().split('\t');
    if (document === '') continue;
    const grades = judgements.get(query) ?? new Map<string, number>();
    judgements.set(query, grades.set(document, Number(grade)));
  }
  return judgements;
}

async function* rows(file: string): AsyncGenerator<Record<string, unknown>> {
  for await (const line of lines(file)) {
    if (line.trim() === '') continue;
    const row: unknown = JSON.parse(line);
    if (!isJsonObject(row)) throw new TypeError(`${file} has a line that is no object`);
    yield row;
  }
}

/** Of JSON lines: `node:readline` ends one at U+2028 too, which a JSON text may hold. */
async function* lines(file: string): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of createReadStream(file, 'utf8')) {
    const parts = (rest + String(chunk)).split('\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
  yield rest;
}

function text(row: Record<string, unknown>, field: string, otherwise?: string): string {
  const value = row[field] ?? otherwise;
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  throw new TypeError(`a line has no ${field}`);
}

function list(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).map(String);
}
