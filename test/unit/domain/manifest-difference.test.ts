import { describe, expect, it } from 'vitest';
import { manifestDifferences } from '../../../host/domain/manifest-difference.ts';
import { parseManifest } from '../../../host/domain/manifest-parse.ts';
import type { Manifest } from '../../../host/domain/manifest.ts';

const BEFORE = `name: notes
version: 1.0.0
author: Ada
description: Reads notes.
framework_version: ^1.0.0
config_schema: { type: object, required: [site], properties: { site: { type: string, description: Where. }, size: { type: integer } } }
features: { notes: {}, comments: { enabled: false } }
auth: { type: api_key, attach: [{ origins: [https://api.notes.example] }] }
capabilities: { http: [{ origin: https://api.notes.example, reason: Reads. }] }
database: { tables: [{ name: pages }] }
monitoring: { metrics: [{ name: read, type: counter }] }
`;

function manifest(text: string): Manifest {
  const verdict = parseManifest(text);
  if (!verdict.ok) throw new Error(JSON.stringify(verdict.problems));
  return verdict.manifest;
}

function differences(piece: string, by: string): string[] {
  expect(BEFORE).toContain(piece);
  return manifestDifferences(manifest(BEFORE), manifest(BEFORE.replace(piece, by))).map(
    ({ area, change, what }) => `${area}: ${change} ${what}`,
  );
}

describe('manifestDifferences()', () => {
  it.each([
    ['version: 1.0.0', 'version: 1.1.0', []],
    ['Reads notes.', 'Reads all notes.', []],
    ['description: Where.', 'description: The place.', []],
    ['reason: Reads.', 'reason: Reads the notes.', []],
    ['framework_version: ^1.0.0', 'framework_version: ">=1.0.0,<3.0.0"', ['contract: changed framework version']],
    ['comments: { enabled: false }', 'drafts: {}', ['features: removed feature comments', 'features: added feature drafts']],
    ['enabled: false', 'enabled: true', ['features: changed feature comments']],
    [
      '{ origin: https://api.notes.example, reason: Reads. }',
      '{ origin: https://api.notes.example, reason: Reads. }, { origin: https://evil.example, reason: Reads. }',
      ['capabilities: added http https://evil.example'],
    ],
    [
      'reason: Reads. }] }',
      'reason: Reads. }], limits: { maxLogLines: { value: 2000, reason: Chats. } } }',
      ['capabilities: added limit maxLogLines 2,000'],
    ],
    ['{ type: integer }', '{ type: string }', ['config: changed setting size']],
    ['required: [site]', 'required: [site, size]', ['config: changed setting size']],
    [', size: { type: integer }', '', ['config: removed setting size']],
    [
      'type: api_key',
      'type: basic',
      ['credential: changed kind of credential', 'credential: changed credential to https://api.notes.example'],
    ],
    ['attach: [{', 'required_scopes: [read], attach: [{', ['credential: added scope read']],
    ['{ name: pages }', '{ name: pages }, { name: blobs }', ['collections: added collection blobs']],
    ['type: counter', 'type: gauge', ['metrics: changed metric read']],
    ['monitoring:', 'core_dependencies: { github: ^1.0.0 }\nmonitoring:', ['dependencies: added github']],
    ['monitoring:', 'webhook: { proof: { scheme: header_token, header: x } }\nmonitoring:', ['webhook: added webhook']],
  ])('%s -> %s', (piece, by, expected) => {
    expect(differences(piece, by)).toEqual(expected);
  });
});
