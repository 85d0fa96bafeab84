import { describe, expect, it } from 'vitest';
import { identityId, identityProblem, matchesSubject, type Identity } from '../../../host/domain/identity.ts';

const WORKFLOW = 'https://github.com/acme/wiki/.github/workflows/release.yml@refs/tags/v1.0.0';
const PATTERN = 'https://github.com/acme/wiki/.github/workflows/release.yml@refs/tags/v*';
const identity = (
  subject: string,
  match: Identity['match'] = 'exact',
  issuer = 'https://token.actions.githubusercontent.com',
): Identity => ({
  root: 'sigstore',
  issuer,
  subject,
  match,
});
const fits = (subject: string, pattern = PATTERN): boolean => matchesSubject(subject, identity(pattern, 'pattern'));

describe('a subject', () => {
  it('is compared as a whole', () => {
    expect(matchesSubject(WORKFLOW, identity(WORKFLOW))).toBe(true);
    for (const other of [`${WORKFLOW}0`, `x${WORKFLOW}`, WORKFLOW.slice(0, -1), WORKFLOW.toUpperCase(), '', PATTERN])
      expect(matchesSubject(other, identity(WORKFLOW)), other).toBe(false);
    // A * is one, where the subject is exact.
    expect(matchesSubject(WORKFLOW, identity(PATTERN))).toBe(false);
  });

  it('fits a pattern from its first character to its last, and a * never reaches over / or @', () => {
    expect(fits(WORKFLOW)).toBe(true);
    for (const other of [
      `https://evil.example/?${WORKFLOW}`,
      `${WORKFLOW}/more`,
      `${WORKFLOW}@refs/tags/v2`,
      WORKFLOW.replace('v1.0.0', 'v'),
      WORKFLOW.replace('github.com', 'githubxcom'),
      WORKFLOW.replace('acme', 'mallory'),
      WORKFLOW.replace('.github/', 'xgithub/'),
      `${WORKFLOW}\nhttps://evil.example`,
    ])
      expect(fits(other), other).toBe(false);
    expect(fits('releases@acme.example', '*@acme.example')).toBe(true);
    for (const other of ['@acme.example', 'a@b@acme.example', 'releases@acme.example.evil', 'releases@acmeXexample'])
      expect(fits(other, '*@acme.example'), other).toBe(false);
  });
});

describe('an identity that is to be trusted', () => {
  it('has a provider and a subject that somebody could have', () => {
    expect(identityProblem(identity(WORKFLOW))).toBeUndefined();
    expect(identityProblem(identity('releases@acme.example', 'exact', 'https://accounts.google.com'))).toBeUndefined();
    expect(identityProblem(identity(PATTERN, 'pattern'))).toBeUndefined();
    expect(identityProblem(identity('*@acme.example', 'pattern'))).toBeUndefined();
    for (const issuer of [
      '',
      'accounts.google.com',
      'ftp://accounts.google.com',
      'https://accounts.google.com/\u00e9',
      'https://a b.example',
    ])
      expect(identityProblem(identity(WORKFLOW, 'exact', issuer)), issuer).toMatch(/^issuer/);
    for (const subject of ['', ' ', 'a b', '\u0430cme@acme.example', 'x'.repeat(2_000)])
      expect(identityProblem(identity(subject)), subject).toMatch(/^subject/);
  });

  it('is no pattern that would let strangers in', () => {
    for (const subject of [
      '*',
      '*@*',
      '*@*.example',
      'https://*',
      'https://*/acme/wiki',
      'https://github.com/*',
      'https://github.com/*/wiki/.github/workflows/release.yml@refs/tags/v1',
      'https://github.com/acme*/wiki',
      '*://github.com/acme/wiki',
      'https://github.com@*/acme/wiki',
      'https://github.com/acme/**',
      'https://github.com/acme/a*b*c',
      WORKFLOW,
    ])
      expect(identityProblem(identity(subject, 'pattern')), subject).toMatch(/^subject/);
  });

  it('has an id of its own for each root, provider, subject and way to compare', () => {
    const one = identity(WORKFLOW);
    const others = [
      { ...one, root: 'ours' },
      { ...one, issuer: 'https://x.example' },
      { ...one, subject: 'x' },
      { ...one, match: 'pattern' as const },
    ];
    expect(new Set([one, ...others].map(identityId)).size).toBe(5);
  });
});
