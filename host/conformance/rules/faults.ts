import type { Failure } from '../../domain/document.ts';
import { RETRY_AFTER_S, type Fault, type FaultPlan } from '../faults.ts';
import {
  batchOf,
  commit,
  isStop,
  printOf,
  readOnce,
  readThrough,
  beginning,
  type Pass,
  type ReadBatch,
  type Standing,
  type Stop,
} from '../pass.ts';
import { type Examined, fail, notApplicable, PASS, type Rule, type Verdict } from '../rule.ts';
import type { Scene, Told } from '../subject.ts';
import { eachReadFeature } from './reading.ts';

/** How a datasource bears a source that fails. */
export function faultRules(): Rule[] {
  return [...FAULT_RULES.map(faultRule), recovers()];
}

interface FaultRule {
  name: string;
  demands: string;
  contract: string;
  faults: readonly Fault[];
  /** What is wrong with a failure of the contract, if anything. */
  complain(failure: Failure): string | undefined;
  /** Whether a batch may leave all out that could not be had, without a word. */
  mayBeSilent?: true;
  remedy: string;
}

const FAULT_RULES: readonly FaultRule[] = [
  {
    name: 'says-unauthorized-on-401',
    demands: 'A source that answers 401 to everything is `unauthorized`.',
    contract: 'The source refused the credential. The host refreshes it once, then pauses the connection.',
    faults: ['401'],
    complain: wants('unauthorized'),
    remedy: 'Give `unauthorized` for 401, so that the host gets another token or asks the operator.',
  },
  {
    name: 'says-forbidden-on-403',
    demands: 'A source that answers 403 to everything is `forbidden`, or each scope that is left out is named in `skipped`.',
    contract: 'The credential is good but not for this. The host records it and goes on with the next feature.',
    faults: ['403'],
    complain: wants('forbidden'),
    remedy: 'Give `forbidden`, or a problem in `skipped` for each scope that is left out.',
  },
  {
    name: 'bears-404',
    demands: 'A source that answers 404 to everything ends in words, not in a crash.',
    contract: "Anything else. The host counts it towards the connection's failure threshold.",
    faults: ['404'],
    complain: () => undefined,
    mayBeSilent: true,
    remedy: 'Leave the item out, put it into `skipped`, or give `failed` with what was not found.',
  },
  {
    name: 'honours-retry-after-on-429',
    demands: 'A source that answers 429 is `throttled`, for as long as its Retry-After says.',
    contract: 'The source asked for patience. The host parks the run, holds no process, and wakes it on time.',
    faults: ['429'],
    complain: (failure) => wants('throttled')(failure) ?? tooSoon(failure),
    remedy: 'Give `throttled` with the milliseconds of Retry-After; the host waits, the datasource never does.',
  },
  {
    name: 'says-unavailable-on-5xx',
    demands: 'A source that answers 500 or 503 to everything is `unavailable`.',
    contract: 'The source or the way to it is down. The host tries again with growing pauses.',
    faults: ['500', '503'],
    complain: wants('unavailable', 'throttled'),
    remedy: 'Give `unavailable`, so that the host tries again.',
  },
  {
    name: 'says-unavailable-when-no-answer-comes',
    demands: 'Answers that come too late or break off are `unavailable`.',
    contract: 'Nothing, or not everything, came in time.',
    faults: ['slow', 'cut'],
    complain: wants('unavailable', 'throttled'),
    remedy: 'Give `unavailable`, so that the host tries again.',
  },
  {
    name: 'bears-broken-answers',
    demands: 'Answers that are cut short or are not what they should be end in words: never in a crash, never as an empty source.',
    contract: "Anything else. The host counts it towards the connection's failure threshold.",
    faults: ['malformed', 'truncated'],
    complain: (failure) => (failure.kind === 'unauthorized' || failure.kind === 'unsupported' ? `it is \`${failure.kind}\`` : undefined),
    remedy: 'Look at what came before using it; give `unavailable` or `failed`, or put the item into `skipped`.',
  },
];

