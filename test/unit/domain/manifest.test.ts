import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseManifest } from '../../../host/domain/manifest-parse.ts';
import type { Manifest, ManifestProblem } from '../../../host/domain/manifest.ts';

const FIXTURES = join(import.meta.dirname, '../../fixtures/manifests');

const GOOD = `name: notes
version: 1.2.3
author: Ada
description: Reads notes.
framework_version: ">=1.0.0,<2.0.0"
config_schema:
  type: object
  required: [base_url]
  properties:
    base_url: { type: string, format: uri }
    page_size: { type: integer, default: 50 }
features:
  notes:
    config: { max_age_days: 30 }
  comments:
    enabled: false
    depends_on: [notes]
capabilities:
  http:
    - origin_from_config: base_url
      reason: Reads the notes.
    - origin: https://files.example.com
      reason: Reads attachments.
auth:
  type: api_key
  attach:
    - header: X-Api-Key
      format: "{secret}"
      origins: [https://files.example.com]
      origins_from_config: [base_url]
`;

function accepted(text: string): Manifest {
  const verdict = parseManifest(text);
  if (!verdict.ok) throw new Error(JSON.stringify(verdict.problems, undefined, 2));
  return verdict.manifest;
}

function refused(text: string): ManifestProblem[] {
  const verdict = parseManifest(text);
  if (verdict.ok) throw new Error('It was accepted.');
  return verdict.problems;
}

/** The good manifest with one piece of it replaced. */
function spoilt(piece: string, by: string): string {
  expect(GOOD).toContain(piece);
  return GOOD.replace(piece, by);
}

describe('parseManifest() accepts', () => {
  it('the GitHub manifest as it was planned', () => {
    const manifest = accepted(readFileSync(join(FIXTURES, 'plan-github.yaml'), 'utf8'));
    expect(manifest).toMatchObject({ name: 'github', frameworkVersion: '>=1.0.0 <2.0.0', configSchema: { type: 'object' } });
    expect(manifest.features.map(({ name }) => name)).toEqual(['repository_indexing', 'issue_tracking', 'pull_requests']);
    expect(manifest.auth).toEqual({ type: 'oauth2', requiredScopes: ['repo', 'read:org'], attach: [] });
    expect(manifest.collections.map(({ name }) => name)).toEqual(['github_repositories', 'github_issues', 'github_pull_requests']);
    expect(manifest.metrics).toContainEqual({ name: 'api_rate_limit_remaining', type: 'gauge', description: '' });
    expect(manifest.capabilities).toEqual({ http: [], storage: true, limits: [] });
  });

  it('the Google Drive manifest as it was planned, Python words and all', () => {
    const manifest = accepted(readFileSync(join(FIXTURES, 'plan-google-drive.yaml'), 'utf8'));
    expect(manifest.name).toBe('google_drive');
    expect(manifest.features[1]).toMatchObject({ name: 'folder_sync', config: { watch_changes: true, sync_interval_minutes: 30 } });
  });

  it('a feature without a schema, and infers one from its defaults', () => {
    const [feature] = accepted(
      GOOD.replace('{ max_age_days: 30 }', '{ days: 30, ratio: 0.5, kinds: [a, b], deep: { on: true }, mixed: [1, a] }'),
    ).features;
    expect(feature?.configSchema).toEqual({
      type: 'object',
      additionalProperties: false,
      properties: {
        days: { type: 'integer' },
        ratio: { type: 'number' },
        kinds: { type: 'array', items: { type: 'string' } },
        deep: { type: 'object', properties: { on: { type: 'boolean' } }, additionalProperties: false },
        mixed: { type: 'array' },
      },
    });
  });

  it('what is left out, and fills in the defaults', () => {
    const manifest = accepted(GOOD);
    expect(manifest).toMatchObject({ license: undefined, homepage: undefined, envVars: [], collections: [], metrics: [] });
    expect(manifest.features[0]).toMatchObject({ description: 'notes', enabled: true, dependsOn: [] });
    expect(manifest.auth.attach).toEqual([
      { header: 'x-api-key', format: '{secret}', origins: ['https://files.example.com'], originsFromConfig: ['base_url'] },
    ]);
    expect(accepted(GOOD.slice(0, GOOD.indexOf('capabilities:')))).toMatchObject({
      auth: { type: 'none', requiredScopes: [], attach: [] },
      capabilities: { http: [], storage: false, limits: [] },
    });
  });

  it('a schema that does not speak of other properties, and closes it', () => {
    expect(accepted(GOOD).configSchema.additionalProperties).toBe(false);
  });

  it('a feature whose schema has defaults, and fills them into its settings', () => {
    const feature =
      'config: { max_age_days: 30 }\n    config_schema: { type: object, properties: { max_age_days: { type: integer }, deep: { type: boolean, default: true } } }';
    expect(accepted(spoilt('config: { max_age_days: 30 }', feature)).features[0]?.config).toEqual({ max_age_days: 30, deep: true });
  });
});

