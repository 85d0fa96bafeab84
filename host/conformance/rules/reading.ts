import { batchOf, differenceOf, isStop, readOnce, readThrough, type Pass, printOf, beginning } from '../pass.ts';
import { type Examined, fail, notApplicable, PASS, type Rule, type Verdict } from '../rule.ts';

/** How a datasource reads. */
export function readingRules(): Rule[] {
  return [ends(), isDeterministic(), resumes(), bearsCancellation(), hasStableIds()];
}

const STAND_STILL = 'or test it against a source that stands still, or a cassette of one';

/** Runs a check for each feature whose undisturbed pass came to its end. */
export async function eachReadFeature(examined: Examined, check: (feature: string, pass: Pass) => Promise<Verdict>): Promise<Verdict> {
  const verdicts: Verdict[] = [];
  for (const feature of examined.features) {
    const pass = await examined.passes.of(feature);
    const verdict = pass.end === 'done' ? await check(feature, pass) : notApplicable(`${feature} cannot be read to its end.`);
    if (verdict.verdict === 'fail') return verdict;
    verdicts.push(verdict);
  }
  return verdicts.find(({ verdict }) => verdict === 'pass') ?? verdicts[0] ?? notApplicable('It has no features.');
}

function ends(): Rule {
  return {
    name: 'comes-to-an-end',
    demands: 'read says `done` in the end, and again when it goes on from there.',
    contract: 'Where the next `read` goes on. After `done` it is where the next run begins.',
    about: 'source',
    async check({ features, passes, scene, hasSource, manifest }) {
      for (const feature of features) {
        const first = await passes.of(feature);
        const pass = first.end === 'done' ? await readThrough(scene, feature, { from: first.standing }) : first;
        if (pass.end === 'done') continue;
        if (pass.end.why === 'failure' && !hasSource && manifest.capabilities.http.length > 0)
          return notApplicable('It needs its source: name one with --upstream.');
        const when = pass === first ? 'read from the beginning' : 'read again from its end';
        const remedy =
          pass.end.why === 'failure'
            ? 'Mend what the failure names: config, credential, source or code.'
            : 'Give a checkpoint that gets further with every batch, and `done` when there is no more.';
        return fail(`${feature}, ${when}, after ${pass.batches.length} batches: ${pass.end.text}.`, remedy);
      }
      return PASS;
    },
  };
}

function isDeterministic(): Rule {
  return {
    name: 'reads-the-same-from-the-same-checkpoint',
    demands: 'The same read, told the same by the host, gives the same changes.',
    contract: 'What a datasource does. Every function is stateless: the host may run each call in a fresh',
    about: 'source',
    check: (examined) =>
      eachReadFeature(examined, async (feature, { batches }) => {
        for (const [number, { before, batch }] of batches.entries()) {
          const again = batchOf(await readOnce(examined.scene, feature, before));
          const how = isStop(again) ? again.text : changesDiffer(batch, again);
          if (how !== undefined)
            return fail(
              `Batch ${number + 1} of ${feature}, read twice: ${how}.`,
              `Make nothing of a batch depend on chance or on the clock, ${STAND_STILL}.`,
            );
        }
        return PASS;
      }),
  };
}

type Batch = Pass['batches'][number]['batch'];

function changesDiffer(one: Batch, other: Batch): string | undefined {
  const prints = ({ changes }: Batch): string[] =>
    changes.map((change) => (change.kind === 'delete' ? `delete ${change.id}` : printOf(change.document)));
  const [first, second] = [prints(one), prints(other)];
  if (one.done !== other.done) return `done is ${one.done}, then ${other.done}`;
  if (first.length !== second.length) return `${first.length} changes, then ${second.length}`;
  const at = first.findIndex((print, index) => print !== second[index]);
  return at < 0 ? undefined : `change ${at + 1} is another one`;
}

function resumes(): Rule {
  return {
    name: 'resumes-at-any-batch',
    demands: 'A host that is killed after any batch, before it committed it, ends with the same documents.',
    contract: 'What must outlive a call goes into the checkpoint or into `storage`.',
    about: 'source',
    check: (examined) =>
      eachReadFeature(examined, async (feature, pass) => {
        const { scene } = examined;
        const disturbed = await readThrough(scene, feature, {
          disturb: async (standing) => void (await readOnce(scene, feature, standing)),
          maxBatches: pass.batches.length * 2 + 10,
        });
        return sameAs(
          pass,
          disturbed,
          `${feature}, with every batch lost once`,
          `Keep what was read in the checkpoint alone, and take nothing away at the source, ${STAND_STILL}.`,
        );
      }),
  };
}

function bearsCancellation(): Rule {
  return {
    name: 'bears-being-cancelled',
    demands: 'A read that is cancelled while it waits for an answer leaves nothing behind: the next one gives what it would have given.',
    contract: 'The host ends the call at this moment, by the clock of `now-ms`, and throws its result away.',
    about: 'source',
    check: (examined) =>
      eachReadFeature(examined, async (feature, pass) => {
        const { scene } = examined;
        const asking = pass.batches.filter(({ told }) => told.hostCalls.length > 0);
        if (asking.length === 0) return notApplicable('It asks the host for nothing while it reads.');
        let cancelled = 0;
        const disturbed = await readThrough(scene, feature, {
          disturb: async (standing, number) => {
            const calls = pass.batches[number]?.told.hostCalls.length ?? 0;
            if (calls === 0) return;
            // Early in one batch, late in another.
            const cancelAt = number % 2 === 0 ? 1 : calls;
            const told = await readOnce(scene, feature, standing, { cancelAt });
            if (told.result.kind === 'cancelled') cancelled += 1;
          },
          maxBatches: pass.batches.length * 2 + 10,
        });
        if (cancelled === 0) return notApplicable('No call could be cancelled before it had ended.');
        return sameAs(
          pass,
          disturbed,
          `${feature}, with every read cancelled once`,
          `Change nothing at the source while reading, ${STAND_STILL}.`,
        );
      }),
  };
}

const DAY_MS = 86_400_000;

function hasStableIds(): Rule {
  return {
    name: 'gives-stable-ids',
    demands: 'Read anew a day later, the same items have the same ids.',
    contract: 'Stable and unique within the feature and the connection. 1 to 512 bytes.',
    about: 'source',
    check: (examined) =>
      eachReadFeature(examined, async (feature, pass) => {
        const later = await readThrough(examined.scene, feature, { from: beginning(), how: { laterMs: DAY_MS } });
        if (later.end !== 'done') return fail(`${feature}, read anew: ${later.end.text}.`, 'Read the same again from no checkpoint.');
        const fresh = [...later.standing.index.keys()].filter((id) => !pass.standing.index.has(id));
        // What has become too old for its settings may be gone a day later, but nothing new comes of the day.
        if (fresh.length === 0) return PASS;
        return fail(
          `${feature} gave ${fresh.length} other ids a day later: ${fresh.slice(0, 3).join(', ')}.`,
          `Use the id that the source itself gives an item, ${STAND_STILL}.`,
        );
      }),
  };
}

export function sameAs(expected: Pass, found: Pass, what: string, remedy: string): Verdict {
  if (found.end !== 'done') return fail(`${what}: ${found.end.text}.`, remedy);
  const difference = differenceOf(expected.standing.index, found.standing.index);
  return difference === undefined ? PASS : fail(`${what}, ends with other documents: ${difference}.`, remedy);
}
