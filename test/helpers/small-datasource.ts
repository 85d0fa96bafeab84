import { hostileCore } from './hostile-wat.ts';
import { SMALL_MANIFEST } from './wat-component.ts';

/** A version of a small datasource that can describe itself and nothing else. */
export interface SmallVersion {
  /** `small` when left out. */
  name?: string;
  version: string;
  /** Lines of YAML behind those of the smallest manifest. */
  manifest?: string;
  frameworkVersion?: string;
  /** By name; `items` when left out. */
  features?: readonly string[];
}

const RECORD_AT = 1_024;
const FEATURES_AT = 1_100;
const TEXTS_AT = 2_048;

/** Made by hand in a few milliseconds: with the texts that `describe` gives in its memory. */
export function smallDatasource(small: SmallVersion): Promise<Uint8Array> {
  const { name = 'small', version, features = ['items'], frameworkVersion = '>=1.0.0,<2.0.0' } = small;
  const texts: string[] = [];
  let end = TEXTS_AT;
  const place = (text: string): [number, number] => {
    texts.push(`(data (i32.const ${end}) ${JSON.stringify(text)})`);
    const at = end;
    end += Buffer.byteLength(text);
    return [at, Buffer.byteLength(text)];
  };
  const record = [...place(name), ...place(version), FEATURES_AT, features.length, ...place('{}')];
  const listed = features.flatMap((feature) => [...place(feature), ...place('')]);
  const items = [...texts, words(RECORD_AT, record), words(FEATURES_AT, listed)].join('\n');
  const yaml = SMALL_MANIFEST.replace('name: small', `name: ${name}`)
    .replace('version: 1.0.0', `version: ${version}`)
    .replace('>=1.0.0,<2.0.0', frameworkVersion)
    .replace('  items: {}', features.map((feature) => `  ${feature}: {}`).join('\n'));
  return hostileCore({ body: `(i32.const ${RECORD_AT})`, items }, `${yaml}${small.manifest ?? ''}`);
}

function words(at: number, values: readonly number[]): string {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => bytes.writeUInt32LE(value, index * 4));
  return `(data (i32.const ${at}) "${[...bytes].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('')}")`;
}
