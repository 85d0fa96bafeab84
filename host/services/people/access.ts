import { toAccessList, toPrincipal } from '../../domain/access.ts';
import type { Access, Principal } from '../../domain/document.ts';
import { RequestError } from '../../domain/errors.ts';
import type { Database } from '../../store/database.ts';
import {
  getDocumentAccess,
  groupsOfPrincipal,
  principalsOfPerson,
  type DocumentAccess,
  type HeldPrincipal,
} from '../../store/principals-of.ts';
import { toPrincipalRow } from '../../store/principals.ts';
import type { AccessExplanation, AccessService, ExplainedSet, PathStep, Whom } from './people-services.ts';
import type { OrganisationService } from './organisation-service.ts';
import { knownPerson } from '../retrieval/visibility.ts';

export interface AccessOptions {
  database: Database;
  organisations: OrganisationService;
  maxAgeMs: number;
}

export function createAccess({ database, organisations, maxAgeMs }: AccessOptions): AccessService {
  return {
    async explain(organisation, id, whom) {
      await organisations.get(organisation);
      const document = await getDocumentAccess(database, organisation, id);
      if (document === undefined) throw unknownDocument(id);
      const held = await heldBy(database, organisation, document.connection, whom);
      // A person holds by itself what is no group; a principal that is asked about, itself.
      const isOwn = (one: HeldPrincipal): boolean => ('principal' in whom ? keyOf(one) === keyOf(whom.principal) : one.kind !== 'group');
      return explanation(document, { held, isOwn }, Date.now() - (document.maxAgeMs ?? maxAgeMs));
    },
  };
}

async function heldBy(database: Database, organisation: string, connection: string, whom: Whom): Promise<HeldPrincipal[]> {
  if ('principal' in whom) return groupsOfPrincipal(database, organisation, toPrincipalRow(whom.principal, connection));
  const person = await knownPerson(database, organisation, whom.person);
  return principalsOfPerson(database, organisation, person.id);
}

interface Holder {
  held: readonly HeldPrincipal[];
  isOwn: (principal: HeldPrincipal) => boolean;
}

function explanation(document: DocumentAccess, { held, isOwn }: Holder, believedAfterMs: number): AccessExplanation {
  const { id, connection, datasource, feature, access, confirmedAtMs } = document;
  // What is found is what counts: sets in the form in which they are compared.
  const { kind, sets } = toAccessList(access);
  // Accounts and groups of other connections are others, even where they have the same names.
  const here = held.filter((principal) => principal.connection === undefined || principal.connection === connection);
  const paths = shortestPaths(here, isOwn);
  const explained = sets.map((set): ExplainedSet => {
    const path = bestPath(set, paths);
    return { anyOf: [...set], satisfied: path.length > 0, path };
  });
  const stale = confirmedAtMs === undefined || confirmedAtMs <= believedAfterMs;
  const visible = !stale && (kind === 'everyone' || (kind === 'all-of' && explained.every(({ satisfied }) => satisfied)));
  const reason = reasonOf(kind, explained, { stale, confirmedAtMs });
  return { document: id, connection, datasource, feature, access: kind, visible, reason, sets: explained, confirmedAtMs, stale };
}

function reasonOf(
  kind: Access['kind'],
  sets: readonly ExplainedSet[],
  { stale, confirmedAtMs }: Pick<AccessExplanation, 'stale' | 'confirmedAtMs'>,
): string {
  if (kind === 'admins-only') return 'The source did not say who may see it, so only admins do.';
  if (confirmedAtMs === undefined)
    return 'Who may see it has not been confirmed yet: the groups of the connection were never listed. Only admins see it.';
  if (stale)
    return `Who may see it was last confirmed at ${new Date(confirmedAtMs).toISOString()}, which is too long ago. Only admins see it.`;
  if (kind === 'everyone') return 'The source says that everyone in the organisation may see it.';
  const failed = sets.flatMap(({ satisfied }, index) => (satisfied ? [] : [index + 1]));
  if (failed.length === 0) return `All ${sets.length} sets are satisfied.`;
  return `Of ${sets.length} sets that must all be satisfied, ${failed.length === 1 ? 'this one is' : 'these are'} not: ${failed.slice(0, 10).join(', ')}.`;
}

/** From what is held by itself over groups, by the key of where each way ends. */
function shortestPaths(held: readonly HeldPrincipal[], isOwn: Holder['isOwn']): Map<string, PathStep[]> {
  const groupsOf = new Map<number, HeldPrincipal[]>();
  for (const principal of held) for (const member of principal.by) groupsOf.set(member, [...(groupsOf.get(member) ?? []), principal]);
  let reached = held.filter(isOwn);
  const paths = new Map(reached.map((principal) => [keyOf(principal), [stepOf(principal)]]));
  while (reached.length > 0) {
    const next: HeldPrincipal[] = [];
    for (const principal of reached) {
      for (const group of groupsOf.get(principal.row) ?? []) {
        if (paths.has(keyOf(group))) continue;
        paths.set(keyOf(group), [...(paths.get(keyOf(principal)) ?? []), stepOf(group)]);
        next.push(group);
      }
    }
    reached = next;
  }
  return paths;
}

/** The shortest way to one of them; empty when there is none. */
function bestPath(set: readonly Principal[], paths: ReadonlyMap<string, PathStep[]>): PathStep[] {
  const ways = set.flatMap((principal) => {
    const path = paths.get(keyOf(principal));
    return path === undefined ? [] : [path];
  });
  return ways.toSorted((a, b) => a.length - b.length)[0] ?? [];
}

function stepOf({ kind, id, name }: HeldPrincipal): PathStep {
  return { kind, id, name };
}

function keyOf(principal: Principal): string {
  const { kind, id } = toPrincipal(principal);
  return `${kind}:${id}`;
}

/** The same answer whether it never existed or belongs to somebody else. */
function unknownDocument(id: string): RequestError {
  return new RequestError('UNKNOWN_DOCUMENT', `There is no document "${id.slice(0, 80)}".`, {
    remedy: 'Give the documentId of a passage that was found for this organisation.',
  });
}
