import type { Principal } from '../../domain/document.ts';
import { toGroupPage } from '../../indexing/validate.ts';
import { allPages, listAll } from '../ids.ts';
import { beginning, failureText, isStop, parsed, type Pass, type Standing, type Stop } from '../pass.ts';
import { type Examined, fail, notApplicable, PASS, type Rule } from '../rule.ts';
import type { Asked, Scene } from '../subject.ts';
import { eachReadFeature } from './reading.ts';

/** What a datasource lists. */
export function listingRules(): Rule[] {
  return [listsWhatItRead(), listsAllOrFails(), endsItsGroups(), listsGroupsThatItNames()];
}

function listsWhatItRead(): Rule {
  return {
    name: 'lists-what-it-read',
    demands: 'list-ids ends, gives every id that read gave, and none that read deleted.',
    contract: 'Lists every id of a feature that still exists, so that the host can prune what does not.',
    about: 'source',
    check: (examined) =>
      eachReadFeature(examined, async (feature, pass) => {
        const ids = await listAll(examined.scene, feature, pass.standing);
        if (isStop(ids))
          return isUnsupported(ids)
            ? notApplicable(`list-ids of ${feature} is not there.`)
            : fail(`list-ids of ${feature}: ${ids.text}.`, 'List every id, page by page, and end with no `next`.');
        const listed = new Set(ids);
        const missing = [...pass.standing.index.keys()].filter((id) => !listed.has(id));
        if (missing.length > 0)
          return fail(
            `list-ids of ${feature} leaves out ${missing.length} that read gave: ${missing.slice(0, 3).join(', ')}.`,
            'List with the same ids and the same settings as read, or its documents are pruned.',
          );
        const deleted = deletedBy(pass).filter((id) => listed.has(id));
        return deleted.length === 0
          ? PASS
          : fail(`list-ids of ${feature} gives ${deleted[0]}, which read deleted.`, 'List only what is still there.');
      }),
  };
}

function deletedBy({ batches, standing }: Pass): string[] {
  const deleted = batches.flatMap(({ batch }) => batch.changes.flatMap((change) => (change.kind === 'delete' ? [change.id] : [])));
  return deleted.filter((id) => !standing.index.has(id));
}

const LIST_FAULTS = ['500', '403', '429', 'malformed', 'slow', 'cut'] as const;

function listsAllOrFails(): Rule {
  return {
    name: 'lists-all-or-fails',
    demands: 'When its source fails, list-ids fails: it never gives less than all as if it were all.',
    contract: 'The host prunes only after it has seen the last page.',
    about: 'source',
    check: (examined) =>
      eachReadFeature(examined, async (feature, pass) => {
        const { scene } = examined;
        const whole = await listAll(scene, feature, pass.standing);
        if (isStop(whole) || whole.length === 0) return notApplicable(`list-ids of ${feature} lists nothing.`);
        const requests = (await scene.call({ function: 'list-ids', args: [feature, undefined], kept: pass.standing.kept })).requests;
        if (requests === 0) return notApplicable('It lists without asking its source.');
        for (const fault of LIST_FAULTS) {
          for (let from = 1; from <= Math.min(requests, 3); from += 1) {
            const ids = await listAll(scene, feature, pass.standing, { faults: { fault, from } });
            const text = isStop(ids) ? (ids.why === 'failure' ? undefined : ids.text) : lossOf(whole, ids);
            if (text !== undefined)
              return fail(
                `list-ids of ${feature}, answered ${fault} from request ${from} on: ${text}.`,
                'Fail as read does; the host asks again, and prunes nothing until then.',
              );
          }
        }
        return PASS;
      }),
  };
}

function lossOf(whole: readonly string[], ids: readonly string[]): string | undefined {
  const given = new Set(ids);
  const lost = whole.filter((id) => !given.has(id));
  return lost.length === 0 ? undefined : `it ended without ${lost.length} of ${whole.length} ids, which would be pruned`;
}

function endsItsGroups(): Rule {
  return {
    name: 'comes-to-the-end-of-its-groups',
    demands: 'Pages of list-groups come to an end.',
    contract: 'Hand this back for the next page; none after the last. At most 64 KiB.',
    about: 'source',
    async check({ scene }) {
      const groups = await listGroups(scene, beginning());
      if (!isStop(groups)) return PASS;
      if (groups.why === 'failure')
        return notApplicable(isUnsupported(groups) ? 'list-groups is not there.' : `list-groups failed: ${groups.text}.`);
      return fail(`list-groups: ${groups.text}.`, 'Give a `next` that gets further, and none after the last page.');
    },
  };
}

function listsGroupsThatItNames(): Rule {
  return {
    name: 'lists-the-groups-that-it-names',
    demands: 'Every group in the access of a document is one that list-groups gives.',
    contract: 'Lists who is in which group, so that `access` can name groups.',
    about: 'source',
    async check(examined) {
      const named = await groupsNamed(examined);
      if (named.size === 0) return notApplicable('No document names a group.');
      const groups = await listGroups(examined.scene, beginning());
      const remedy = 'List it in list-groups; who is in a group that is not listed is not known, so that nobody sees the document.';
      if (isStop(groups)) return fail(`Documents name groups such as ${[...named][0]}, and list-groups gave none: ${groups.text}.`, remedy);
      const missing = [...named].filter((id) => !groups.includes(id));
      return missing.length === 0 ? PASS : fail(`Documents name the group ${missing[0]}, which list-groups does not give.`, remedy);
    },
  };
}

async function groupsNamed({ features, passes }: Examined): Promise<Set<string>> {
  const named = new Set<string>();
  for (const feature of features) {
    for (const { access } of (await passes.of(feature)).standing.index.values()) {
      const principals: Principal[] = access.kind === 'all-of' ? access.allOf.flat() : [];
      for (const { kind, id } of principals) if (kind === 'group') named.add(id);
    }
  }
  return named;
}

/** The ids of all groups. */
function listGroups(scene: Scene, { kept }: Standing, how: Partial<Asked> = {}): Promise<string[] | Stop> {
  return allPages(async (after) => {
    const told = await scene.call({ function: 'list-groups', args: [after], kept, ...how });
    const { result } = told;
    if (result.kind === 'failure') return { why: 'failure', told, text: failureText(told) };
    if (result.kind !== 'value') return { why: 'broken', text: result.kind === 'broken' ? result.reason : 'it was cancelled' };
    return parsed(() => {
      const { groups, next } = toGroupPage(result.value);
      return { items: groups.map(({ id }) => id), next };
    });
  });
}

function isUnsupported(stop: Stop): boolean {
  return stop.why === 'failure' && stop.told.result.kind === 'failure' && stop.told.result.failure.kind === 'unsupported';
}
