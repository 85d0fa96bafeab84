import type {
  Batch as WitBatch,
  CheckReport as WitCheckReport,
  GroupPage as WitGroupPage,
  Hit as WitHit,
  IdPage as WitIdPage,
  Received as WitReceived,
} from 'lorelai:datasource/source@1.0.0';
import type {
  Access as WitAccess,
  Change as WitChange,
  Document as WitDocument,
  Principal as WitPrincipal,
  Problem as WitProblem,
} from 'lorelai:datasource/types@1.0.0';
import { fromUtf8, toUtf8 } from './bytes.ts';
import { optional, toBoolean, toCutText, toFields, toInteger, toList, toText, wrongValue, type Fields } from './check-value.ts';
import { checkpointExpired, failed } from './failure.ts';
import type { InQuickJs } from './quickjs.ts';

// The contract's limits, from wit/: what is larger would be refused by the host.
const MAX_CHANGES = 1_000;
const MAX_IDS = 10_000;
const MAX_GROUPS = 1_000;
const MAX_ID_BYTES = 512;
const MAX_TITLE_BYTES = 1024;
const MAX_LINK_BYTES = 4096;
const MAX_AUTHOR_BYTES = 256;
const MAX_ATTRIBUTES = 32;
const MAX_ATTRIBUTE_BYTES = 1024;
const MAX_CHECKPOINT_BYTES = 64 * 1024;
const MAX_PROBLEM_BYTES = 1024;
const MAX_HITS = 100;

type Batch = InQuickJs<WitBatch>;
type Change = InQuickJs<WitChange>;
type Document = InQuickJs<WitDocument>;
type Problem = InQuickJs<WitProblem>;

/** What `read` returned, as the contract wants it. Throws `failed` that names the field. */
export function toBatch(result: unknown, at: string): Batch {
  const fields = toFields(result, at);
  const changes = toChanges(fields, at);
  return {
    changes,
    next: encodeState(fields.state, `${at}.state`),
    done: toBoolean(fields.done, `${at}.done`),
    progress: {
      seen: optional(fields.seen, (seen) => toInteger(seen, `${at}.seen`, { min: 0 })) ?? changes.length,
      expected: optional(fields.expected, (expected) => toInteger(expected, `${at}.expected`, { min: 0 })),
    },
    skipped: optional(fields.skipped, (skipped) => toProblems(skipped, `${at}.skipped`)) ?? [],
  };
}

/** Changes in their order, or deletes and then upserts. */
function toChanges(fields: Fields, at: string): Change[] {
  const given = optional(fields.changes, (list) => toList(list, `${at}.changes`, MAX_CHANGES));
  const deletes = optional(fields.deletes, (list) => toList(list, `${at}.deletes`, MAX_CHANGES)) ?? [];
  const upserts = optional(fields.upserts, (list) => toList(list, `${at}.upserts`, MAX_CHANGES)) ?? [];
  if (given !== null && deletes.length + upserts.length > 0) {
    throw failed(`${at}: it has changes besides upserts or deletes. Return either.`);
  }
  const changes = [
    ...(given ?? []).map((change, index) => toChange(change, `${at}.changes[${index}]`)),
    ...deletes.map((id, index) => toDelete(id, `${at}.deletes[${index}]`)),
    ...upserts.map((document, index) => toUpsert(document, `${at}.upserts[${index}]`)),
  ];
  if (changes.length > MAX_CHANGES) throw failed(`${at}: it has ${changes.length} changes; at most ${MAX_CHANGES} are allowed.`);
  return changes;
}

function toChange(value: unknown, at: string): Change {
  const fields = toFields(value, at);
  if ('upsert' in fields) return toUpsert(fields.upsert, `${at}.upsert`);
  if ('delete' in fields) return toDelete(fields.delete, `${at}.delete`);
  throw wrongValue(at, '{ upsert } or { delete }', value);
}

function toUpsert(value: unknown, at: string): Change {
  return { tag: 'upsert', val: toDocument(value, at) };
}

function toDelete(value: unknown, at: string): Change {
  return { tag: 'delete', val: toText(value, at, { minBytes: 1, maxBytes: MAX_ID_BYTES }) };
}