/** Batches that it may give of what it had before it meets the fault. */
const MAX_BATCHES = 5;
/** Requests that it may make once everything fails, beside as many as a whole batch needs. */
const PATIENCE = 10;

function faultRule(rule: FaultRule): Rule {
  const { name, demands, contract } = rule;
  return {
    name,
    demands,
    contract,
    about: 'source',
    check: (examined) =>
      eachReadFeature(examined, async (feature, pass) => {
        const usual = Math.max(0, ...pass.batches.map(({ told }) => told.requests));
        if (usual === 0) return notApplicable('It reads without asking its source.');
        for (const fault of rule.faults) {
          // All fails from the beginning, and from the second request on.
          for (const from of [1, 2]) {
            const complaint = await strike(examined.scene, feature, { pass, plan: { fault, from }, rule, usual });
            if (complaint !== undefined) return fail(`${feature}, answered ${fault} from request ${from} on: ${complaint}.`, rule.remedy);
          }
        }
        return PASS;
      }),
  };
}

interface Strike {
  pass: Pass;
  plan: FaultPlan;
  rule: FaultRule;
  usual: number;
}

async function strike(scene: Scene, feature: string, { pass, plan, rule, usual }: Strike): Promise<string | undefined> {
  let standing = beginning();
  let skipped = 0;
  for (let number = 0; number < MAX_BATCHES; number += 1) {
    const told = await readOnce(scene, feature, standing, { faults: plan });
    if (told.requests > usual * 2 + PATIENCE)
      return `it made ${told.requests} requests of a source that fails, where a whole batch needs ${usual}`;
    const batch = batchOf(told);
    if (isStop(batch)) return batch.why === 'failure' ? complainOf(told, rule) : batch.text;
    if (told.requests < plan.from && batch.done) return undefined;
    skipped += batch.skipped.length;
    standing = commit(standing, batch, told);
    if (batch.done) return rule.mayBeSilent === true ? undefined : silence(pass, standing, skipped, plan);
  }
  return undefined;
}

function complainOf({ result }: Told, rule: FaultRule): string | undefined {
  return result.kind === 'failure' ? rule.complain(result.failure) : undefined;
}

/** Whether it was done as if the source had nothing more. */
function silence(pass: Pass, standing: Standing, skipped: number, plan: FaultPlan): string | undefined {
  if (skipped > 0) return undefined;
  const lost = [...pass.standing.index.keys()].filter((id) => !standing.index.has(id)).length;
  if (lost > 0) return `it was done without a word, and without ${lost} of ${pass.standing.index.size} documents`;
  // The fault of an answer that is not read, as of a courtesy call, is none.
  return plan.from === 1 && pass.standing.index.size > 0 && changedBy(pass, standing) > 0
    ? 'it kept what a failing source said as documents'
    : undefined;
}

function changedBy(pass: Pass, standing: Standing): number {
  return [...standing.index].filter(([id, document]) => {
    const before = pass.standing.index.get(id);
    return before !== undefined && printOf(before) !== printOf(document);
  }).length;
}

function wants(...kinds: readonly Failure['kind'][]): (failure: Failure) => string | undefined {
  return (failure) => (kinds.includes(failure.kind) ? undefined : `it is \`${failure.kind}\` instead of \`${kinds[0]}\``);
}

/** A minute more than it was asked for is patience; less, or hours, is not what the source said. */
function tooSoon(failure: Failure): string | undefined {
  if (failure.kind !== 'throttled') return undefined;
  const askedMs = RETRY_AFTER_S * 1_000;
  const { retryAfterMs } = failure;
  return retryAfterMs >= askedMs && retryAfterMs <= askedMs + 60_000
    ? undefined
    : `Retry-After said ${askedMs} ms, and it said ${retryAfterMs} ms`;
}

/** Each batch meets one of these once, and is then read again without. A 404 or another text may be the truth of one item. */
const PASSING: readonly Fault[] = ['500', 'cut', '429', 'slow', '503', '401'];

