import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parse } from '@bytecodealliance/jco';
import { beforeAll, describe, expect, it } from 'vitest';
import { appendCustomSection } from '../../../host/authoring/custom-section.ts';
import { MANIFEST_SECTION } from '../../../host/domain/manifest.ts';
import { examineOnce } from '../../../host/sandbox/examine.ts';
import { type InspectionReport, MAX_COMPONENT_BYTES } from '../../../host/sandbox/inspect.ts';
import { PROCESS_ISOLATION } from '../../../host/sandbox/isolation.ts';
import { componentFile } from '../../helpers/components.ts';
import { SMALL_MANIFEST, watComponent } from '../../helpers/wat-component.ts';

let bare: Uint8Array;

beforeAll(async () => {
  bare = await watComponent();
});

function inspectComponent(component: Uint8Array): Promise<InspectionReport> {
  return examineOnce(component, { isolation: PROCESS_ISOLATION, types: false });
}

function withManifest(...texts: (string | Uint8Array)[]): Uint8Array {
  return texts.reduce<Uint8Array>((component, text) => appendCustomSection(component, MANIFEST_SECTION, Buffer.from(text)), bare);
}

describe('inspectComponent() accepts', () => {
  it('a component of the contract with its manifest, and reports what is in it', async () => {
    const component = withManifest(SMALL_MANIFEST);
    expect(await inspectComponent(component)).toMatchObject({
      digest: `sha256:${createHash('sha256').update(component).digest('hex')}`,
      sizeBytes: component.byteLength,
      verdict: 'accepted',
      problems: [],
      contract: 'lorelai:datasource@1.0.0',
      exports: ['lorelai:datasource/source@1.0.0'],
      counts: { memories: 1 },
      manifest: { name: 'small', version: '1.0.0' },
    });
  });

  it.each(['hello', 'github'] as const)('%s', async (name) => {
    expect(await inspectComponent(await readFile(componentFile(name)))).toMatchObject({ verdict: 'accepted', manifest: { name } });
  });
});

describe('inspectComponent() refuses', () => {
  it.each<[string, () => Promise<Uint8Array> | Uint8Array, object]>([
    ['a text file', () => Buffer.from(SMALL_MANIFEST), { verdict: 'NOT_A_COMPONENT', problems: [{ path: 'file' }] }],
    [
      'a core module',
      () => parse('(module)'),
      { verdict: 'NOT_A_COMPONENT', problems: [{ reason: expect.stringContaining('core module') }] },
    ],
    ['half of a component', () => withManifest(SMALL_MANIFEST).subarray(0, 5_000), { verdict: 'NOT_A_COMPONENT' }],
    [
      'a file above the limit',
      () => new Uint8Array(MAX_COMPONENT_BYTES + 1),
      { verdict: 'COMPONENT_TOO_LARGE', problems: [{ path: 'file' }] },
    ],
    ['a component of another world', () => parse('(component (import "wasi:cli/run@0.2.12" (instance)))'), { verdict: 'WRONG_WORLD' }],
    [
      'an empty component',
      () => parse('(component)'),
      { verdict: 'WRONG_WORLD', problems: [{ path: 'export lorelai:datasource/source@1.0.0' }] },
    ],
    [
      'a component without a manifest',
      () => bare,
      { verdict: 'INVALID_MANIFEST', problems: [{ reason: expect.stringContaining('has 0 of them') }] },
    ],
    [
      'a component with two manifests',
      () => withManifest(SMALL_MANIFEST, SMALL_MANIFEST),
      { verdict: 'INVALID_MANIFEST', problems: [{ reason: expect.stringContaining('has 2 of them') }] },
    ],
    ['a manifest that is empty', () => withManifest(''), { verdict: 'INVALID_MANIFEST' }],
    ['a manifest that is no text', () => withManifest(Uint8Array.of(0xff, 0xfe, 0)), { verdict: 'INVALID_MANIFEST' }],
    ['a manifest without a name', () => withManifest(SMALL_MANIFEST.replace('name: small\n', '')), { verdict: 'INVALID_MANIFEST' }],
  ])('%s', async (_, make, expected) => {
    const report = await inspectComponent(await make());
    expect(report).toMatchObject(expected);
    expect(report.manifest).toBeUndefined();
    for (const { reason, remedy } of report.problems) expect([reason, remedy]).not.toContain('');
  });

  it('a manifest with a mistake, naming its place', async () => {
    const report = await inspectComponent(withManifest(SMALL_MANIFEST.replace('version: 1.0.0', 'version: one')));
    expect(report).toMatchObject({ verdict: 'INVALID_MANIFEST', problems: [{ path: '/version', line: 2 }] });
  });
});
