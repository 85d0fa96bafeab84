import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import type { Problem } from '../../domain/errors.ts';
import { checkSettings } from '../../domain/settings.ts';
import { toProblems } from '../../indexing/validate.ts';
import { isStop, parsed } from '../pass.ts';
import { fail, PASS, type Rule } from '../rule.ts';
import { isRequest, type Told } from '../subject.ts';

/** How a datasource looks at settings. */
export function settingsRules(): Rule[] {
  return [namesFields(), asksNoNetwork()];
}

const MAX_VARIATIONS = 20;

function namesFields(): Rule {
  return {
    name: 'names-the-settings-that-are-wrong',
    demands: 'validate-config answers with problems that name a setting, a reason and a remedy, or with none.',
    contract: 'Looks for mistakes that a schema cannot find. No network. An empty list means that it is good.',
    about: 'component',
    async check({ scene, manifest }) {
      const { configSchema } = manifest;
      for (const config of [undefined, ...variations(configSchema)]) {
        const told = await scene.call({ function: 'validate-config', ...(config === undefined ? {} : { config }) });
        const complaint = complaintOf(told, configSchema);
        if (complaint === undefined) continue;
        const about = config === undefined ? '' : ` For ${JSON.stringify(config).slice(0, 160)}.`;
        return fail(`${complaint}${about}`, 'Give problems such as {path: "/base_url", reason: "It has no host.", remedy: "Write one."}.');
      }
      return PASS;
    },
  };
}

function complaintOf({ result }: Told, schema: JsonObject): string | undefined {
  switch (result.kind) {
    case 'failure':
      // It may say the same as a failure, when it names the settings.
      return result.failure.kind === 'invalid-config'
        ? result.failure.problems.map((problem) => vagueness(problem, schema)).find(isText)
        : `It failed: ${result.failure.kind}.`;
    case 'value': {
      const problems = parsed(() => toProblems(result.value));
      if (isStop(problems)) return `What it gave breaks the contract: ${problems.text}.`;
      return problems.map((problem) => vagueness(problem, schema)).find(isText);
    }
    case 'broken':
      return `It broke: ${result.reason}.`;
    default:
      return undefined;
  }
}

/** Why nobody could mend it. */
function vagueness({ path, reason, remedy }: Problem, schema: JsonObject): string | undefined {
  const properties = isJsonObject(schema.properties) ? schema.properties : {};
  const [before, setting] = path.split('/');
  if (
    path !== '' &&
    (before !== '' || setting === undefined || !Object.hasOwn(properties, setting.replaceAll('~1', '/').replaceAll('~0', '~')))
  )
    return `A problem is at ${JSON.stringify(path.slice(0, 80))}, which is no JSON Pointer to a setting.`;
  if (reason.trim() === '' || remedy.trim() === '')
    return `The problem at ${JSON.stringify(path)} has no ${reason.trim() === '' ? 'reason' : 'remedy'}.`;
  return undefined;
}

function isText(value: string | undefined): value is string {
  return value !== undefined;
}

/** Settings that a schema lets through and a person would not: blank texts, addresses of nowhere. */
function variations(schema: JsonObject): JsonObject[] {
  const properties = isJsonObject(schema.properties) ? Object.entries(schema.properties) : [];
  const tried = properties.flatMap(([name, property]) => {
    if (!isJsonObject(property) || property.type !== 'string') return [];
    return ['   ', 'https://user:password@conformance.invalid/#fragment', 'x'].map((value) => ({ [name]: value }));
  });
  const fitting = tried.flatMap((given) => {
    const verdict = checkSettings({ ...schema, required: [] }, given);
    return verdict.ok ? [verdict.settings] : [];
  });
  return fitting.slice(0, MAX_VARIATIONS);
}

function asksNoNetwork(): Rule {
  return {
    name: 'looks-at-settings-without-network',
    demands: 'validate-config makes no request.',
    contract: 'Looks for mistakes that a schema cannot find. No network. An empty list means that it is good.',
    about: 'component',
    async check({ scene }) {
      const told = await scene.call({ function: 'validate-config' });
      if (!told.hostCalls.some(isRequest)) return PASS;
      return fail('validate-config made a request.', 'Look at the settings alone there; `check` is where the source is asked.');
    },
  };
}
