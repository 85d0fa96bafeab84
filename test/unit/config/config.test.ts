import { describe, expect, test } from 'vitest';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readConfig } from '../../../host/config.ts';
import { SETTINGS } from '../../../host/config/settings.ts';
import { RequestError } from '../../../host/domain/errors.ts';
import { isLoopbackHost } from '../../../host/domain/loopback.ts';

function refusal(env: Record<string, string>): RequestError {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof RequestError) return error;
    throw error;
  }
  throw new Error('the settings were taken');
}

describe('readConfig()', () => {
  test('gives the defaults, frozen, when the environment is empty', () => {
    const config = readConfig({});
    expect(config).toMatchObject({
      host: '127.0.0.1',
      port: 8787,
      logLevel: 'info',
      maxSandboxProcesses: 8,
      passageTokens: 512,
      runLeaseMs: 15_000,
      masterKeys: [],
      masterKeyCommand: undefined,
      publicUrl: undefined,
    });
    expect(config.dataDir).toBe(`${process.cwd()}/data`);
    expect(Object.isFrozen(config)).toBe(true);
  });

  test('takes an empty variable for one that is not set', () => {
    expect(readConfig({ PORT: '', HOST: ' ' })).toMatchObject({ port: 8787, host: '127.0.0.1' });
  });

  test('ignores variables of others', () => {
    expect(readConfig({ PATH: '/bin', NODE_OPTIONS: '--x' }).port).toBe(8787);
  });

  test.each([
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '80a'],
    ['PORT', '1e3'],
    ['HOST', 'http://x'],
    ['HOST', 'a b'],
    ['LOG_LEVEL', 'loud'],
    ['LORELAI_ALLOW_UNAUTHENTICATED', 'yes'],
    ['LORELAI_ALLOWED_HOSTS', 'good.example,https://bad.example'],
    ['LORELAI_SOURCE_HOSTS', 'registry.internal:5000,https://other.internal'],
    ['LORELAI_SOURCE_HOSTS', 'registry.internal/path'],
    ['ISOLATION', 'container'],
    ['LORELAI_SANDBOX_PROCESSES', '0'],
    ['LORELAI_SANDBOX_PROCESSES', '257'],
    ['LORELAI_PASSAGE_TOKENS', '63'],
    ['LORELAI_RUN_LEASE_MS', '99'],
    ['LORELAI_AUDIT_DAYS', '0'],
    ['LORELAI_AUDIT_ROWS', '99'],
    ['LORELAI_MASTER_KEY', 'c2hvcnQ='],
    ['LORELAI_MASTER_KEY', `${'A'.repeat(42)}==`],
    ['LORELAI_MASTER_KEY_COMMAND', '["cat", 7]'],
    ['LORELAI_MASTER_KEY_COMMAND', '["cat"'],
    ['LORELAI_PUBLIC_URL', 'http://datasources.example.com'],
    ['LORELAI_PUBLIC_URL', 'https://user@datasources.example.com'],
  ])('refuses %s=%s by name, with a reason and a remedy', (name, value) => {
    const error = refusal({ [name]: value });
    expect(error.code).toBe('INVALID_SETTING');
    expect(error.message).toContain(name);
    expect(error.problems).toEqual([{ path: name, reason: expect.stringMatching(/\.$/), remedy: expect.stringMatching(/^\S/) }]);
  });

  test('refuses an unknown LORELAI_ variable and names the nearest known one', () => {
    const error = refusal({ LORELAI_RUN_LEASE: '1' });
    expect(error.problems).toEqual([
      { path: 'LORELAI_RUN_LEASE', reason: 'No setting has this name.', remedy: 'Did you mean LORELAI_RUN_LEASE_MS? Rename or unset it.' },
    ]);
  });

  test('reports everything that is wrong at once', () => {
    const error = refusal({ PORT: 'x', LORELAI_NONSENSE_HERE: '1', LOG_LEVEL: 'x' });
    expect(error.problems.map(({ path }) => path)).toEqual(['LORELAI_NONSENSE_HERE', 'PORT', 'LOG_LEVEL']);
    expect(error.message).toContain('(and 2 more)');
  });

  test('never repeats a master key that it cannot use', () => {
    const error = refusal({ LORELAI_MASTER_KEY: 'hunter2-hunter2' });
    expect(JSON.stringify([error.message, error.remedy, error.problems])).not.toContain('hunter2');
  });

  test('takes 32 bytes of base64 as the master key', () => {
    const key = Buffer.alloc(32, 7);
    expect(readConfig({ LORELAI_MASTER_KEY: key.toString('base64') }).masterKeys).toEqual([new Uint8Array(key)]);
  });

  test.each([
    ['LORELAI_OIDC_ISSUER', 'http://login.example.com'],
    ['LORELAI_OIDC_ISSUER', 'login.example.com'],
    ['LORELAI_OIDC_ALGORITHMS', 'none'],
    ['LORELAI_OIDC_ALGORITHMS', 'HS256'],
    ['LORELAI_OIDC_SCOPES', 'staff'],
    ['LORELAI_OIDC_SCOPES', 'staff=everything'],
    ['LORELAI_OIDC_ORGANISATION', 'Not An Id'],
    ['LORELAI_OIDC_SCOPES_CLAIM', 'realm..roles'],
    ['LORELAI_CORS_ORIGINS', '*'],
    ['LORELAI_CORS_ORIGINS', 'https://app.example.com/path'],
    ['LORELAI_TRUSTED_PROXIES', 'everybody'],
    ['LORELAI_CALLER_REQUESTS_PER_MINUTE', '0'],
  ])('refuses %s=%s by name', (name, value) => {
    expect(refusal({ [name]: value }).problems.map(({ path }) => path)).toEqual([name]);
  });

  test('takes an OpenID provider whole, and none that would let tokens for anybody in', () => {
    const env = { LORELAI_OIDC_ISSUER: 'https://login.example.com', LORELAI_OIDC_SCOPES: 'staff=operator, bots=reader+on-behalf-of' };
    expect(refusal(env).problems.map(({ path }) => path)).toEqual(['LORELAI_OIDC_AUDIENCE']);
    const { tokens } = readConfig({ ...env, LORELAI_OIDC_AUDIENCE: 'datasources', LORELAI_OIDC_ORGANISATION: 'claim:org.id' });
    expect(tokens).toMatchObject({ issuer: 'https://login.example.com', audience: 'datasources', scopesClaim: ['scope'] });
    expect(tokens?.organisation).toEqual({ from: 'claim', claim: ['org', 'id'] });
    expect([...(tokens?.scopesOf ?? [])]).toEqual([
      ['staff', ['operator']],
      ['bots', ['reader', 'on-behalf-of']],
    ]);
    expect(readConfig({}).tokens).toBeUndefined();
  });

  test.each(['127.0.0.1', '127.8.9.1', 'localhost', '::1', '[::1]', 'LOCALHOST'])('takes %s for loopback', (host) => {
    expect(isLoopbackHost(host)).toBe(true);
    expect(readConfig({ HOST: host }).host).not.toMatch(/[[\]A-Z]/);
  });

  test.each(['0.0.0.0', '127.example.com', '127.0.0.1.example.com', '10.0.0.1', '::', 'localhost.example.com'])(
    'does not take %s for loopback',
    (host) => {
      expect(isLoopbackHost(host)).toBe(false);
    },
  );
});

describe('the table of settings in the README', () => {
  const readme = readFileSync(join(import.meta.dirname, '../../../README.md'), 'utf8');
  const rows = [...readme.matchAll(/^\| ((?:`[A-Z_]+`(?:, )?)+) \| (?:`([^`]*)`)? ?\|/gm)].flatMap(([, names = '', fallback = '']) =>
    names.split(', ').map((name) => [name.replaceAll('`', ''), fallback] as const),
  );

  test('names every setting, with what holds when it is not set, and no other', () => {
    expect(rows.length).toBe(SETTINGS.length);
    expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(SETTINGS.map(({ name, fallback }) => [name, fallback])));
  });
});
