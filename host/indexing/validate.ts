import type { Access, Batch, Change, Failure, Principal, SourceDocument } from '../domain/document.ts';
import type { Problem } from '../domain/errors.ts';
import { isJsonObject } from '../domain/json.ts';
import { isStorableText, toStorableText } from '../domain/text.ts';

/**
 * What a datasource gave back, from `unknown` to the domain's own shapes. A guest is never believed:
 * a value that breaks the contract throws `ContractError`, which names the field.
 */

/** A result that breaks the contract of wit/. `message` names the field and the rule. */
export class ContractError extends Error {
  override readonly name = 'ContractError';
}

const MAX_CHANGES = 1_000;
const MAX_CHECKPOINT_BYTES = 64 * 1024;
const MAX_SKIPPED = 1_000;
const MAX_ATTRIBUTES = 32;
const MAX_PRINCIPALS = 10_000;
const DAY_MS = 86_400_000;
const MAX_MESSAGE_LENGTH = 4_096;
const PRINCIPAL_KINDS: readonly Principal['kind'][] = ['account', 'email', 'group', 'domain'];
/** What URL parsers leave out or encode on the quiet, and terminals act upon. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f]/;

/** The batch of `source.read`. Throws ContractError, also for more changes than `maxChanges`, which the grant may have lowered. */
export function toBatch(value: unknown, maxChanges: number = MAX_CHANGES): Batch {
  const record = toRecord(value, 'batch');
  if (maxChanges < MAX_CHANGES && Array.isArray(record.changes) && record.changes.length > maxChanges)
    throw new ContractError(`changes: over the limit maxChangesPerBatch of ${maxChanges}: it used ${record.changes.length}`);
  const progress = toRecord(record.progress, 'progress');
  return {
    changes: toList(record.changes, 'changes', MAX_CHANGES).map((change, index) => toChange(change, `changes[${index}]`)),
    next: toBytes(record.next, 'next', MAX_CHECKPOINT_BYTES),
    done: toBoolean(record.done, 'done'),
    progress: {
      seen: toCount(progress.seen, 'progress.seen'),
      expected: optional(progress.expected, (count) => toCount(count, 'progress.expected')),
    },
    skipped: toList(record.skipped, 'skipped', MAX_SKIPPED).map((problem, index) => toProblem(problem, `skipped[${index}]`)),
  };
}

/** The problems of `source.validate-config`. Throws ContractError. */
export function toProblems(value: unknown): Problem[] {
  return toList(value, 'problems', MAX_SKIPPED).map((problem, index) => toProblem(problem, `problems[${index}]`));
}

/** The report of `source.check`. Throws ContractError. */
export function toCheckReport(value: unknown): { account: string | undefined; problems: Problem[] } {
  const record = toRecord(value, 'check-report');
  return { account: optional(record.account, (account) => toText(account, 'account', 0, 512)), problems: toProblems(record.problems) };
}

/** The description of `source.describe`. Throws ContractError. */
export function toDescription(value: unknown): { name: string; version: string; features: string[] } {
  const record = toRecord(value, 'description');
  return {
    name: toText(record.name, 'name', 1, 128),
    version: toText(record.version, 'version', 1, 128),
    features: toList(record.features, 'features', 100).map((feature, index) =>
      toText(toRecord(feature, `features[${index}]`).name, `features[${index}].name`, 1, 64),
    ),
  };
}

/** The payload of a failed call. A payload that breaks the contract is a `failed` that says so. */
export function toFailure(value: unknown): Failure {
  if (!isJsonObject(value)) return { kind: 'failed', message: 'it failed with something that is no failure' };
  const { tag, val } = value as Record<string, unknown>;
  const message = toMessage(val, '');
  switch (tag) {
    case 'invalid-config':
      return toInvalidConfig(val);
    case 'throttled':
      return toThrottled(val);
    case 'unauthorized':
    case 'forbidden':
    case 'unavailable':
    case 'checkpoint-expired':
    case 'failed':
      return { kind: tag, message };
    case 'unsupported':
      return { kind: 'unsupported', message: 'the datasource does not have this function' };
    default:
      return { kind: 'failed', message: `it failed with an unknown case ${toMessage(tag, 'without a name').slice(0, 64)}` };
  }
}

