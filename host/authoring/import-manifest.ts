import { stringify } from 'yaml';
import { RequestError, type Problem } from '../domain/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import { parseManifest } from '../domain/manifest-parse.ts';

/** A `datasource.yaml` made of an older plug-in's `manifest.json`, and what of that has no place in it. */
export interface ImportedManifest {
  yaml: string;
  notices: string[];
}

/** One setting of the older manifest. */
interface OldField {
  key: string;
  datatype: string;
  title: string;
  description: string;
  secret: boolean;
  required: boolean;
}

/** Types of the older settings, as JSON Schema 2020-12 has them. A `sensitive` one is no setting but the credential. */
const DATATYPES: Readonly<Record<string, JsonObject>> = {
  text: { type: 'string' },
  long_text: { type: 'string' },
  number: { type: 'number' },
  boolean: { type: 'boolean' },
  email: { type: 'string', format: 'email' },
  url: { type: 'string', format: 'uri' },
  sensitive: { type: 'string' },
};

const NEEDED = ['name', 'display_name', 'version', 'author', 'description'] as const;

/** The one feature that a plug-in without features has. */
const FEATURE = 'documents';

/**
 * Translates the `manifest.json` of Lorelai's Python plug-ins: its settings become `config_schema`, its secret the
 * credential, the addresses in its settings what the datasource asks to reach. INVALID_MANIFEST with a problem for each
 * part that cannot be translated.
 */
export function importManifest(text: string): ImportedManifest {
  const old = readJson(text);
  const problems = NEEDED.flatMap((name) => neededProblem(old, name));
  const fields = toFields(old.config, problems);
  if (problems.length > 0) throw invalid(problems);

  const name = String(old.name).toLowerCase().replaceAll('-', '_');
  const secrets = fields.filter(({ secret }) => secret);
  const settings = fields.filter(({ secret }) => !secret);
  const addresses = settings.filter(({ datatype }) => datatype === 'url').map(({ key }) => key);
  const yaml = stringify({
    name,
    version: old.version,
    author: old.author,
    description: old.description,
    framework_version: '>=1.0.0,<2.0.0',
    ...(settings.length === 0 ? {} : { config_schema: configSchema(settings) }),
    features: { [FEATURE]: { description: `All that ${String(old.display_name)} gives.`, enabled: true } },
    ...authOf(secrets, addresses),
    ...(addresses.length === 0
      ? {}
      : { capabilities: { http: addresses.map((key) => ({ origin_from_config: key, reason: `Reads ${String(old.display_name)}.` })) } }),
  });
  const verdict = parseManifest(yaml);
  if (!verdict.ok) throw invalid(verdict.problems);
  return { yaml, notices: noticesOf(old, { name, secrets, addresses }) };
}

function readJson(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    if (isJsonObject(value)) return value;
  } catch {
    // Told below: what the parser says quotes the file.
  }
  throw invalid([{ path: '', reason: 'It is no JSON object.', remedy: 'Name the manifest.json of a plug-in.' }]);
}

function neededProblem(old: JsonObject, name: string): Problem[] {
  const value = old[name];
  if (typeof value === 'string' && value.trim() !== '') return [];
  return [{ path: `/${name}`, reason: value === undefined ? `"${name}" is missing.` : 'It is no text.', remedy: 'Write a text.' }];
}

function toFields(config: Json | undefined, problems: Problem[]): OldField[] {
  if (config === undefined) return [];
  if (!Array.isArray(config)) {
    problems.push({ path: '/config', reason: 'It is no list.', remedy: 'Write a list of settings.' });
    return [];
  }
  return config.flatMap((entry, index) => {
    const field = isJsonObject(entry) ? toField(entry) : undefined;
    if (field !== undefined) return [field];
    const remedy = `Give it a "key" and a "datatype": ${Object.keys(DATATYPES).join(', ')}.`;
    problems.push({ path: `/config/${index}`, reason: 'It is no setting.', remedy });
    return [];
  });
}

function toField({ key, datatype = 'text', title, description, sensitive, required }: JsonObject): OldField | undefined {
  if (typeof key !== 'string' || typeof datatype !== 'string' || !Object.hasOwn(DATATYPES, datatype)) return undefined;
  return {
    key,
    datatype,
    title: typeof title === 'string' ? title : key,
    description: typeof description === 'string' ? description : '',
    secret: sensitive === true || datatype === 'sensitive',
    required: required === true,
  };
}

function configSchema(settings: readonly OldField[]): JsonObject {
  const required = settings.filter((field) => field.required).map(({ key }) => key);
  const properties = settings.map(({ key, datatype, title, description }): [string, JsonObject] => [
    key,
    { ...DATATYPES[datatype], description: description === '' ? title : `${title}: ${description}` },
  ]);
  return { type: 'object', ...(required.length === 0 ? {} : { required }), properties: Object.fromEntries(properties) };
}

/** Without an address in the settings nobody knows where the credential may go: the author has to say it. */
function authOf(secrets: readonly OldField[], addresses: readonly string[]): JsonObject {
  if (secrets.length === 0) return {};
  return { auth: { type: 'api_key', ...(addresses.length === 0 ? {} : { attach: [{ origins_from_config: [...addresses] }] }) } };
}

function noticesOf(
  old: JsonObject,
  { name, secrets, addresses }: { name: string; secrets: readonly OldField[]; addresses: readonly string[] },
): string[] {
  const [credential, ...others] = secrets.map(({ key }) => key);
  return [
    ...(name === old.name ? [] : [`The name "${String(old.name)}" is written "${name}".`]),
    `What it reads is one feature, "${FEATURE}"; give each kind of thing a feature of its own, so that it can be switched.`,
    ...(credential === undefined
      ? []
      : [
          `"${credential}" is the connection's credential. The host holds it and attaches it as a Bearer token; change "auth" if the source wants it otherwise.`,
        ]),
    ...others.map((key) => `"${key}" is a second secret, and a connection has one: leave it out, or join the two in one credential.`),
    ...(addresses.length === 0
      ? ['No setting is an address: write into "capabilities" and "auth" which origins it reads, each with a reason.']
      : []),
    ...(old.logo === undefined ? [] : ['"logo" has no place; the host shows no pictures of strangers.']),
  ];
}

function invalid(problems: readonly Problem[]): RequestError {
  return new RequestError('INVALID_MANIFEST', 'The manifest cannot be translated.', { remedy: 'Mend what the problems name.', problems });
}