describe('parseManifest() refuses', () => {
  const cases: { what: string; text: string; path: string; line: number | undefined; reason: RegExp }[] = [
    { what: 'nothing', text: '', path: '', line: undefined, reason: /empty/ },
    { what: 'a list', text: '- a', path: '', line: 1, reason: /an object/ },
    { what: 'broken YAML', text: 'name: "x\n', path: '', line: 2, reason: /closing/ },
    { what: 'two documents', text: `${GOOD}---\na: 1\n`, path: '', line: 31, reason: /more than one document/ },
    { what: 'a key that is there twice', text: `${GOOD}name: other\n`, path: '', line: 31, reason: /"name" is there twice/ },
    { what: 'an alias of nothing', text: spoilt('Ada', '*nobody'), path: '', line: undefined, reason: /alias/ },
    { what: 'a missing name', text: spoilt('name: notes\n', ''), path: '', line: 1, reason: /"name" is missing/ },
    { what: 'a misspelt key', text: spoilt('description:', 'descripton:'), path: '/descripton', line: 4, reason: /not known/ },
    {
      what: 'an unknown key inside',
      text: spoilt('enabled: false', 'enbaled: false'),
      path: '/features/comments/enbaled',
      line: 16,
      reason: /not known/,
    },
    { what: 'a name in capitals', text: spoilt('name: notes', 'name: Notes'), path: '/name', line: 1, reason: /spelt/ },
    {
      what: 'a feature that cannot be named so',
      text: spoilt('  comments:', '  Comments-1:'),
      path: '/features/Comments-1',
      line: 15,
      reason: /cannot be a name/,
    },
    {
      what: 'a version that is a number',
      text: spoilt('version: 1.2.3', 'version: 1.2'),
      path: '/version',
      line: 2,
      reason: /must be text/,
    },
    {
      what: 'a version that is none',
      text: spoilt('version: 1.2.3', 'version: 1.2.x'),
      path: '/version',
      line: 2,
      reason: /no semantic version/,
    },
    {
      what: 'a version with a v',
      text: spoilt('version: 1.2.3', 'version: v1.2.3'),
      path: '/version',
      line: 2,
      reason: /no semantic version/,
    },
    {
      what: 'a range that is none',
      text: spoilt('">=1.0.0,<2.0.0"', '"about one"'),
      path: '/framework_version',
      line: 5,
      reason: /no range/,
    },
    {
      what: 'a switch that is neither on nor off',
      text: spoilt('enabled: false', 'enabled: maybe'),
      path: '/features/comments/enabled',
      line: 16,
      reason: /true or false/,
    },
    {
      what: 'no features',
      text: GOOD.replace(/features:[^]*?capabilities:/, 'features: {}\ncapabilities:'),
      path: '/features',
      line: 12,
      reason: /too few/,
    },
    {
      what: 'a dependency on nothing',
      text: spoilt('[notes]', '[note]'),
      path: '/features/comments/depends_on/0',
      line: 17,
      reason: /no feature "note"/,
    },
    {
      what: 'a dependency on itself',
      text: spoilt('[notes]', '[comments]'),
      path: '/features/comments/depends_on/0',
      line: 17,
      reason: /itself/,
    },
    {
      what: 'defaults that break their own schema',
      text: spoilt(
        'config: { max_age_days: 30 }',
        'config: { max_age_days: 0 }\n    config_schema: { type: object, properties: { max_age_days: { type: integer, minimum: 1 } } }',
      ),
      path: '/features/notes/config/max_age_days',
      line: 14,
      reason: /less than 1/,
    },
    {
      what: 'defaults that their schema does not name',
      text: spoilt(
        'config: { max_age_days: 30 }',
        'config: { max_age_day: 30 }\n    config_schema: { type: object, properties: { max_age_days: { type: integer } } }',
      ),
      path: '/features/notes/config/max_age_day',
      line: 14,
      reason: /not known/,
    },
    {
      what: 'a pattern in a schema, which can hang a host',
      text: spoilt('format: uri }', 'pattern: "^(a+)+$" }'),
      path: '/config_schema/properties/base_url/pattern',
      line: 10,
      reason: /"pattern" is not known/,
    },
    {
      what: 'a reference in a schema',
      text: spoilt('{ type: string, format: uri }', '{ $ref: "#" }'),
      path: '/config_schema/properties/base_url/$ref',
      line: 10,
      reason: /not known/,
    },
    {
      what: 'a schema that is no object',
      text: spoilt('type: object', 'type: string'),
      path: '/config_schema/type',
      line: 7,
      reason: /one of: "object"/,
    },
    {
      what: 'an ask for a limit that there is none of',
      text: spoilt('capabilities:', 'capabilities:\n  limits: { maxMemoryByte: { value: 1000000000, reason: Big. } }'),
      path: '/capabilities/limits/maxMemoryByte',
      line: 19,
      reason: /no limit "maxMemoryByte"/,
    },
    {
      what: 'an ask for more than any host allows',
      text: spoilt('capabilities:', 'capabilities:\n  limits: { maxMemoryBytes: { value: 8589934592, reason: Big. } }'),
      path: '/capabilities/limits/maxMemoryBytes/value',
      line: 19,
      reason: /8 MiB to 4 GiB/,
    },
    {
      what: 'an ask for a limit without a reason',
      text: spoilt('capabilities:', 'capabilities:\n  limits: { maxMemoryBytes: { value: 1000000000 } }'),
      path: '/capabilities/limits/maxMemoryBytes',
      line: 19,
      reason: /reason/,
    },
    {
      what: 'an origin with a path',
      text: spoilt('origin: https://files.example.com', 'origin: https://files.example.com/v1'),
      path: '/capabilities/http/1/origin',
      line: 22,
      reason: /spelt/,
    },
    {
      what: 'an origin without a scheme',
      text: spoilt('origin: https://files.example.com', 'origin: files.example.com'),
      path: '/capabilities/http/1/origin',
      line: 22,
      reason: /spelt/,
    },
    {
      what: 'a whole top-level domain',
      text: spoilt('origin: https://files.example.com', 'origin: https://*.com'),
      path: '/capabilities/http/1/origin',
      line: 22,
      reason: /spelt/,
    },
    {
      what: 'a star in the middle',
      text: spoilt('origin: https://files.example.com', 'origin: https://a.*.example.com'),
      path: '/capabilities/http/1/origin',
      line: 22,
      reason: /spelt/,
    },
    {
      what: 'a port that is none',
      text: spoilt('origin: https://files.example.com', 'origin: https://files.example.com:99999'),
      path: '/capabilities/http/1/origin',
      line: 22,
      reason: /no origin/,
    },
    {
      what: 'an ask without a reason',
      text: spoilt('      reason: Reads attachments.\n', ''),
      path: '/capabilities/http/1',
      line: 22,
      reason: /"reason" is missing/,
    },
    {
      what: 'an ask for both',
      text: spoilt('- origin: https', '- origin_from_config: base_url\n      origin: https'),
      path: '/capabilities/http/1',
      line: 22,
      reason: /too many/,
    },
    {
      what: 'an ask for an unknown setting',
      text: spoilt('origin_from_config: base_url', 'origin_from_config: base_uri'),
      path: '/capabilities/http/0/origin_from_config',
      line: 20,
      reason: /no property "base_uri"/,
    },
    {
      what: 'an ask for a setting that is no URL',
      text: spoilt('origin_from_config: base_url', 'origin_from_config: page_size'),
      path: '/capabilities/http/0/origin_from_config',
      line: 20,
      reason: /not text/,
    },
    {
      what: 'a credential for an origin that is not asked for',
      text: spoilt('origins: [https://files.example.com]', 'origins: [https://evil.example]'),
      path: '/auth/attach/0/origins/0',
      line: 29,
      reason: /not in capabilities/,
    },
    {
      what: 'a credential for a pattern of origins',
      text: spoilt('origins: [https://files.example.com]', 'origins: ["https://*.example.com"]'),
      path: '/auth/attach/0/origins/0',
      line: 29,
      reason: /spelt/,
    },
    {
      what: 'a credential for nowhere',
      text: spoilt('      origins: [https://files.example.com]\n      origins_from_config: [base_url]\n', ''),
      path: '/auth/attach/0',
      line: 27,
      reason: /no origin/,
    },
    {
      what: 'a format without the secret',
      text: spoilt('"{secret}"', '"Bearer"'),
      path: '/auth/attach/0/format',
      line: 28,
      reason: /spelt/,
    },
    {
      what: 'a credential without a kind',
      text: spoilt('type: api_key', 'type: none'),
      path: '/auth/attach',
      line: 26,
      reason: /no credential/,
    },
    {
      what: 'an unknown kind of credential',
      text: spoilt('type: api_key', 'type: magic'),
      path: '/auth/type',
      line: 25,
      reason: /one of: "none", "api_key"/,
    },
    {
      what: 'two tables of one name',
      text: `${GOOD}database: { tables: [{ name: a }, { name: a }] }\n`,
      path: '/database/tables/1/name',
      line: 31,
      reason: /"a" is there twice/,
    },
    {
      what: 'two metrics of one name',
      text: `${GOOD}monitoring: { metrics: [{ name: a, type: counter }, { name: a, type: gauge }] }\n`,
      path: '/monitoring/metrics/1/name',
      line: 31,
      reason: /twice/,
    },
    {
      what: 'a metric of an unknown type',
      text: `${GOOD}monitoring: { metrics: [{ name: a, type: histogram }] }\n`,
      path: '/monitoring/metrics/0/type',
      line: 31,
      reason: /"counter", "gauge"/,
    },
    {
      what: 'storage without tables',
      text: spoilt('capabilities:', 'capabilities:\n  storage: true'),
      path: '/capabilities/storage',
      line: 19,
      reason: /names none/,
    },
    {
      what: 'tables without storage',
      text: `${spoilt('capabilities:', 'capabilities:\n  storage: false')}database: { tables: [{ name: a }] }\n`,
      path: '/capabilities/storage',
      line: 19,
      reason: /storage is false/,
    },
    {
      what: 'a number that JSON does not have',
      text: spoilt('max_age_days: 30', 'max_age_days: .inf'),
      path: '/features/notes/config/max_age_days',
      line: 14,
      reason: /JSON has no such value/,
    },
    {
      what: 'the prototype as a key',
      text: spoilt('max_age_days: 30', '__proto__: 30'),
      path: '/features/notes/config/__proto__',
      line: 14,
      reason: /cannot be a key/,
    },
  ];

  it.each(cases)('$what', ({ text, path, line, reason }) => {
    const problems = refused(text);
    const problem = problems.find((each) => each.path === path && reason.test(each.reason));
    expect(problem, JSON.stringify(problems, undefined, 2)).toBeDefined();
    expect(problem?.line).toBe(line);
    expect(problem?.remedy).toMatch(/^[A-Z].*[^\s]$/);
  });

  it('everything that is wrong at once, not only the first', () => {
    const problems = refused(
      GOOD.replace('name: notes', 'name: Notes').replace('enabled: false', 'enabled: 1').replace('type: api_key', 'type: magic'),
    );
    expect(problems.map(({ path }) => path)).toEqual(['/name', '/features/comments/enabled', '/auth/type']);
  });

  it('a misspelt key with the one that was meant', () => {
    expect(refused(spoilt('framework_version:', 'framework_verison:'))).toContainEqual(
      expect.objectContaining({ path: '/framework_verison', remedy: 'Write "framework_version", or remove it.' }),
    );
  });
});

