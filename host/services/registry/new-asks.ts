import type { Actor } from '../../domain/caller.ts';
import { RequestError } from '../../domain/errors.ts';
import type { Grant } from '../../domain/grant.ts';
import { grantLines, joinGrants, limitLine, newlyAsked } from '../../domain/grant-difference.ts';
import { limitAmount } from '../../domain/limit-amount.ts';
import type { Database } from '../../store/database.ts';
import type { RegisteredDatasource } from '../../store/registry.ts';
import { moveVersion, type StoredVersion } from '../../store/versions.ts';
import { limitsOf } from './components.ts';
import { askedGrant, parseRegistered, parseStoredManifest } from './registered.ts';
import type { NewAsk } from './version-service.ts';

/** What a version asks for that the one that runs does not, and nobody has given. */
function newGrant(running: RegisteredDatasource, { manifest }: StoredVersion): Grant {
  const { manifest: before, grant: given } = parseRegistered(running);
  return newlyAsked({ before: askedGrant(before), now: askedGrant(parseStoredManifest(manifest)) }, given);
}

/** The same for a person who decides about it. */
export function newAsks(running: RegisteredDatasource, target: StoredVersion): NewAsk[] {
  const { http, limits } = parseStoredManifest(target.manifest).capabilities;
  const inForce = limitsOf(parseRegistered(running).grant);
  const known = new Map<string, Pick<NewAsk, 'reason' | 'now'>>([
    ...http.flatMap((ask) => (ask.kind === 'origin' ? [[`http ${ask.origin}`, { reason: ask.reason }] as const] : [])),
    ...limits.flatMap(({ limit, value, reason }) =>
      limitLine(limit, value).map((line) => [line, { reason, now: limitAmount(limit, inForce[limit]) }] as const),
    ),
  ]);
  return grantLines(newGrant(running, target)).map((what) => ({ what, reason: undefined, ...known.get(what) }));
}

/** What the version is given: what the one before had, and what it newly asks for once that is approved. APPROVAL_NEEDED. */
export async function grantFor(
  database: Database,
  running: RegisteredDatasource,
  { target, approve, actor }: { target: StoredVersion; approve: boolean; actor: Actor },
): Promise<Grant> {
  const { grant: given } = parseRegistered(running);
  const asks = newAsks(running, target);
  const extra = asks.map(({ what }) => what);
  if (extra.length === 0) return given;
  // Only that: what was asked for before and not given stays so.
  if (approve) return joinGrants(given, newGrant(running, target));
  const { name, version } = target;
  const reason = `it asks for ${extra.join(', ')}`;
  if (target.state !== 'awaiting-approval') {
    const move = { name, version, from: target.state, to: 'awaiting-approval', actor, reason, nowMs: Date.now() } as const;
    await database.write(moveVersion(move));
  }
  throw new RequestError('APPROVAL_NEEDED', `${name} ${version} asks for more than ${running.version} did: ${extra.join(', ')}.`, {
    remedy: `Approve it with \`datasources approve ${name}@${version}\` once you have read what changes; until then the version before keeps running.`,
    problems: asks.map(({ what, reason: why, now }) => ({
      path: what,
      reason: `${why ?? 'It is new in this version.'}${now === undefined ? '' : ` It is ${now} now.`}`,
      remedy: 'Grant it, or stay with the version that runs.',
    })),
  });
}
