import type { Access, Change, Principal, SourceDocument } from '../domain/document.ts';
import type { Problem } from '../domain/errors.ts';
import { ContractError, optional, toBytes, toId, toList, toRawText, toRecord, toText, toTime } from './contract-fields.ts';

// The records of wit/types.wit, from `unknown` to the domain's own shapes. `path` names the place; all throw `ContractError`.

const MAX_ATTRIBUTES = 32;
const MAX_PRINCIPALS = 10_000;
const PRINCIPAL_KINDS: readonly Principal['kind'][] = ['account', 'email', 'group', 'domain'];
/** What URL parsers leave out or encode on the quiet, and terminals act upon. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f]/;

export function toChange(value: unknown, path: string): Change {
  const { tag, val } = toRecord(value, path);
  if (tag === 'delete') return { kind: 'delete', id: toId(val, `${path}.delete`) };
  if (tag === 'upsert') return { kind: 'upsert', document: toDocument(val, `${path}.upsert`) };
  throw new ContractError(`${path}: neither upsert nor delete`);
}

export function toDocument(value: unknown, path: string): SourceDocument {
  const record = toRecord(value, path);
  const at = (field: string): string => `${path}.${field}`;
  const attributes = toList(record.attributes, at('attributes'), MAX_ATTRIBUTES).map((entry, index) =>
    toAttribute(entry, at(`attributes[${index}]`)),
  );
  return {
    id: toId(record.id, at('id')),
    version: optional(record.version, (version) => toText(version, at('version'), 0, 512)),
    title: toText(record.title, at('title'), 0, 1_024),
    link: toLink(record.link, at('link')),
    mediaType: toText(record.mediaType, at('media-type'), 1, 256),
    content: toBytes(record.content, at('content'), Number.MAX_SAFE_INTEGER),
    location: toList(record.location, at('location'), 64).map((part, index) => toText(part, at(`location[${index}]`), 0, 512)),
    author: optional(record.author, (author) => toText(author, at('author'), 0, 256)),
    createdAtMs: optional(record.createdAtMs, (time) => toTime(time, at('created-at-ms'))),
    updatedAtMs: optional(record.updatedAtMs, (time) => toTime(time, at('updated-at-ms'))),
    access: toAccess(record.access, at('access')),
    attributes: Object.fromEntries(attributes),
  };
}

/** Only what a person may click: a link is shown by every front end. */
function toLink(value: unknown, path: string): string {
  const link = toRawText(value, path, 1, 4_096);
  if (CONTROL_CHARACTER.test(link) || !URL.canParse(link) || !/^https?:$/.test(new URL(link).protocol))
    throw new ContractError(`${path}: not an absolute http or https URL`);
  return link;
}

function toAttribute(value: unknown, path: string): [string, string] {
  const { name, value: text } = toRecord(value, path);
  if (typeof name !== 'string' || !/^[a-z0-9_]{1,64}$/.test(name)) throw new ContractError(`${path}.name: 1 to 64 of a-z, 0-9 and _`);
  return [name, toText(text, `${path}.value`, 0, 1_024)];
}

function toAccess(value: unknown, path: string): Access {
  const { tag, val } = toRecord(value, path);
  if (tag === 'admins-only') return { kind: 'admins-only' };
  if (tag === 'everyone') return { kind: 'everyone' };
  if (tag !== 'all-of') throw new ContractError(`${path}: an unknown case`);
  const sets = toList(val, `${path}.all-of`, 64).map((set, index) =>
    toList(toRecord(set, `${path}.all-of[${index}]`).anyOf, `${path}.all-of[${index}].any-of`, MAX_PRINCIPALS).map((principal) =>
      toPrincipal(principal, `${path}.all-of[${index}]`),
    ),
  );
  // Fail closed: no set to satisfy is not the same as everyone.
  return sets.length === 0 ? { kind: 'admins-only' } : { kind: 'all-of', allOf: sets };
}

export function toPrincipal(value: unknown, path: string): Principal {
  const { kind, id } = toRecord(value, path);
  const known = PRINCIPAL_KINDS.find((candidate) => candidate === kind);
  if (known === undefined) throw new ContractError(`${path}: an unknown kind of principal`);
  return { kind: known, id: toId(id, `${path}.id`) };
}

export function toProblem(value: unknown, path: string): Problem {
  const record = toRecord(value, path);
  return {
    path: toText(record.path, `${path}.path`, 0, 1_024),
    reason: toText(record.reason, `${path}.reason`, 0, 4_096),
    remedy: toText(record.remedy, `${path}.remedy`, 0, 4_096),
  };
}
