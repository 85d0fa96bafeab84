import type { SourceFunction } from '../../host/sandbox/protocol.ts';
import { hostileCore } from './hostile-wat.ts';
import { SMALL_MANIFEST } from './wat-component.ts';

/** A version of a small datasource that describes itself, finds nothing wrong, and fails in words at everything else. */
export interface SmallVersion {
  /** `small` when left out. */
  name?: string;
  version: string;
  /** Lines of YAML behind those of the smallest manifest. */
  manifest?: string;
  frameworkVersion?: string;
  /** By name; `items` when left out. */
  features?: readonly string[];
  /** Of a feature, what it needs. */
  dependsOn?: Readonly<Record<string, readonly string[]>>;
  /** What `describe` says in place of the name, and of the schema of the config. */
  describes?: { name?: string; configSchema?: string };
  /** Instructions in place of those of a function. */
  bodies?: Partial<Record<SourceFunction, string>>;
  /** Further items of the module. */
  items?: string;
}

/** Memory that nobody writes: the first case of every variant, an empty list. */
export const NOTHING_AT = 512;
/** `failed` without a word, and `unsupported`. */
const FAILED_AT = 600;
const UNSUPPORTED_AT = 700;
const HONEST: Partial<Record<SourceFunction, string>> = {
  'validate-config': at(NOTHING_AT),
  check: at(NOTHING_AT),
  read: at(FAILED_AT),
  'list-ids': at(FAILED_AT),
  'list-groups': at(UNSUPPORTED_AT),
  search: at(UNSUPPORTED_AT),
  receive: at(UNSUPPORTED_AT),
};
/** The case of `result`, and behind it that of `failure`, as the component model lays them out. */
const FAILURES = [
  [FAILED_AT, 7],
  [UNSUPPORTED_AT, 6],
].map(([address, failure]) => `(data (i32.const ${address}) "\\01\\00\\00\\00\\00\\00\\00\\00\\0${failure}")`);

function at(address: number): string {
  return `(i32.const ${address})`;
}

/** Where the description lies. */
export const RECORD_AT = 1_024;
const FEATURES_AT = 1_100;
const TEXTS_AT = 2_048;

/** Made by hand in a few milliseconds: with the texts that `describe` gives in its memory. */
export function smallDatasource(small: SmallVersion): Promise<Uint8Array> {
  const { name = 'small', version, features = ['items'], dependsOn = {}, frameworkVersion = '>=1.0.0,<2.0.0' } = small;
  const texts: string[] = [];
  let end = TEXTS_AT;
  const place = (text: string): [number, number] => {
    texts.push(`(data (i32.const ${end}) ${JSON.stringify(text)})`);
    const at = end;
    end += Buffer.byteLength(text);
    return [at, Buffer.byteLength(text)];
  };
  const { describes = {} } = small;
  const { describe: own, ...bodies } = small.bodies ?? {};
  const said = [...place(describes.name ?? name), ...place(version)];
  const record = [...said, FEATURES_AT, features.length, ...place(describes.configSchema ?? '{}')];
  const listed = features.flatMap((feature) => [...place(feature), ...place('')]);
  const items = [...texts, ...FAILURES, small.items ?? '', words(RECORD_AT, record), words(FEATURES_AT, listed)].join('\n');
  const yaml = SMALL_MANIFEST.replace('name: small', `name: ${name}`)
    .replace('version: 1.0.0', `version: ${version}`)
    .replace('>=1.0.0,<2.0.0', frameworkVersion)
    .replace(
      '  items: {}',
      features.map((feature) => `  ${feature}: { depends_on: [${(dependsOn[feature] ?? []).join(', ')}] }`).join('\n'),
    );
  return hostileCore({ body: own ?? at(RECORD_AT), bodies: { ...HONEST, ...bodies }, items }, `${yaml}${small.manifest ?? ''}`);
}

function words(at: number, values: readonly number[]): string {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => bytes.writeUInt32LE(value, index * 4));
  return `(data (i32.const ${at}) "${[...bytes].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('')}")`;
}