function toDocument(value: unknown, at: string): Document {
  const fields = toFields(value, at);
  const timeMs = (time: unknown, name: string) => toInteger(time, `${at}.${name}`, { min: -8.64e15, max: 8.64e15 });
  return {
    id: toText(fields.id, `${at}.id`, { minBytes: 1, maxBytes: MAX_ID_BYTES }),
    version: optional(fields.version, (version) => toText(version, `${at}.version`, { maxBytes: MAX_ID_BYTES })),
    title: toCutText(fields.title, `${at}.title`, MAX_TITLE_BYTES),
    link: toLink(fields.link, `${at}.link`),
    mediaType: toText(fields.mediaType, `${at}.mediaType`, { minBytes: 3, maxBytes: 256 }),
    content: toContent(fields.content, `${at}.content`),
    location: optional(fields.location, (location) => toLocation(location, `${at}.location`)) ?? [],
    author: optional(fields.author, (author) => toCutText(author, `${at}.author`, MAX_AUTHOR_BYTES)),
    createdAtMs: optional(fields.createdAtMs, (time) => timeMs(time, 'createdAtMs')),
    updatedAtMs: optional(fields.updatedAtMs, (time) => timeMs(time, 'updatedAtMs')),
    access: toAccess(fields.access, `${at}.access`),
    attributes: optional(fields.attributes, (attributes) => toAttributes(attributes, `${at}.attributes`)) ?? [],
  };
}

function toLink(value: unknown, at: string): string {
  const link = toText(value, at, { minBytes: 1, maxBytes: MAX_LINK_BYTES });
  if (!/^https?:\/\/[^/\s]/i.test(link)) throw wrongValue(at, 'an absolute https or http URL', value);
  return link;
}

function toContent(value: unknown, at: string): Uint8Array {
  if (typeof value === 'string') return toUtf8(value);
  if (value instanceof Uint8Array) return value;
  throw wrongValue(at, 'text or a Uint8Array', value);
}

function toLocation(value: unknown, at: string): string[] {
  return toList(value, at, 32).map((name, index) => toCutText(name, `${at}[${index}]`, MAX_TITLE_BYTES));
}

function toAttributes(value: unknown, at: string): Document['attributes'] {
  const entries = Object.entries(toFields(value, at)).filter(([, item]) => item !== undefined && item !== null);
  if (entries.length > MAX_ATTRIBUTES) throw failed(`${at}: it has ${entries.length} entries; at most ${MAX_ATTRIBUTES} are allowed.`);
  return entries.map(([name, item]) => {
    if (!/^[a-z0-9_]{1,64}$/.test(name)) throw failed(`${at}: "${name}" cannot be a name. Use a-z, 0-9 and _.`);
    const scalar = typeof item === 'number' || typeof item === 'boolean' ? String(item) : item;
    return { name, value: toCutText(scalar, `${at}.${name}`, MAX_ATTRIBUTE_BYTES) };
  });
}

function toAccess(value: unknown, at: string): InQuickJs<WitAccess> {
  const fields = toFields(value, at);
  if (fields.tag === 'everyone' || fields.tag === 'admins-only') return { tag: fields.tag };
  if (fields.tag !== 'all-of') throw wrongValue(at, 'everyone(), adminsOnly() or allOf(…)', value);
  const sets = toList(fields.val, at, 256).map((set, index) => {
    const principals = toList(toFields(set, `${at}[${index}]`).anyOf, `${at}[${index}]`, 10_000);
    return { anyOf: principals.map((principal, position) => toPrincipal(principal, `${at}[${index}][${position}]`)) };
  });
  return { tag: 'all-of', val: sets };
}

function toPrincipal(value: unknown, at: string): InQuickJs<WitPrincipal> {
  const { kind, id } = toFields(value, at);
  if (kind !== 'account' && kind !== 'email' && kind !== 'group' && kind !== 'domain') {
    throw wrongValue(`${at}.kind`, 'account, email, group or domain', kind);
  }
  return { kind, id: toText(id, `${at}.id`, { minBytes: 1, maxBytes: MAX_ID_BYTES }) };
}

