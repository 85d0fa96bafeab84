import { ContractError } from '../../indexing/contract-fields.ts';
import { toCheckReport, toGroupPage, toHits, toIdPage, toReceived } from '../../indexing/validate.ts';
import type { Wire } from '../../sandbox/frame.ts';
import type { SourceFunction } from '../../sandbox/protocol.ts';
import { batchOf, beginning, isStop, readOnce } from '../pass.ts';
import { type Examined, fail, notApplicable, PASS, type Rule } from '../rule.ts';
import { isRequest, type Told } from '../subject.ts';

/** What every function must bear. */
export function surfaceRules(): Rule[] {
  return [answersEverything(), refusesUnknownFeature(), refusesForeignCheckpoint(), saysWhoMaySee()];
}

/** A call of each function that is not about one feature, with what reads its result. */
const CALLS: readonly { function: SourceFunction; args: readonly Wire[]; parse: (value: unknown) => unknown }[] = [
  { function: 'check', args: [], parse: toCheckReport },
  { function: 'list-groups', args: [undefined], parse: toGroupPage },
  { function: 'search', args: [{ text: 'how does it work?', limit: 10 }], parse: (value) => toHits(value, 10) },
  {
    function: 'receive',
    args: [{ id: 'conformance', headers: [], body: new TextEncoder().encode('{}') }],
    parse: (value) => toReceived(value),
  },
];

function answersEverything(): Rule {
  return {
    name: 'answers-every-function',
    demands: 'Every function gives what the contract says, or one of its failures; what is not there is `unsupported`.',
    contract: 'Why a call failed: one case for each decision that the host takes.',
    about: 'component',
    async check({ scene, features }) {
      const ofFeatures = features.map((feature) => ({ function: 'list-ids' as const, args: [feature, undefined], parse: toIdPage }));
      for (const { function: func, args, parse } of [...CALLS, ...ofFeatures]) {
        const complaint = complaintOf(await scene.call({ function: func, args }), parse);
        if (complaint !== undefined)
          return fail(
            `${func} ${complaint}`,
            'Answer with a failure of wit/types.wit: `unsupported` for what it does not have, `failed` for the rest.',
          );
      }
      return PASS;
    },
  };
}

function complaintOf({ result }: Told, parse: (value: unknown) => unknown): string | undefined {
  if (result.kind === 'broken') return `broke: ${result.reason}.`;
  if (result.kind !== 'value') return undefined;
  try {
    parse(result.value);
    return undefined;
  } catch (error) {
    if (!(error instanceof ContractError)) throw error;
    return `gave what breaks the contract: ${error.message}.`;
  }
}

const NO_FEATURE = 'no_feature_of_this_name';

function refusesUnknownFeature(): Rule {
  return {
    name: 'refuses-a-feature-that-it-does-not-have',
    demands: 'read and list-ids of a feature that the manifest does not declare fail in words.',
    contract: "Every feature that the manifest declares, in the manifest's order.",
    about: 'component',
    async check({ scene }) {
      for (const func of ['read', 'list-ids'] as const) {
        const { result } = await scene.call({ function: func, args: [NO_FEATURE, undefined] });
        if (result.kind === 'broken')
          return fail(`${func} of an unknown feature broke: ${result.reason}.`, 'Give `failed` with the name of the feature.');
        if (result.kind === 'value')
          return fail(`${func} of an unknown feature gave a result.`, 'Give `failed` with the name of the feature.');
      }
      return PASS;
    },
  };
}

/** No text, no JSON, nothing that anybody writes. */
const FOREIGN_CHECKPOINT = new Uint8Array(64).map((_, index) => 0xff - (index % 32));

function refusesForeignCheckpoint(): Rule {
  return {
    name: 'refuses-a-checkpoint-that-is-not-its-own',
    demands: 'read with bytes that it never wrote fails with `checkpoint-expired` or `failed`.',
    contract: 'The source no longer knows this checkpoint. The host starts the feature again without one.',
    about: 'component',
    async check({ scene, features }) {
      for (const feature of features) {
        const told = await readOnce(scene, feature, { ...beginning(), checkpoint: FOREIGN_CHECKPOINT });
        const { result } = told;
        const remedy = 'Give `checkpoint-expired`: the host then begins the feature again.';
        if (result.kind === 'broken') return fail(`read of ${feature} broke: ${result.reason}.`, remedy);
        if (result.kind === 'value') return fail(`read of ${feature} went on from bytes that it never wrote.`, remedy);
        // What it could not ask its source it cannot know.
        const excused = told.hostCalls.some(isRequest);
        if (result.kind === 'failure' && !excused && !['checkpoint-expired', 'failed'].includes(result.failure.kind))
          return fail(`read of ${feature} gave \`${result.failure.kind}\`.`, remedy);
      }
      return PASS;
    },
  };
}

function saysWhoMaySee(): Rule {
  return {
    name: 'says-who-may-see',
    demands: 'Documents say who may see them: somebody, or `everyone` aloud.',
    contract: "Not known: nobody but the organisation's admins.",
    about: 'component',
    async check({ scene, features, ...examined }) {
      const seen = await firstDocuments({ scene, features, ...examined });
      if (seen.total === 0) return notApplicable('No document could be read without its source.');
      if (seen.hidden < seen.total) return PASS;
      return fail(
        `None of ${seen.total} documents says who may see it, so that nobody but admins will find them.`,
        'Give `access`: who may see it at the source, or everyone() where all may.',
      );
    },
  };
}

async function firstDocuments({ scene, features }: Examined): Promise<{ total: number; hidden: number }> {
  const seen = { total: 0, hidden: 0 };
  for (const feature of features) {
    const batch = batchOf(await readOnce(scene, feature, beginning()));
    if (isStop(batch)) continue;
    for (const change of batch.changes) {
      if (change.kind === 'delete') continue;
      seen.total += 1;
      if (change.document.access.kind === 'admins-only') seen.hidden += 1;
    }
  }
  return seen;
}