describe('parseManifest() ends soon on a hostile text', () => {
  const hostile: { what: string; text: string; reason: RegExp }[] = [
    { what: 'more than 256 KiB', text: `# ${'x'.repeat(256 * 1024)}\n${GOOD}`, reason: /larger than 256 KiB/ },
    { what: 'a bomb of aliases', text: bombOfAliases(), reason: /aliases more than 64 times/ },
    { what: 'an alias inside itself', text: 'name: &a\n  b: *a\n', reason: /nested more than 32/ },
    { what: 'brackets without end', text: `name: ${'['.repeat(100_000)}`, reason: /nested more than 32/ },
    { what: 'braces without end', text: `name: ${'{a: '.repeat(50_000)}`, reason: /nested more than 32/ },
    { what: 'forty levels', text: `name: ${'['.repeat(40)}${']'.repeat(40)}`, reason: /nested more than 32/ },
    {
      what: 'thousands of unknown keys',
      text: Array.from({ length: 20_000 }, (_, index) => `k${index}: 1`).join('\n'),
      reason: /is missing/,
    },
    { what: 'a very long key', text: `${'k'.repeat(200_000)}: 1`, reason: /is missing|closing|key/i },
  ];

  it.each(hostile)('$what', ({ text, reason }) => {
    const startedMs = performance.now();
    const problems = refused(text);
    expect(problems[0]?.reason).toMatch(reason);
    expect(problems.length).toBeLessThanOrEqual(50);
    expect(JSON.stringify(problems).length).toBeLessThan(300_000);
    expect(performance.now() - startedMs).toBeLessThan(8_000);
  });
});

function bombOfAliases(): string {
  const levels = Array.from({ length: 9 }, (_, level) => {
    const items = level === 0 ? 'x' : `*l${level - 1}`;
    return `k${level}: &l${level} [${Array.from({ length: 9 }, () => items).join(', ')}]`;
  });
  return levels.join('\n');
}