export function toProblems(value: unknown, at: string): Problem[] {
  return toList(value, at, MAX_CHANGES).map((problem, index) => {
    const fields = toFields(problem, `${at}[${index}]`);
    const text = (name: 'path' | 'reason' | 'remedy') => toCutText(fields[name], `${at}[${index}].${name}`, MAX_PROBLEM_BYTES);
    return { path: text('path'), reason: text('reason'), remedy: text('remedy') };
  });
}

export function toCheckReport(value: unknown, at: string): InQuickJs<WitCheckReport> {
  const fields = toFields(value, at);
  return {
    account: optional(fields.account, (account) => toCutText(account, `${at}.account`, MAX_AUTHOR_BYTES)),
    problems: optional(fields.problems, (problems) => toProblems(problems, `${at}.problems`)) ?? [],
  };
}

export function toIdPage(value: unknown, at: string): InQuickJs<WitIdPage> {
  const fields = toFields(value, at);
  const ids = toList(fields.ids, `${at}.ids`, MAX_IDS);
  return {
    ids: ids.map((id, index) => toText(id, `${at}.ids[${index}]`, { minBytes: 1, maxBytes: MAX_ID_BYTES })),
    next: optional(fields.next, (next) => encodeState(next, `${at}.next`)),
  };
}

export function toGroupPage(value: unknown, at: string): InQuickJs<WitGroupPage> {
  const fields = toFields(value, at);
  const groups = toList(fields.groups, `${at}.groups`, MAX_GROUPS).map((group, index) => {
    const here = `${at}.groups[${index}]`;
    const { id, name, members } = toFields(group, here);
    return {
      id: toText(id, `${here}.id`, { minBytes: 1, maxBytes: MAX_ID_BYTES }),
      name: toCutText(name, `${here}.name`, MAX_TITLE_BYTES),
      members: toList(members, `${here}.members`, 100_000).map((member, position) => toPrincipal(member, `${here}.members[${position}]`)),
    };
  });
  return { groups, next: optional(fields.next, (next) => encodeState(next, `${at}.next`)) };
}

export function toHits(value: unknown, at: string): InQuickJs<WitHit>[] {
  return toList(value, at, MAX_HITS).map((hit, index) => {
    const { document, score } = toFields(hit, `${at}[${index}]`);
    return {
      document: toDocument(document, `${at}[${index}].document`),
      score: optional(score, (given) => toScore(given, `${at}[${index}].score`)),
    };
  });
}

function toScore(value: unknown, at: string): number {
  if (typeof value !== 'number' || !(value >= 0 && value <= 1)) throw wrongValue(at, 'a number from 0 to 1', value);
  return value;
}

export function toReceived(value: unknown, at: string): InQuickJs<WitReceived>[] {
  return toList(value, at, 64).map((received, index) => {
    const here = `${at}[${index}]`;
    const fields = toFields(received, here);
    return {
      feature: toText(fields.feature, `${here}.feature`, { minBytes: 1, maxBytes: 64 }),
      changes: toChanges(fields, here),
      readNow: optional(fields.readNow, (readNow) => toBoolean(readNow, `${here}.readNow`)) ?? false,
    };
  });
}

/** A state as a checkpoint: UTF-8 JSON of at most 64 KiB. */
function encodeState(state: unknown, at: string): Uint8Array {
  let text: string | undefined;
  try {
    text = JSON.stringify(state);
  } catch (error) {
    throw failed(`${at}: it cannot be written as JSON: ${error instanceof Error ? error.message : String(error)}.`);
  }
  if (text === undefined) throw wrongValue(at, 'a value that JSON can carry', state);
  const bytes = toUtf8(text);
  if (bytes.length > MAX_CHECKPOINT_BYTES) {
    throw failed(`${at}: it is ${bytes.length} bytes of JSON; at most ${MAX_CHECKPOINT_BYTES} are allowed. Keep the rest in storage.`);
  }
  return bytes;
}

/** The state in a checkpoint; undefined without one. Throws `checkpointExpired` when it is not one of ours. */
export function decodeState(checkpoint: Uint8Array | null | undefined): unknown {
  if (checkpoint === null || checkpoint === undefined) return undefined;
  try {
    return JSON.parse(fromUtf8(checkpoint));
  } catch {
    throw checkpointExpired('The checkpoint is not one that this datasource wrote.');
  }
}