function toInvalidConfig(val: unknown): Failure {
  try {
    return { kind: 'invalid-config', problems: toProblems(val) };
  } catch {
    return { kind: 'failed', message: 'it refused its config without problems that can be read' };
  }
}

function toThrottled(val: unknown): Failure {
  const throttle = isJsonObject(val) ? (val as Record<string, unknown>) : {};
  const wanted = typeof throttle.retryAfterMs === 'number' && throttle.retryAfterMs >= 0 ? throttle.retryAfterMs : 60_000;
  return {
    kind: 'throttled',
    retryAfterMs: Math.ceil(Math.min(wanted, DAY_MS)),
    message: toMessage(throttle.reason, 'the source asked for patience'),
  };
}

function toMessage(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? toStorableText(value.slice(0, MAX_MESSAGE_LENGTH)) : otherwise;
}

function toChange(value: unknown, path: string): Change {
  const { tag, val } = toRecord(value, path);
  if (tag === 'delete') return { kind: 'delete', id: toId(val, `${path}.delete`) };
  if (tag === 'upsert') return { kind: 'upsert', document: toDocument(val, `${path}.upsert`) };
  throw new ContractError(`${path}: neither upsert nor delete`);
}

function toDocument(value: unknown, path: string): SourceDocument {
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

function toPrincipal(value: unknown, path: string): Principal {
  const { kind, id } = toRecord(value, path);
  const known = PRINCIPAL_KINDS.find((candidate) => candidate === kind);
  if (known === undefined) throw new ContractError(`${path}: an unknown kind of principal`);
  return { kind: known, id: toId(id, `${path}.id`) };
}

function toProblem(value: unknown, path: string): Problem {
  const record = toRecord(value, path);
  return {
    path: toText(record.path, `${path}.path`, 0, 1_024),
    reason: toText(record.reason, `${path}.reason`, 0, 4_096),
    remedy: toText(record.remedy, `${path}.remedy`, 0, 4_096),
  };
}

function toRecord(value: unknown, path: string): Record<string, unknown> {
  if (!isJsonObject(value)) throw new ContractError(`${path}: not a record`);
  return value;
}

function toList(value: unknown, path: string, max: number): unknown[] {
  if (!Array.isArray(value)) throw new ContractError(`${path}: not a list`);
  if (value.length > max) throw new ContractError(`${path}: ${value.length} entries; at most ${max} are allowed`);
  return value;
}

function toText(value: unknown, path: string, minBytes: number, maxBytes: number): string {
  return toStorableText(toRawText(value, path, minBytes, maxBytes));
}

/** An id comes back to the datasource, and two must never become one: it is kept as it is or refused. */
function toId(value: unknown, path: string): string {
  const id = toRawText(value, path, 1, 512);
  if (!isStorableText(id)) throw new ContractError(`${path}: it holds a NUL or half of a surrogate pair`);
  return id;
}

function toRawText(value: unknown, path: string, minBytes: number, maxBytes: number): string {
  if (typeof value !== 'string') throw new ContractError(`${path}: not a string`);
  const bytes = Buffer.byteLength(value);
  if (bytes < minBytes || bytes > maxBytes) throw new ContractError(`${path}: ${bytes} bytes; ${minBytes} to ${maxBytes} are allowed`);
  return value;
}

function toBytes(value: unknown, path: string, maxBytes: number): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new ContractError(`${path}: not bytes`);
  if (value.byteLength > maxBytes) throw new ContractError(`${path}: ${value.byteLength} bytes; at most ${maxBytes} are allowed`);
  return value;
}

function toBoolean(value: unknown, path: string): boolean {
  if (typeof value !== 'boolean') throw new ContractError(`${path}: neither true nor false`);
  return value;
}

function toCount(value: unknown, path: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new ContractError(`${path}: not a count`);
  return value;
}

/** The range of ECMAScript dates, so that every stored time can be written as RFC 3339. */
function toTime(value: unknown, path: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || Math.abs(value) > 8.64e15)
    throw new ContractError(`${path}: not a time`);
  return value;
}

/** A WIT option: absent, undefined or null is none. */
function optional<T>(value: unknown, parse: (value: unknown) => T): T | undefined {
  return value === undefined || value === null ? undefined : parse(value);
}
