import { isDeepStrictEqual } from 'node:util';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import { toDescription } from '../../indexing/validate.ts';
import { isStop, parsed } from '../pass.ts';
import { fail, notApplicable, PASS, type Rule, type Verdict } from '../rule.ts';
import type { Scene, Told } from '../subject.ts';

/** What a datasource says of itself. */
export function describeRules(): Rule[] {
  return [agreesWithManifest(), isPure(), hasUsableSchema(), asksForNoSecret()];
}

const BUILD_TOGETHER = 'Build the component and its manifest together with `datasources build DIR`.';

function agreesWithManifest(): Rule {
  return {
    name: 'describes-itself-as-its-manifest-does',
    demands: 'Name, version and features, in the same order, are those of the manifest.',
    contract: 'What this datasource is. It must agree with the manifest.',
    about: 'component',
    async check({ scene, manifest }) {
      const told = await scene.call({ function: 'describe' });
      const said = descriptionOf(told);
      if ('verdict' in said) return said;
      const meant = { name: manifest.name, version: manifest.version, features: manifest.features.map(({ name }) => name) };
      const wrong = (['name', 'version', 'features'] as const).find((key) => !isDeepStrictEqual(said[key], meant[key]));
      if (wrong === undefined) return PASS;
      return fail(
        `Its ${wrong}: ${JSON.stringify(said[wrong])} in describe, ${JSON.stringify(meant[wrong])} in the manifest.`,
        BUILD_TOGETHER,
      );
    },
  };
}

function isPure(): Rule {
  return {
    name: 'describes-itself-without-asking',
    demands: 'describe gives the same each time and asks neither the network nor its storage.',
    contract: 'Says what this datasource is. No network, no storage; the same answer every time.',
    about: 'component',
    async check({ scene }) {
      const [first, second] = [await scene.call({ function: 'describe' }), await scene.call({ function: 'describe' })];
      const asked = first.hostCalls.find(({ interface: name }) => name === 'http-client' || name === 'storage');
      if (asked !== undefined)
        return fail(`describe asked ${asked.interface}.${asked.function}.`, 'Give what is known without asking: a constant.');
      return isDeepStrictEqual(first.result, second.result) ? PASS : fail('describe gave two different answers.', 'Give a constant.');
    },
  };
}

function hasUsableSchema(): Rule {
  return {
    name: 'gives-a-usable-config-schema',
    demands: 'config-schema is a JSON Schema, and names the settings that the manifest names.',
    contract: "JSON Schema 2020-12 of the connection's config, as JSON text.",
    about: 'component',
    async check({ scene, manifest }) {
      const schema = await describedSchema(scene);
      if (isVerdict(schema)) return schema;
      const fault = schemaFault(schema);
      if (fault !== undefined)
        return fail(
          `config-schema is no JSON Schema 2020-12: ${fault}`,
          'Describe the config under config_schema of datasource.yaml, and give that.',
        );
      const [said, meant] = [settingsOf(schema), settingsOf(manifest.configSchema)];
      if (isDeepStrictEqual(said, meant)) return PASS;
      return fail(`config-schema has the settings [${said.join(', ')}], the manifest [${meant.join(', ')}].`, BUILD_TOGETHER);
    },
  };
}

/** What people call a credential. A whole word of the name: `token_budget_limit` is one too, and can be called something else. */
const SECRET =
  /(^|[_-])(password|passwd|passphrase|secret|token|apikey|api[_-]key|access[_-]key|private[_-]key|credentials?|bearer)($|[_-])/;

function asksForNoSecret(): Rule {
  return {
    name: 'asks-for-no-secret-in-its-config',
    demands: 'No setting of the connection or of a feature is a credential.',
    contract: 'Never holds a credential: the host attaches those to requests.',
    about: 'component',
    async check({ scene, manifest }) {
      const said = await describedSchema(scene);
      const schemas = [
        ...(isVerdict(said) ? [] : [said]),
        manifest.configSchema,
        ...manifest.features.map(({ configSchema }) => configSchema),
      ];
      const found = schemas.flatMap((schema) => secretsIn(schema, '')).at(0);
      if (found === undefined) return PASS;
      return fail(
        `The setting ${found} would hold a credential.`,
        'Leave it out and say under `auth` how the host attaches the credential; what belongs to the operator goes under `env_vars`.',
      );
    },
  };
}

/** JSON Pointers of settings that are text and named like a secret. */
function secretsIn(schema: JsonObject, path: string): string[] {
  const properties = isJsonObject(schema.properties) ? Object.entries(schema.properties) : [];
  const found = properties.flatMap(([name, property]) => {
    if (!isJsonObject(property)) return [];
    const at = `${path}/${name}`;
    return isText(property) && SECRET.test(snakeCase(name)) ? [at] : secretsIn(property, at);
  });
  return isJsonObject(schema.items) ? [...found, ...secretsIn(schema.items, `${path}/items`)] : found;
}

function isText({ type }: JsonObject): boolean {
  return type === undefined || type === 'string' || (Array.isArray(type) && type.includes('string'));
}

function snakeCase(name: string): string {
  return name.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
}

function settingsOf(schema: JsonObject): string[] {
  return isJsonObject(schema.properties) ? Object.keys(schema.properties).toSorted() : [];
}

function schemaFault(schema: JsonObject): string | undefined {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  if (ajv.validateSchema(schema) === true) return undefined;
  return ajv.errorsText(ajv.errors).slice(0, 200);
}

async function describedSchema(scene: Scene): Promise<JsonObject | Verdict> {
  const told = await scene.call({ function: 'describe' });
  const said = descriptionOf(told);
  if ('verdict' in said) return notApplicable('It does not describe itself; another rule says why.');
  const { result } = told;
  const text = result.kind === 'value' && isJsonObject(result.value) ? result.value.configSchema : undefined;
  const schema = typeof text === 'string' ? parseJson(text) : undefined;
  if (isJsonObject(schema)) return schema;
  return fail('config-schema is not the text of a JSON object.', 'Give the schema as JSON text; {} allows anything.');
}

/** A schema has no such keyword. */
function isVerdict(value: JsonObject | Verdict): value is Verdict {
  return 'verdict' in value;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function descriptionOf({ result }: Told): { name: string; version: string; features: string[] } | Verdict {
  if (result.kind !== 'value') return fail(`describe ${result.kind === 'broken' ? result.reason : 'failed'}.`, 'Give a constant.');
  const said = parsed(() => toDescription(result.value));
  return isStop(said) ? fail(`What describe gave breaks the contract: ${said.text}.`, 'Give every field as wit/source.wit has it.') : said;
}
