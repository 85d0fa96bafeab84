import type { Batch, Change, Failure, Principal, SourceDocument } from '../domain/document.ts';
import type { Problem } from '../domain/errors.ts';
import { isJsonObject } from '../domain/json.ts';
import { toStorableText } from '../domain/text.ts';
import { ContractError, optional, toBoolean, toBytes, toCount, toId, toList, toRecord, toText } from './contract-fields.ts';
import { toChange, toDocument, toPrincipal, toProblem } from './validate-document.ts';

/**
 * What a datasource gave back, from `unknown` to the domain's own shapes. A guest is never believed:
 * a value that breaks the contract throws `ContractError`, which names the field.
 */

const MAX_CHANGES = 1_000;
const MAX_CHECKPOINT_BYTES = 64 * 1024;
const MAX_SKIPPED = 1_000;
const MAX_IDS = 10_000;
const MAX_GROUPS = 1_000;
const MAX_MEMBERS = 100_000;
const MAX_FEATURES = 64;
const DAY_MS = 86_400_000;
const MAX_MESSAGE_LENGTH = 4_096;

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

/** A page of `source.list-ids`. Throws ContractError. */
export function toIdPage(value: unknown): { ids: string[]; next: Uint8Array | undefined } {
  const record = toRecord(value, 'id-page');
  return {
    ids: toList(record.ids, 'ids', MAX_IDS).map((id, index) => toId(id, `ids[${index}]`)),
    next: optional(record.next, (next) => toBytes(next, 'next', MAX_CHECKPOINT_BYTES)),
  };
}

/** A page of `source.list-groups`. Throws ContractError. */
export function toGroupPage(value: unknown): {
  groups: { id: string; name: string; members: Principal[] }[];
  next: Uint8Array | undefined;
} {
  const record = toRecord(value, 'group-page');
  return {
    groups: toList(record.groups, 'groups', MAX_GROUPS).map((group, index) => {
      const at = `groups[${index}]`;
      const { id, name, members } = toRecord(group, at);
      return {
        id: toId(id, `${at}.id`),
        name: toText(name, `${at}.name`, 0, 1_024),
        members: toList(members, `${at}.members`, MAX_MEMBERS).map((member, place) => toPrincipal(member, `${at}.members[${place}]`)),
      };
    }),
    next: optional(record.next, (next) => toBytes(next, 'next', MAX_CHECKPOINT_BYTES)),
  };
}

/** The hits of `source.search`, best first. Throws ContractError. */
export function toHits(value: unknown, limit: number): { document: SourceDocument; score: number | undefined }[] {
  return toList(value, 'hits', limit).map((hit, index) => {
    const at = `hits[${index}]`;
    const { document, score } = toRecord(hit, at);
    return { document: toDocument(document, `${at}.document`), score: optional(score, (given) => toScore(given, `${at}.score`)) };
  });
}

/** What `source.receive` made of a delivery, by feature. Throws ContractError, also for more changes in all than `maxChanges`. */
export function toReceived(value: unknown, maxChanges: number = MAX_CHANGES): { feature: string; changes: Change[]; readNow: boolean }[] {
  const received = toList(value, 'received', MAX_FEATURES).map((entry, index) => {
    const at = `received[${index}]`;
    const record = toRecord(entry, at);
    return {
      feature: toText(record.feature, `${at}.feature`, 1, 64),
      changes: toList(record.changes, `${at}.changes`, MAX_CHANGES).map((change, place) => toChange(change, `${at}.changes[${place}]`)),
      readNow: toBoolean(record.readNow, `${at}.read-now`),
    };
  });
  const used = received.reduce((sum, { changes }) => sum + changes.length, 0);
  if (used > maxChanges) throw new ContractError(`changes: over the limit maxChangesPerBatch of ${maxChanges}: it used ${used}`);
  return received;
}

function toScore(value: unknown, path: string): number {
  if (typeof value !== 'number' || !(value >= 0 && value <= 1)) throw new ContractError(`${path}: not from 0 to 1`);
  return value;
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