function recovers(): Rule {
  return {
    name: 'recovers-from-passing-faults',
    demands:
      'A source that fails once in every batch costs time, not documents: what is left out is named in `skipped`, nothing comes twice or wrong.',
    contract: 'Items or scopes that were left out, each with a reason. The run goes on and is `partial`.',
    about: 'source',
    check: (examined) =>
      eachReadFeature(examined, async (feature, pass) => {
        if (pass.batches.every(({ told }) => told.requests === 0)) return notApplicable('It reads without asking its source.');
        for (const [turn] of PASSING.entries()) {
          const verdict = await recoverOnce(examined, feature, { pass, turn });
          if (verdict !== undefined) return verdict;
        }
        return PASS;
      }),
  };
}

async function recoverOnce(
  { scene }: Examined,
  feature: string,
  { pass, turn }: { pass: Pass; turn: number },
): Promise<Verdict | undefined> {
  const remedy = 'Keep nothing of a call that failed, and end in words, whatever comes.';
  let standing = beginning();
  let skipped = 0;
  let done = false;
  for (let number = 0; number < pass.batches.length && !done; number += 1) {
    const read = await readStruck(scene, feature, { standing, plan: planOf(pass, number, turn) });
    if ('why' in read) return fail(`${feature}, after passing faults: ${read.text}.`, remedy);
    skipped += read.batch.skipped.length;
    standing = commit(standing, read.batch, read.told);
    ({ done } = read.batch);
  }
  // A pass that is done is not begun again: it would hide what was lost.
  if (!done) {
    const rest = await readThrough(scene, feature, { from: standing });
    if (rest.end !== 'done') return fail(`${feature}, after passing faults: ${rest.end.text}.`, remedy);
    skipped += rest.batches.reduce((sum, { batch }) => sum + batch.skipped.length, 0);
    standing = rest.standing;
  }
  return judge(pass, standing, { feature, skipped });
}

/** One request of the batch, another one each turn, meets one fault. */
function planOf({ batches }: Pass, number: number, turn: number): FaultPlan {
  const requests = Math.max(1, batches[number]?.told.requests ?? 0);
  return { fault: PASSING[(number + turn) % PASSING.length] ?? '500', from: 1 + ((number + turn) % requests), requests: 1 };
}

/** What a host keeps: of a failure nothing, so that it reads again. */
async function readStruck(
  scene: Scene,
  feature: string,
  { standing, plan }: { standing: Standing; plan: FaultPlan },
): Promise<Pick<ReadBatch, 'batch' | 'told'> | Stop> {
  const struck = await readOnce(scene, feature, standing, { faults: plan });
  const batch = batchOf(struck);
  if (!isStop(batch)) return { batch, told: struck };
  if (batch.why !== 'failure') return { ...batch, text: `answered ${plan.fault} once, ${batch.text}` };
  const told = await readOnce(scene, feature, standing);
  const again = batchOf(told);
  return isStop(again) ? again : { batch: again, told };
}

function judge(pass: Pass, { index }: Standing, { feature, skipped }: { feature: string; skipped: number }): Verdict | undefined {
  const expected = pass.standing.index;
  const missing = [...expected.keys()].filter((id) => !index.has(id));
  if (missing.length > 0 && skipped === 0)
    return fail(
      `${feature}, after passing faults, is without ${missing.slice(0, 3).join(', ')} (${missing.length} in all), and nothing says so.`,
      'Go on from where the fault was, or name what is left out in `skipped`.',
    );
  const extra = [...index.keys()].filter((id) => !expected.has(id));
  if (extra.length > 0)
    return fail(
      `${feature}, after passing faults, has ${extra.slice(0, 3).join(', ')}, which its source has not.`,
      'Make no document of an answer that is a failure.',
    );
  const wrong = [...index].find(([id, document]) => {
    const before = expected.get(id);
    return before !== undefined && printOf(before) !== printOf(document);
  });
  if (wrong === undefined || skipped > 0) return undefined;
  return fail(
    `${feature}, after passing faults, has other text in ${wrong[0]}.`,
    'Look at the status and the form of an answer before it becomes a document.',
  );
}
